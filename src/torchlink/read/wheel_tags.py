"""The wheel tags that an interpreter supports, computed from plain facts, so that it can be any interpreter's.

Source of the rules: the PyPA specification "Platform compatibility tags", PEP 425, 600 and 656. The tests compare
with ``packaging.tags``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_LEGACY_MANYLINUX = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
_NEWEST_KNOWN_GLIBC = 60
"""Minor version of glibc up to which tags are made where the interpreter's own glibc is not known."""


def linux_platforms(machine: str, libc: str) -> tuple[str, ...]:
    """Platform tags of a Linux machine, best first.

    ``libc`` is ``glibc 2.36`` or ``musl 1.2``. Where it is empty nothing is known, and every tag is returned: what a
    wheel needs is then not judged by its tag.
    """
    family, _, version = libc.partition(" ")
    minor = _minor(version)
    plain = f"linux_{machine}"
    if family == "musl":
        return (*(f"musllinux_1_{number}_{machine}" for number in range(minor, -1, -1)), plain)
    if family == "glibc":
        return (*_manylinux(machine, minor), plain)
    musl = (f"musllinux_1_{number}_{machine}" for number in range(5, -1, -1))
    return (*_manylinux(machine, _NEWEST_KNOWN_GLIBC), *musl, plain)


def _minor(version: str) -> int:
    parts = version.split(".")
    return int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() else 0


def _manylinux(machine: str, newest: int) -> Iterator[str]:
    oldest = 5 if machine in {"x86_64", "i686"} else 17
    for minor in range(newest, oldest - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if legacy := _LEGACY_MANYLINUX.get((2, minor)):
            yield f"{legacy}_{machine}"


def macos_platforms(version: str, machine: str) -> tuple[str, ...]:
    """Platform tags of a Mac with this macOS version (``14.4``) and machine (``arm64``), best first."""
    from packaging.tags import mac_platforms

    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    if not major.isdecimal():
        return ()
    return tuple(mac_platforms((int(major), int(minor) if minor.isdecimal() else 0), machine))


def plain_platform(platforms: Sequence[str]) -> str:
    """The one platform tag that names the machine itself: ``linux_x86_64``, ``macosx_14_0_arm64``, ``win_amd64``."""
    return next(
        (platform for platform in platforms if platform.startswith("linux_")), platforms[0] if platforms else ""
    )


def wheel_tags(
    implementation: str, version: tuple[int, int], abis: Sequence[str], platforms: Sequence[str]
) -> tuple[str, ...]:
    """Return supported tags, best first, as ``cp311-cp311-manylinux_2_17_x86_64``.

    ``abis`` are the interpreter's own ABI tags: ``cp311``, ``cp37m``, ``cp313t``, ``pypy310_pp73``.
    """
    major, minor = version
    own = f"cp{major}{minor}" if implementation == "cpython" else f"pp{major}{minor}"
    tags: list[str] = []
    if implementation == "cpython":
        tags.extend(_cpython(major, minor, abis, platforms))
    else:
        tags.extend(f"{own}-{abi}-{platform}" for abi in (*abis, "none") for platform in platforms)
    pure = tuple(_pure_pythons(major, minor))
    tags.extend(f"{python}-none-{platform}" for python in pure for platform in platforms)
    tags.append(f"{own}-none-any")
    tags.extend(f"{python}-none-any" for python in pure)
    return tuple(tags)


def _cpython(major: int, minor: int, abis: Sequence[str], platforms: Sequence[str]) -> Iterator[str]:
    own = f"cp{major}{minor}"
    stable = not any(abi.endswith("t") for abi in abis)
    for abi in (*abis, *(("abi3",) if stable else ()), "none"):
        yield from (f"{own}-{abi}-{platform}" for platform in platforms)
    if stable:
        for older in range(minor - 1, 1, -1):
            yield from (f"cp{major}{older}-abi3-{platform}" for platform in platforms)


def _pure_pythons(major: int, minor: int) -> Iterator[str]:
    yield f"py{major}{minor}"
    yield f"py{major}"
    yield from (f"py{major}{older}" for older in range(minor - 1, -1, -1))
