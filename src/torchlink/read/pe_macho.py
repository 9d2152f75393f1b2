"""Native libraries of Windows and macOS: what they need and offer, read by LIEF.

They are read to be mined, not to be linked: which library a name comes from, and where Windows looks for it, is another
matter than for ELF. LIEF is an extra (``torchlink[mine]``): no check of an installed Linux environment needs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any, Protocol

from torchlink.model.errors import UnreadableError
from torchlink.model.native import NativeFacts, NativeLibrary, NumpyAbi
from torchlink.read.native import numpy_of

FORMATS = {b"MZ": "PE", b"\xcf\xfa\xed\xfe": "Mach-O", b"\xca\xfe\xba\xbe": "Mach-O"}
"""How a file begins: 64-bit Mach-O by itself, or several in one."""
PE_MACHINES = {"AMD64": "x86_64", "ARM64": "aarch64", "I386": "i686"}

_CAPSULE = "PyCapsule_GetPointer"


class _Bytes(Protocol):
    size: int

    def read_at(self, offset: int, size: int, /) -> bytes: ...


def read_other(path: str, storage: _Bytes) -> tuple[NativeFacts, frozenset[str]]:
    """The facts of a PE or Mach-O file, and the names that it exports.

    Of a Mach-O file with several architectures, those of the first.

    Args:
        path: where it lies, for the facts and errors.
        storage: its bytes.

    Raises:
        UnreadableError: it is neither, is damaged, is too large to be held, or LIEF is not installed.
    """
    head = storage.read_at(0, 4)
    form = next((name for magic, name in FORMATS.items() if head.startswith(magic)), "")
    if not form:
        raise UnreadableError("is no ELF, PE or Mach-O file", where=path)
    lief = _lief(form, path)
    data = storage.read_at(0, storage.size)
    found = _pe(lief, path, data) if form == "PE" else _macho(lief, path, data)
    if found is None:
        raise UnreadableError(f"is damaged: LIEF reads no {form} file in it", where=path)
    library, exports = found
    numpy, level = numpy_of(data) if _CAPSULE in library.undefined else (NumpyAbi.NONE, "")
    return NativeFacts(library=library, numpy=numpy, numpy_level=level), exports


def _lief(form: str, path: str) -> Any:
    try:
        lief = import_module("lief")
    except ImportError:
        raise UnreadableError(f"is a {form} file; LIEF reads it: pip install 'torchlink[mine]'", where=path) from None
    lief.logging.disable()
    if hasattr(lief, "disable_leak_warning"):  # its older releases print none
        lief.disable_leak_warning()
    return lief


_Found = tuple[NativeLibrary, frozenset[str]]


def _pe(lief: Any, path: str, data: bytes) -> _Found | None:
    wanted = lief.PE.ParserConfig()
    wanted.parse_signature = wanted.parse_rsrc = wanted.parse_reloc = False
    binary = lief.PE.parse(data, wanted)
    if binary is None:
        return None
    imports = [*binary.imports, *binary.delay_imports]
    entries = (entry.name for one in imports for entry in one.entries if entry.name)
    exported = binary.get_export()
    offered = () if exported is None else (entry.name for entry in exported.entries if entry.name)
    machine = str(binary.header.machine).rpartition(".")[2]
    library = _library(path, "PE", PE_MACHINES.get(machine, machine), (one.name for one in imports), entries)
    return library, frozenset(map(_text, offered))


def _macho(lief: Any, path: str, data: bytes) -> _Found | None:
    several = lief.MachO.parse(data)
    binary = several.at(0) if several is not None and several.size else None
    if binary is None or not binary.commands:
        return None
    machine = str(binary.header.cpu_type).rpartition(".")[2].lower()
    needed = (one.name for one in binary.libraries if one.command != lief.MachO.LoadCommand.TYPE.ID_DYLIB)
    # macOS puts an underscore before every name of C.
    undefined = (_text(symbol.name).removeprefix("_") for symbol in binary.imported_symbols)
    offered = (_text(symbol.name).removeprefix("_") for symbol in binary.exported_symbols)
    return _library(path, "Mach-O", machine, needed, undefined), frozenset(offered)


def _library(
    path: str, form: str, machine: str, needed: Iterable[str | bytes], undefined: Iterable[str | bytes]
) -> NativeLibrary:
    return NativeLibrary(
        path=path,
        soname="",
        format=form,
        machine=machine,
        needed=tuple(map(_text, needed)),
        rpath=(),
        runpath=(),
        version_needs=(),
        undefined=tuple(dict.fromkeys(map(_text, undefined))),
    )


def _text(name: str | bytes) -> str:
    """LIEF gives a name that is no UTF-8 as bytes."""
    return name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
