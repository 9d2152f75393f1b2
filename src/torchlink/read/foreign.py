"""An environment whose interpreter cannot run here (another platform's, a copied image): read by its layout."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from torchlink.model.environment import Interpreter
from torchlink.model.errors import UnreadableError
from torchlink.read.bounded import read_head
from torchlink.read.layout import Installation, Layout, has_system_site, read_pyvenv_cfg
from torchlink.read.wheel_tags import linux_platforms, macos_platforms, plain_platform, wheel_tags

_ELF_MACHINES = {3: "i686", 21: "ppc64le", 22: "s390x", 40: "armv7l", 62: "x86_64", 183: "aarch64", 243: "riscv64"}
_PE_MACHINES = {0x8664: "amd64", 0xAA64: "arm64", 0x14C: "win32"}
_MACHO_MACHINES = {0x01000007: "x86_64", 0x0100000C: "arm64"}
_SUFFIX = re.compile(r"\.(?:cpython-(\d)(\d+)[a-z]*-(\w+)-linux-(gnu|musl)\w*\.so|cp(\d)(\d+)[a-z]*-win_?(\w+)\.pyd)$")
_DARWIN_SUFFIX = re.compile(r"\.cpython-(\d)(\d+)[a-z]*-darwin\.so$")
_MAX_FOLDERS_SAMPLED = 3000
_MACOS_ASSUMED = "26.0"
"""The macOS of another machine is not written in an environment: no wheel is refused for needing a newer one."""


@dataclass(frozen=True, slots=True)
class _Machine:
    system: str
    """``Linux``, ``Windows``, ``Darwin``."""
    machine: str
    musl: bool = False


def by_layout(prefix: Path, note: str) -> Installation:
    """Read an environment's folder without running anything.

    ``note`` says why its interpreter could not be asked. Raises ``UnreadableError`` where the folder shows no Python.
    """
    cfg = read_pyvenv_cfg(prefix)
    version = _version(prefix, cfg)
    if version is None:
        raise UnreadableError(
            "is no Python environment: neither an interpreter nor a lib/pythonX.Y folder", where=str(prefix)
        )
    base = _base(prefix, cfg)
    system = _machine(prefix)
    layout = _layout(prefix, base, version, system, cfg)
    return Installation(interpreter=_interpreter(prefix, base, version, system, note), layout=layout)


def unseen(version: str, platform: str) -> Interpreter:
    """CPython of a version on a platform, neither of which is here.

    Args:
        version: ``3.11`` or ``3.11.7``.
        platform: as in wheel tags: ``linux_x86_64``, ``manylinux_2_28_aarch64``, ``win_amd64``, ``macosx_14_0_arm64``.

    Raises:
        UnreadableError: it is no version, or no platform that is known.
    """
    if not re.fullmatch(r"3\.\d+(\.\d+)?", version):
        raise UnreadableError("is no version of Python 3, such as 3.11", where=version)
    full = version if version.count(".") == 2 else f"{version}.0"
    system, platforms, libc = _platform(platform)
    made = _interpreter(Path("/(python)"), Path("/(python)"), full, system, "")
    major, minor = made.version_info
    abis = (f"cp{major}{minor}{'m' if minor == 7 else ''}",)
    return replace(
        made,
        tags=wheel_tags("cpython", (major, minor), abis, platforms),
        platform=plain_platform(platforms),
        libc=libc,
        note=f"Python {version} on {platform} is not here: its standard library was not read",
    )


def _platform(text: str) -> tuple[_Machine, tuple[str, ...], str]:
    if match := re.fullmatch(r"manylinux_(2_\d+)_(\w+)", text):
        libc = f"glibc {match[1].replace('_', '.')}"
        return _Machine("Linux", match[2]), linux_platforms(match[2], libc), libc
    if match := re.fullmatch(r"(linux|musllinux_1_\d+)_(\w+)", text):
        musl = match[1] != "linux"
        libc = f"musl {match[1][10:].replace('_', '.')}" if musl else ""
        return _Machine("Linux", match[2], musl), linux_platforms(match[2], libc), libc
    if match := re.fullmatch(r"win_(amd64|arm64)|win32", text):
        return _Machine("Windows", match[1] or "win32"), (text,), ""
    if match := re.fullmatch(r"macosx_(\d+_\d+)_(\w+)", text):
        return _Machine("Darwin", match[2]), macos_platforms(match[1].replace("_", "."), match[2]), ""
    raise UnreadableError(
        "is no platform that is known", where=text, mend="give one as wheels name it, such as manylinux_2_28_x86_64"
    )


def _version(prefix: Path, cfg: dict[str, str]) -> str | None:
    written = cfg.get("version_info") or cfg.get("version") or ""
    if match := re.match(r"(\d+)\.(\d+)(\.\d+)?", written):
        return f"{match[1]}.{match[2]}{match[3] or '.0'}"
    for record in sorted(prefix.glob("conda-meta/python-[0-9]*.json")):
        if match := re.match(r"python-(\d+\.\d+\.\d+)-", record.name):
            return match[1]
    for library in sorted(prefix.glob("lib*/python3.*")):
        if re.fullmatch(r"python3\.\d+", library.name) and library.is_dir():
            return f"{library.name.removeprefix('python')}.0"
    return None


def _base(prefix: Path, cfg: dict[str, str]) -> Path:
    home = cfg.get("home")
    if not home:
        return prefix
    folder = Path(home)
    return folder.parent if folder.name in {"bin", "Scripts"} else folder


def _machine(prefix: Path) -> _Machine:
    for name in ("bin/python3", "bin/python", "python.exe", "Scripts/python.exe"):
        try:
            head = read_head(prefix / name, 4096)
        except UnreadableError:
            continue
        if found := _machine_of(head):
            return found
    return _by_suffixes(prefix) or _this_machine()


def _machine_of(head: bytes) -> _Machine | None:
    if head[:4] == b"\x7fELF" and len(head) >= 20:
        code = int.from_bytes(head[18:20], "little" if head[5] == 1 else "big")
        return _Machine("Linux", _ELF_MACHINES.get(code, ""), b"/ld-musl-" in head)
    if head[:2] == b"MZ":
        offset = int.from_bytes(head[60:64], "little")
        code = int.from_bytes(head[offset + 4 : offset + 6], "little")
        return _Machine("Windows", _PE_MACHINES.get(code, "amd64"))
    if head[:4] == b"\xcf\xfa\xed\xfe":
        return _Machine("Darwin", _MACHO_MACHINES.get(int.from_bytes(head[4:8], "little"), "arm64"))
    return None


def _by_suffixes(prefix: Path) -> _Machine | None:
    """What most extension modules were built for (one of them may be the wrong one)."""
    votes: Counter[_Machine] = Counter()
    for name in _file_names(prefix):
        if match := _SUFFIX.search(name):
            if match[3]:
                votes[_Machine("Linux", match[3], match[4] == "musl")] += 1
            else:
                votes[_Machine("Windows", match[7])] += 1
        elif _DARWIN_SUFFIX.search(name):
            votes[_Machine("Darwin", "arm64")] += 1
    return votes.most_common(1)[0][0] if votes else None


def _file_names(prefix: Path) -> Iterator[str]:
    for number, (_, folders, files) in enumerate(os.walk(prefix)):
        folders.sort()
        yield from files
        if number > _MAX_FOLDERS_SAMPLED:
            return


def _this_machine() -> _Machine:
    import platform

    return _Machine(platform.system(), platform.machine())


def _layout(prefix: Path, base: Path, version: str, system: _Machine, cfg: dict[str, str]) -> Layout:
    return Layout(
        prefix=str(prefix),
        base_prefix=str(base),
        site_packages=_site_packages(prefix, version, system),
        base_site_packages=_site_packages(base, version, system),
        user_site="",
        system_site=has_system_site(cfg),
    )


def _site_packages(prefix: Path, version: str, system: _Machine) -> tuple[str, ...]:
    if system.system == "Windows":
        return (str(prefix / "Lib" / "site-packages"),)
    short = ".".join(version.split(".")[:2])
    candidates = [
        prefix / "local" / "lib" / f"python{short}" / "dist-packages",
        prefix / "lib" / f"python{short}" / "site-packages",
        prefix / "lib64" / f"python{short}" / "site-packages",
        prefix / "lib" / "python3" / "dist-packages",
    ]
    if (prefix / "lib64").is_symlink():
        candidates.pop(2)
    return tuple(str(path) for path in candidates if path.is_dir())


def _interpreter(prefix: Path, base: Path, version: str, system: _Machine, note: str) -> Interpreter:
    major, minor = (int(part) for part in version.split(".")[:2])
    stdlib = _stdlib(base, (major, minor), system)
    platforms = _platforms(system)
    builtins = frozenset(sys.builtin_module_names)
    return Interpreter(
        executable=str(prefix / ("Scripts/python.exe" if system.system == "Windows" else "bin/python")),
        version=version,
        implementation="cpython",
        markers=_markers(version, system),
        tags=wheel_tags("cpython", (major, minor), (f"cp{major}{minor}{'m' if minor == 7 else ''}",), platforms),
        extension_suffixes=_extension_suffixes((major, minor), system),
        builtin_modules=builtins if stdlib else builtins | sys.stdlib_module_names,
        stdlib=stdlib,
        platform=plain_platform(platforms),
        libc="musl 1.2" if system.musl else "",
        executed=False,
        note=note,
    )


def _stdlib(base: Path, version: tuple[int, int], system: _Machine) -> tuple[str, ...]:
    library = base / "Lib" if system.system == "Windows" else base / "lib" / f"python{version[0]}.{version[1]}"
    if not (library / "os.py").is_file():
        return ()
    dynamic = base / "DLLs" if system.system == "Windows" else library / "lib-dynload"
    return (str(library), str(dynamic))


def _platforms(system: _Machine) -> tuple[str, ...]:
    if system.system == "Windows":
        return ("win32" if system.machine == "win32" else f"win_{system.machine.lower()}",)
    if system.system == "Darwin":
        return macos_platforms(_MACOS_ASSUMED, system.machine)
    return linux_platforms(system.machine, "musl 1.5" if system.musl else "")


def _extension_suffixes(version: tuple[int, int], system: _Machine) -> tuple[str, ...]:
    number = f"{version[0]}{version[1]}{'m' if version == (3, 7) else ''}"
    if system.system == "Windows":
        return (f".cp{number}-{_platforms(system)[0]}.pyd", ".pyd")
    if system.system == "Darwin":
        return (f".cpython-{number}-darwin.so", ".abi3.so", ".so")
    machine = "i386" if system.machine == "i686" else system.machine
    return (f".cpython-{number}-{machine}-linux-{'musl' if system.musl else 'gnu'}.so", ".abi3.so", ".so")


def _markers(version: str, system: _Machine) -> dict[str, str]:
    windows, mac = system.system == "Windows", system.system == "Darwin"
    return {
        "implementation_name": "cpython",
        "implementation_version": version,
        "os_name": "nt" if windows else "posix",
        "platform_machine": system.machine.upper() if windows else system.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": system.system,
        "platform_version": "",
        "python_full_version": version,
        "python_version": ".".join(version.split(".")[:2]),
        "sys_platform": "win32" if windows else "darwin" if mac else "linux",
    }
