"""Callables that do something: for each, opcodes that leave a value and create the marker file."""

from __future__ import annotations

import marshal
from collections.abc import Callable

from tests.checkpoint.ops import Raw, call, name, value, whole

Gadget = Callable[[str], bytes]
"""From the marker's path to opcodes."""


def code(mark: str) -> str:
    return f"open({mark!r}, 'w').close()"


def command(mark: str) -> str:
    return f"touch {mark}"


def wait(opcodes: bytes) -> bytes:
    """Let a process that was started come to its end."""
    return opcodes + b"0" + call("time", "sleep", 0.5)


def then(opcodes: bytes, *args: object) -> bytes:
    """Call what the opcodes leave."""
    return opcodes + value(args) + b"R"


def attribute(of: bytes, attr: str) -> bytes:
    return name("builtins", "getattr") + value((Raw(of), attr)) + b"R"


def module(path: str) -> bytes:
    return call("builtins", "__import__", path)


def _function(mark: str) -> bytes:
    body = Raw(call("marshal", "loads", marshal.dumps(compile(code(mark), "x", "exec"))))
    scope = {"__builtins__": Raw(module("builtins"))}
    return then(name("types", "FunctionType") + value((body, scope)) + b"R")


GADGETS: dict[str, Gadget] = {
    "os.system": lambda m: call("os", "system", command(m)),
    "posix.system": lambda m: call("posix", "system", command(m)),
    "os.popen": lambda m: wait(call("os", "popen", command(m))),
    "os.mkdir": lambda m: call("os", "mkdir", m),
    "os.makedirs": lambda m: call("os", "makedirs", m),
    "os.mkfifo": lambda m: call("os", "mkfifo", m),
    "os.symlink": lambda m: call("os", "symlink", "/etc/hostname", m),
    "os.posix_spawn": lambda m: wait(call("os", "posix_spawn", "/usr/bin/touch", ["touch", m], {})),
    "subprocess.call": lambda m: call("subprocess", "call", ["touch", m]),
    "subprocess.run": lambda m: call("subprocess", "run", ["touch", m]),
    "subprocess.check_output": lambda m: call("subprocess", "check_output", ["touch", m]),
    "subprocess.getoutput": lambda m: call("subprocess", "getoutput", command(m)),
    "subprocess.Popen": lambda m: wait(call("subprocess", "Popen", ["touch", m])),
    "commands.getoutput (Python 2 name)": lambda m: call("commands", "getoutput", command(m)),
    "builtins.eval": lambda m: call("builtins", "eval", code(m)),
    "__builtin__.eval (Python 2 name)": lambda m: call("__builtin__", "eval", code(m)),
    "builtins.exec": lambda m: call("builtins", "exec", code(m)),
    "builtins.open": lambda m: call("builtins", "open", m, "w"),
    "builtins.getattr": lambda m: then(attribute(module("os"), "mkdir"), m),
    "builtins.map": lambda m: call("builtins", "list", Raw(call("builtins", "map", Raw(name("os", "mkdir")), [m]))),
    "builtins.filter": lambda m: call(
        "builtins", "list", Raw(call("builtins", "filter", Raw(name("os", "mkdir")), [m]))
    ),
    "io.open": lambda m: call("io", "open", m, "w"),
    "io.FileIO": lambda m: call("io", "FileIO", m, "w"),
    "_io.FileIO": lambda m: call("_io", "FileIO", m, "w"),
    "codecs.open": lambda m: call("codecs", "open", m, "w"),
    "shutil.copyfile": lambda m: call("shutil", "copyfile", "/etc/hostname", m),
    "shutil.copytree": lambda m: call("shutil", "copytree", "/etc/apt", m),
    "timeit.timeit": lambda m: call("timeit", "timeit", code(m), "pass", Raw(name("time", "perf_counter")), 1),
    "timeit.repeat": lambda m: call("timeit", "repeat", code(m), "pass", Raw(name("time", "perf_counter")), 1, 1),
    "cProfile.run": lambda m: call("cProfile", "run", code(m)),
    "cProfile.runctx": lambda m: call("cProfile", "runctx", code(m), {}, {}),
    "profile.run": lambda m: call("profile", "run", code(m)),
    "pydoc.pipepager": lambda m: call("pydoc", "pipepager", "text", f"cat > {m}"),
    "pydoc.locate": lambda m: then(call("pydoc", "locate", "os.system"), command(m)),
    "pkgutil.resolve_name": lambda m: then(call("pkgutil", "resolve_name", "os:system"), command(m)),
    "importlib.import_module": lambda m: then(attribute(call("importlib", "import_module", "posix"), "mkdir"), m),
    "operator.attrgetter": lambda m: then(then(call("operator", "attrgetter", "mkdir"), Raw(module("os"))), m),
    "operator.methodcaller": lambda m: then(call("operator", "methodcaller", "mkdir", m), Raw(module("os"))),
    "operator.call": lambda m: call("operator", "call", Raw(name("os", "mkdir")), m),
    "functools.partial": lambda m: then(call("functools", "partial", Raw(name("os", "mkdir")), m)),
    "functools.reduce": lambda m: call("functools", "reduce", Raw(name("builtins", "open")), [m, "w"]),
    "itertools.starmap": lambda m: call(
        "builtins", "list", Raw(call("itertools", "starmap", Raw(name("os", "mkdir")), [(m,)]))
    ),
    "pickle.loads": lambda m: call("pickle", "loads", whole(call("os", "mkdir", m), 3)),
    "_pickle.loads": lambda m: call("_pickle", "loads", whole(call("os", "mkdir", m), 3)),
    "marshal and FunctionType": _function,
    "logging.FileHandler": lambda m: call("logging", "FileHandler", m),
    "zipfile.ZipFile": lambda m: call("zipfile", "ZipFile", m, "w"),
    "tarfile.open": lambda m: call("tarfile", "open", m, "w"),
    "gzip.open": lambda m: call("gzip", "open", m, "wb"),
    "bz2.open": lambda m: call("bz2", "open", m, "wb"),
    "lzma.open": lambda m: call("lzma", "open", m, "wb"),
    "sqlite3.connect": lambda m: call("sqlite3", "connect", m),
    "tempfile.mkdtemp": lambda m: call("os", "rename", Raw(call("tempfile", "mkdtemp", "", "", m)), m),
    "uuid._get_command_stdout": lambda m: wait(call("uuid", "_get_command_stdout", "touch", m)),
    "_osx_support._read_output": lambda m: call("_osx_support", "_read_output", command(m)),
    "imaplib.IMAP4_stream": lambda m: call("imaplib", "IMAP4_stream", command(m)),
    "distutils.spawn.spawn": lambda m: call("distutils.spawn", "spawn", ["touch", m]),
    "distutils.file_util.write_file": lambda m: call("distutils.file_util", "write_file", m, ["x"]),
    "multiprocessing.util.spawnv_passfds": lambda m: wait(
        call("multiprocessing.util", "spawnv_passfds", b"/usr/bin/touch", ["touch", m], ())
    ),
    "multiprocessing.pool.mapstar": lambda m: call("multiprocessing.pool", "mapstar", (Raw(name("os", "mkdir")), [m])),
    "pty.spawn": lambda m: call("pty", "spawn", ["touch", m]),
    "_thread.start_new_thread": lambda m: wait(call("_thread", "start_new_thread", Raw(name("os", "mkdir")), (m,))),
    "ctypes.CDLL": lambda m: then(attribute(call("ctypes", "CDLL", None), "system"), command(m).encode()),
    "unittest.mock._importer": lambda m: then(attribute(call("unittest.mock", "_importer", "os"), "mkdir"), m),
    "venv.create": lambda m: call("venv", "create", m),
    "zipapp.create_archive": lambda m: call("zipapp", "create_archive", "/etc/apt", m, None, "a:b"),
    "logging.config.dictConfig": lambda m: call(
        "logging.config",
        "dictConfig",
        {"version": 1, "handlers": {"h": {"class": "logging.FileHandler", "filename": m}}},
    ),
    "doctest.script_from_examples": lambda m: call(
        "builtins", "exec", Raw(call("doctest", "script_from_examples", f">>> {code(m)}\n"))
    ),
    "test.support": lambda m: call("test.support.script_helper", "assert_python_ok", "-c", code(m)),
    "ensurepip._run_pip": lambda m: call("ensurepip", "_run_pip", ["download", "--no-index", "--log", m, "x"]),
    "lib2to3 driver": lambda m: call("lib2to3.pgen2.driver", "load_grammar", "/etc/hostname", m, True),
    "numpy.f2py.crackfortran.getlincoef": lambda m: call(
        "numpy.f2py.crackfortran", "getlincoef", f"__import__('os').mkdir({m!r})", {}
    ),
    "numpy.testing runstring": lambda m: call("numpy.testing._private.utils", "runstring", code(m), {}),
    "numpy.memmap": lambda m: call("numpy", "memmap", m, "uint8", "w+", 0, (1,)),
    "numpy.savetxt": lambda m: call("numpy", "savetxt", m, [1]),
    "torch.save": lambda m: call("torch", "save", 1, m),
    "torch.serialization.save": lambda m: call("torch.serialization", "save", 1, m),
    "torch.utils.collect_env.run": lambda m: call("torch.utils.collect_env", "run", command(m)),
    "torch.from_file": lambda m: call("torch", "from_file", m, True, 1),
    "torch.fx forward from source": lambda m: call(
        "torch.fx.graph_module", "_forward_from_src", f"{code(m)}\ndef forward(self): pass", {}
    ),
    "torch._rebuild_from_type_v2 of os.mkdir": lambda m: call(
        "torch._tensor", "_rebuild_from_type_v2", Raw(name("os", "mkdir")), Raw(name("builtins", "object")), (m,), {}
    ),
    "numpy bit generator constructor": lambda m: call(
        "numpy.random._pickle", "__generator_ctor", m, Raw(name("os", "mkdir"))
    ),
}
