"""What a wheel holds, for the terminal and as JSON."""

from __future__ import annotations

import json

from torchlink.model.native import NativeFacts, NumpyAbi
from torchlink.model.wheel_description import WheelDescription
from torchlink.report.page import Page
from torchlink.report.wording import counted

FORMATS = ("terminal", "json")
_MOST_LIBRARIES = 40
_NUMPY = {
    NumpyAbi.NUMPY_1: "built for NumPy 1",
    NumpyAbi.NUMPY_2: "knows NumPy 1 and 2",
    NumpyAbi.UNKNOWN: "uses NumPy, of which generation is not shown",
}


def render(wheel: WheelDescription, *, form: str, width: int = 100, colour: bool = False) -> str:
    """Render in one of ``FORMATS``."""
    return _json(wheel) if form == "json" else _terminal(wheel, width=width, colour=colour)


def _terminal(wheel: WheelDescription, *, width: int, colour: bool) -> str:
    page = Page(width=width, colour=colour)
    page.line(f"{wheel.name} {wheel.version}", "bold")
    page.block("wheel", [wheel.filename])
    page.block("sha256", [wheel.sha256] if wheel.sha256 else ["not told by its place"])
    page.block("size", [f"{wheel.size:,} bytes"] if wheel.size else [])
    page.block(
        "inferred",
        [f"no index has this build; the wheel of {wheel.inferred_from} stands for it"] if wheel.inferred_from else [],
    )
    page.block("yanked", [wheel.yanked] if wheel.yanked else [])
    page.block("python", [wheel.requires_python] if wheel.requires_python else [])
    page.block("needs", wheel.requires)
    page.block("modules", [", ".join(wheel.modules)] if wheel.modules else [])
    page.block("holds", [f"{counted(wheel.sources, 'Python file')}, {counted(len(wheel.natives), 'native library')}"])
    for facts, exports in list(zip(wheel.natives, wheel.exports, strict=True))[:_MOST_LIBRARIES]:
        page.blank()
        _library(page, facts, exports)
    if len(wheel.natives) > _MOST_LIBRARIES:
        page.line(f"and {len(wheel.natives) - _MOST_LIBRARIES} more native libraries: --format json has them all")
    page.block("unread", wheel.problems)
    return page.text()


def _library(page: Page, facts: NativeFacts, exports: int) -> None:
    library = facts.library
    page.line(library.path if library.format == "ELF" else f"{library.path} ({library.format}, {library.machine})")
    page.block("needs", [", ".join(library.needed)] if library.needed else [])
    page.block("symbols", [f"needs {len(library.undefined):,}, offers {exports:,}"])
    if facts.numpy in _NUMPY:
        level = f", NumPy {facts.numpy_level} or newer" if facts.numpy_level else ""
        page.block("numpy", [f"{_NUMPY[facts.numpy]}{level}"])
    page.block("cuda", [facts.cuda] if facts.cuda else [])
    floor = _floor(facts)
    page.block("libc", [floor] if floor else [])


def _floor(facts: NativeFacts) -> str:
    """The newest glibc version that a library needs."""
    needed = [one.version for one in facts.library.version_needs if one.version.startswith("GLIBC_2.")]
    return max(
        needed, key=lambda version: [int(part) for part in version[6:].split(".") if part.isdecimal()], default=""
    )


def _json(wheel: WheelDescription) -> str:
    document = {
        "schema": "torchlink.wheel/1",
        "name": wheel.name,
        "version": wheel.version,
        "filename": wheel.filename,
        "sha256": wheel.sha256,
        "size": wheel.size,
        "inferred_from": wheel.inferred_from,
        "yanked": wheel.yanked,
        "requires": list(wheel.requires),
        "requires_python": wheel.requires_python,
        "modules": list(wheel.modules),
        "sources": wheel.sources,
        "natives": [
            {
                "member": facts.library.path,
                "soname": facts.library.soname,
                "format": facts.library.format,
                "machine": facts.library.machine,
                "needed": list(facts.library.needed),
                "undefined": len(facts.library.undefined),
                "exports": exports,
                "numpy": facts.numpy.value,
                "numpy_level": facts.numpy_level,
                "glibc": _floor(facts),
                "cuda": facts.cuda,
            }
            for facts, exports in zip(wheel.natives, wheel.exports, strict=True)
        ],
        "problems": list(wheel.problems),
    }
    return json.dumps(document, indent=1) + "\n"
