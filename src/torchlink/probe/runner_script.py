"""What runs inside the environment: probes one after another, a JSON line before and after each.

It is handed over as text and must run on Python 3.7. The results go to what was stdout; whatever a probe prints goes to
stderr.
"""

SCRIPT = r"""
import json, os, sys, time
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
order = json.loads(sys.stdin.readline())
try:
    import resource
    resource.setrlimit(resource.RLIMIT_DATA, (order["memory"], order["memory"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except Exception:
    pass
if not order["network"] and hasattr(sys, "addaudithook"):
    def refuse(event, arguments):
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            raise OSError("probes have no network")
    sys.addaudithook(refuse)
class Skip(Exception):
    pass
def tell(**line):
    out.write(json.dumps(line) + "\n")
    out.flush()
for name, code in order["probes"]:
    tell(begin=name)
    scope = {"__name__": "__probe__", "Skip": Skip}
    began = time.perf_counter()
    try:
        exec(compile(code, "<" + name + ">", "exec"), scope)
        status, detail = "passed", str(scope.get("detail", ""))
    except Skip as why:
        status, detail = "skipped", str(why)
    except BaseException as error:
        status = "failed"
        detail = (type(error).__name__ + ": " + str(error)).strip(": ")
    tell(name=name, status=status, detail=detail, elapsed_s=time.perf_counter() - began)
out.flush()
os._exit(0)
"""
