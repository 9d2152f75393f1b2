"""The program that an interpreter runs when it is asked what it is (``python -I -S -c SCRIPT``).

It imports the standard library alone, runs on any Python from 3.4 on, and prints one line of JSON. ``import site``
under ``-S`` only defines functions: no ``.pth`` file is read and no ``sitecustomize`` is run.
"""

SCRIPT = r"""
import importlib.machinery, json, os, site, sys

def venv_prefix():
    folder = os.path.dirname(os.path.abspath(sys.executable))
    for place in (folder, os.path.dirname(folder)):
        if os.path.isfile(os.path.join(place, "pyvenv.cfg")):
            return os.path.dirname(folder)
    return None

def libc():
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        return ""

def machine():
    if hasattr(os, "uname"):
        name = os.uname()
        return [name.sysname, name.release, name.version, name.machine]
    import platform
    return [platform.system(), platform.release(), platform.version(), platform.machine()]

def platform_tag(system):
    if system == "Linux":
        return ""
    import sysconfig
    return sysconfig.get_platform()

def macos_version(system):
    if system != "Darwin":
        return ""
    import platform
    return platform.mac_ver()[0]

def version_text(info):
    text = "%d.%d.%d" % info[:3]
    if info[3] != "final":
        text += info[3][0] + str(info[4]) if info[3] != "candidate" else "rc" + str(info[4])
    return text

system, release, version, cpu = machine()
base = sys.prefix
stdlib = list(sys.path)
venv = venv_prefix()
if venv is not None:
    sys.prefix = sys.exec_prefix = venv
try:
    user_site = site.getusersitepackages()
except Exception:
    user_site = ""
def of_venv():
    return site.getsitepackages([sys.prefix, sys.exec_prefix])
own = of_venv()
sys.prefix = base
of_base = site.getsitepackages([base, sys.base_exec_prefix])
implementation = sys.implementation
sys.stdout.write(json.dumps({
    "executable": sys.executable,
    "version": version_text(sys.version_info),
    "implementation": implementation.name,
    "implementation_version": version_text(implementation.version),
    "os_name": os.name, "sys_platform": sys.platform,
    "system": system, "release": release, "kernel": version, "machine": cpu,
    "pointer_bits": 64 if sys.maxsize > 2 ** 32 else 32,
    "platform": platform_tag(system), "macos": macos_version(system), "libc": libc(),
    "abiflags": getattr(sys, "abiflags", ""),
    "extension_suffixes": importlib.machinery.EXTENSION_SUFFIXES,
    "builtins": sorted(sys.builtin_module_names),
    "stdlib": [path for path in stdlib if path],
    "prefix": venv or base, "base_prefix": base if venv else sys.base_prefix,
    "site_packages": own, "base_site_packages": of_base, "user_site": user_site,
}))
"""
