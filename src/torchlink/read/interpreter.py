"""Asks an interpreter what it is, running nothing of its environment."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from torchlink.model.environment import Interpreter
from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.model.store import ByteStore
from torchlink.read.bounded import read_head
from torchlink.read.interpreter_script import SCRIPT
from torchlink.read.layout import Installation, Layout, has_system_site, read_pyvenv_cfg
from torchlink.read.wheel_tags import linux_platforms, macos_platforms, plain_platform, wheel_tags

OLDEST = (3, 7)
_TIMEOUT_S = 20.0
_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalVM"}
_NARROW = {"x86_64": "i686", "aarch64": "armv8l"}
_MUSL_LOADER = re.compile(rb"/lib/ld-musl-\w+\.so\.1")

Answer = Mapping[str, object]


def ask(python: Path, variables: Mapping[str, str], cache: ByteStore | None = None) -> Installation:
    """Run an interpreter with ``-I -S`` and return what it says of itself.

    ``python`` is its path, links unresolved (a virtual environment is found beside the link); ``variables`` is the
    environment that the user's own run would have. Raises ``UnreadableError`` where the interpreter does not run or
    answer, ``TorchlinkError`` where it is older than Python 3.7.
    """
    key = _cache_key(python, variables)
    line = cache.get("interpreter", key) if cache is not None else None
    answer = _parse(line) if line is not None else None
    if answer is None:
        line = _run(python, variables)
        answer = _parse(line)
        if answer is None:
            raise UnreadableError("is no Python interpreter: it did not answer as one", where=str(python))
        if cache is not None:
            cache.put("interpreter", key, line)
    return _installation(answer, python)


def _run(python: Path, variables: Mapping[str, str]) -> bytes:
    import subprocess

    try:
        done = subprocess.run(
            [str(python), "-I", "-S", "-c", SCRIPT],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            env=dict(variables),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnreadableError(f"did not answer within {_TIMEOUT_S:.0f} s", where=str(python)) from None
    except (OSError, ValueError) as error:
        raise UnreadableError(f"does not run ({error})", where=str(python)) from None
    if b"nknown option: -I" in done.stderr or b"nknown option -I" in done.stderr:
        raise _too_old("Python 2", python)
    if done.returncode != 0:
        raise UnreadableError(f"does not run ({_last_line(done.stderr, done.returncode)})", where=str(python))
    return done.stdout


def _last_line(stderr: bytes, code: int) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else f"signal {-code}" if code < 0 else f"exit code {code}"


def _too_old(what: str, python: Path) -> TorchlinkError:
    return TorchlinkError(
        f"this is {what}, and torchlink reads environments of Python 3.7 and newer",
        where=str(python),
        mend="give a newer environment with --python",
    )


def _parse(line: bytes) -> Answer | None:
    try:
        answer: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict) or not re.match(r"\d+\.\d+\.\d+", _text(answer, "version")):
        return None
    return answer


def _installation(answer: Answer, python: Path) -> Installation:
    version = _text(answer, "version")
    major, minor = (int(part) for part in version.split(".")[:2])
    if (major, minor) < OLDEST:
        raise _too_old(f"Python {version}", python)
    return Installation(interpreter=_interpreter(answer, (major, minor)), layout=_layout(answer))


def _layout(answer: Answer) -> Layout:
    prefix, base = _text(answer, "prefix"), _text(answer, "base_prefix")
    system_site = prefix == base or has_system_site(read_pyvenv_cfg(Path(prefix)))
    return Layout(
        prefix=prefix,
        base_prefix=base,
        site_packages=_texts(answer, "site_packages"),
        base_site_packages=_texts(answer, "base_site_packages"),
        user_site=_text(answer, "user_site"),
        system_site=system_site,
    )


def _interpreter(answer: Answer, version: tuple[int, int]) -> Interpreter:
    implementation = _text(answer, "implementation")
    libc = _text(answer, "libc") or _musl(_text(answer, "system"), _text(answer, "executable"))
    platforms = _platforms(answer, libc)
    suffixes = _texts(answer, "extension_suffixes")
    return Interpreter(
        executable=_text(answer, "executable"),
        version=_text(answer, "version"),
        implementation=implementation,
        markers=_markers(answer),
        tags=wheel_tags(implementation, version, _abis(implementation, version, suffixes, answer), platforms),
        extension_suffixes=suffixes,
        builtin_modules=frozenset(_texts(answer, "builtins")),
        stdlib=_texts(answer, "stdlib"),
        platform=plain_platform(platforms),
        libc=libc,
        executed=True,
    )


def _markers(answer: Answer) -> dict[str, str]:
    implementation = _text(answer, "implementation")
    version = _text(answer, "version")
    return {
        "implementation_name": implementation,
        "implementation_version": _text(answer, "implementation_version"),
        "os_name": _text(answer, "os_name"),
        "platform_machine": _text(answer, "machine"),
        "platform_python_implementation": _IMPLEMENTATIONS.get(implementation, implementation),
        "platform_release": _text(answer, "release"),
        "platform_system": _text(answer, "system"),
        "platform_version": _text(answer, "kernel"),
        "python_full_version": version,
        "python_version": ".".join(version.split(".")[:2]),
        "sys_platform": _text(answer, "sys_platform"),
    }


def _platforms(answer: Answer, libc: str) -> tuple[str, ...]:
    system, machine = _text(answer, "system"), _text(answer, "machine")
    if system == "Linux":
        if answer.get("pointer_bits") == 32:
            machine = _NARROW.get(machine, machine)
        return linux_platforms(machine, libc)
    if system == "Darwin":
        return macos_platforms(_text(answer, "macos"), machine)
    return (re.sub(r"[-.]", "_", _text(answer, "platform")),)


def _abis(implementation: str, version: tuple[int, int], suffixes: tuple[str, ...], answer: Answer) -> tuple[str, ...]:
    if implementation != "cpython":
        match = re.match(r"\.(\w+)-(\w+)-", suffixes[0]) if suffixes else None
        return (f"{match[1]}_{match[2]}",) if match else ()
    flags = _text(answer, "abiflags")
    if not flags and suffixes and (windows := re.match(r"\.cp\d+([a-z]*)-win", suffixes[0])):
        flags = windows[1]
    plain = f"cp{version[0]}{version[1]}"
    if "d" in flags and version >= (3, 8):
        return (plain + flags, plain + flags.replace("d", ""))
    return (plain + flags,)


def _musl(system: str, executable: str) -> str:
    """The musl version of an interpreter that knows no glibc: its loader tells it when it is run without arguments."""
    if system != "Linux":
        return ""
    import subprocess

    try:
        loader = _MUSL_LOADER.search(read_head(os.path.realpath(executable), 8192))
        if loader is None:
            return ""
        done = subprocess.run([loader[0].decode()], capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired, UnreadableError):
        return ""
    version = re.search(rb"Version (\d+\.\d+)", done.stderr)
    return f"musl {version[1].decode()}" if version else "musl 1.2"


def _cache_key(python: Path, variables: Mapping[str, str]) -> str:
    parts = [str(python), variables.get("HOME", ""), variables.get("PYTHONUSERBASE", "")]
    for path in (python, python.parent / "pyvenv.cfg", python.parent.parent / "pyvenv.cfg"):
        try:
            status = path.stat()
        except OSError:
            continue
        parts.append(f"{path.resolve()}:{status.st_size}:{status.st_mtime_ns}")
    if hasattr(os, "uname"):
        parts.append(os.uname().release)
    return "\0".join(parts)


def _text(answer: Answer, key: str) -> str:
    value = answer.get(key)
    return value if isinstance(value, str) else ""


def _texts(answer: Answer, key: str) -> tuple[str, ...]:
    value = answer.get(key)
    if not isinstance(value, list):
        return ()
    return tuple(dict.fromkeys(item for item in value if isinstance(item, str)))
