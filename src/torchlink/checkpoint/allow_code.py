"""The exact code with which one torch and NumPy load a file under ``weights_only=True``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torchlink.checkpoint.weights_only import Refusal, Release, version_of

_MOVED = ("numpy.core.", "numpy._core.")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*\Z")


def allow_code(file: str, refused: Sequence[Refusal], release: Release, numpy: str, devices: Sequence[str]) -> str:
    """Python that loads the file; empty where no allow list of this torch can.

    Args:
        file: The file's name, for the call.
        refused: What ``weights_only=True`` refuses.
        release: The release of torch.
        numpy: NumPy's version; empty where it is not installed.
        devices: Devices that tensors were saved on.
    """
    where = ", map_location='cpu'" if devices else ""
    flag = "" if release.default else ", weights_only=True"
    load = f"state = torch.load({file!r}{where}{flag})"
    if not refused:
        return f"import torch\n\n{load}\n"
    if not release.has_allow_list or any(one.kind in ("form", "blocked") for one in refused):
        return ""
    found = _listed(refused, release, numpy)
    if found is None:
        return ""
    imports, shims, entries = found
    lines = ["import torch", *imports]
    listed = "".join(f"    {entry},\n" for entry in entries)
    lines.extend(shims)
    if release.has_context_manager:
        inner = listed.replace("    ", "        ")
        return "\n".join(lines) + f"\n\nwith torch.serialization.safe_globals(\n    [\n{inner}    ]\n):\n    {load}\n"
    return "\n".join(lines) + f"\n\ntorch.serialization.add_safe_globals([\n{listed}])\n{load}\n"


def allow_list(
    refused: Sequence[Refusal], release: Release, numpy: str
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The import statements and the entries of an exact allow list; ``None`` where no list alone suffices."""
    if not release.has_context_manager or any(one.kind in ("form", "blocked") for one in refused):
        return None
    found = _listed(refused, release, numpy)
    if found is None or found[1]:
        return None
    return tuple(found[0]), tuple(found[2])


def _listed(refused: Sequence[Refusal], release: Release, numpy: str) -> tuple[list[str], list[str], list[str]] | None:
    """Imports, definitions that come before, and entries."""
    paths = sorted({one.what for one in refused})
    if not all(_spelled(path) for path in paths):
        return None
    imports, names = _bound(paths, numpy)
    if not release.has_names and any(name.startswith("torch.") for name in names.values()):
        return None  # dtypes and the like have no __module__, which older allow lists go by
    if any(path.startswith("numpy.dtypes.") for path in paths) and numpy and version_of(numpy) < (1, 25):
        return None
    return (imports, *_entries(paths, names, release, numpy))


def _spelled(path: str) -> bool:
    return "." in path and all(_IDENTIFIER.match(part) for part in path.split("."))


def here(path: str, numpy: str) -> str:
    """Where this NumPy has what the file calls by another generation's name."""
    old = numpy and version_of(numpy) < (2, 0)
    if path.startswith(_MOVED[0]) and numpy and not old:
        return _MOVED[1] + path.removeprefix(_MOVED[0])
    if path.startswith(_MOVED[1]) and old:
        return _MOVED[0] + path.removeprefix(_MOVED[1])
    return path


def _bound(paths: Sequence[str], numpy: str) -> tuple[list[str], dict[str, str]]:
    """Import statements, and the name that each path has after them."""
    lines: list[str] = []
    names: dict[str, str] = {}
    taken = {"torch", "state"}
    for path in paths:
        module, _, name = here(path, numpy).rpartition(".")
        if module == "builtins":
            names[path] = name
        elif module == "torch":
            names[path] = f"torch.{name}"
        else:
            alias = name if name not in taken else f"{module.replace('.', '_')}_{name}"
            taken.add(alias)
            names[path] = alias
            lines.append(f"from {module} import {name}{f' as {alias}' if alias != name else ''}")
    return lines, names


def _entries(paths: Sequence[str], names: dict[str, str], release: Release, numpy: str) -> tuple[list[str], list[str]]:
    """Definitions that come before, and the entries of the list."""
    shims: list[str] = []
    entries: list[str] = []
    for path in paths:
        moved = path.startswith(_MOVED) or names[path].startswith("torch.")
        if moved and release.has_names:
            entries.append(f"({names[path]}, {path!r})")
        elif here(path, numpy) == path:
            entries.append(names[path])
        else:
            module, _, name = path.rpartition(".")
            shims.append(f"\n\ndef old_{name}(*args):\n    return {names[path]}(*args)\n\n")
            shims.append(f"old_{name}.__module__, old_{name}.__name__ = {module!r}, {name!r}")
            entries.append(f"old_{name}")
    return shims, entries
