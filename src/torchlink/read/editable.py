"""The finder modules of editable installs: which top-level names they map to which source folders.

They are parsed as literals, never run. Formats: setuptools (``__editable___NAME_finder.py`` with ``MAPPING`` and
``NAMESPACES``), the ``editables`` library of hatch and pdm (``map_module`` calls), scikit-build-core (``install`` with
a dict of source files) and meson-python (``install`` with a set of names, whose files only a build shows).
"""

from __future__ import annotations

import ast
import os

from torchlink.model.environment import EditableFinder
from torchlink.model.errors import UnreadableError
from torchlink.read.bounded import read_bounded

_MAX_FINDER = 4 * 1024 * 1024


def read_finder(path: str) -> EditableFinder:
    """Read an editable finder.

    Raises ``UnreadableError`` where the file is missing, is not Python, or is of no known kind.
    """
    try:
        tree = ast.parse(read_bounded(path, _MAX_FINDER))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UnreadableError("an editable install's finder that is not readable Python", where=path) from None
    mapping: dict[str, str] = {}
    namespaces: dict[str, tuple[str, ...]] = {}
    known = False
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            known |= _assignment(node, mapping, namespaces)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            known |= _call(node.value, mapping, path.rpartition(os.sep)[0])
    if not known:
        raise UnreadableError(
            "an editable install's finder of an unknown kind; what it provides is not known", where=path
        )
    return EditableFinder(path=path, mapping=tuple(mapping.items()), namespaces=tuple(namespaces.items()))


def _literal(node: ast.expr | None) -> object:
    if node is None:
        return None
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    return value


def _assignment(
    node: ast.Assign | ast.AnnAssign, mapping: dict[str, str], namespaces: dict[str, tuple[str, ...]]
) -> bool:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    if not isinstance(target, ast.Name) or target.id not in {"MAPPING", "NAMESPACES"}:
        return False
    value = _literal(node.value)
    if not isinstance(value, dict):
        return False
    for name, places in value.items():
        if not isinstance(name, str):
            continue
        if isinstance(places, str):
            mapping[name] = places
        elif isinstance(places, list):
            namespaces[name] = tuple(place for place in places if isinstance(place, str))
    return True


def _call(call: ast.Call, mapping: dict[str, str], site: str) -> bool:
    function = (
        call.func.attr
        if isinstance(call.func, ast.Attribute)
        else call.func.id
        if isinstance(call.func, ast.Name)
        else ""
    )
    arguments = [_literal(argument) for argument in call.args]
    if function == "map_module" and len(arguments) == 2:
        name, place = arguments
        if isinstance(name, str) and isinstance(place, str):
            mapping[name] = place.removesuffix(f"{os.sep}__init__.py")
            return True
    return function == "install" and _install(arguments, mapping, site)


def _install(arguments: list[object], mapping: dict[str, str], site: str) -> bool:
    """scikit-build-core lists every module's file (those of the wheel relative to site-packages); meson-python only
    names the top-level packages.
    """
    known = False
    for argument in arguments:
        if isinstance(argument, dict):
            known = True
            for module, place in argument.items():
                if isinstance(module, str) and isinstance(place, str):
                    mapping[module] = os.path.normpath(f"{site}/{place}" if place[:1] not in "/\\" else place)
                    mapping[module] = mapping[module].removesuffix(f"{os.sep}__init__.py")
        elif isinstance(argument, set):
            known = True
            mapping.update({name: "" for name in argument if isinstance(name, str)})
    return known
