"""The finder modules of editable installs: which modules they map to which source files.

They are parsed as literals, never run. Formats: setuptools (``__editable___NAME_finder.py`` with ``MAPPING`` and
``NAMESPACES``), the ``editables`` library (``map_module`` calls), scikit-build-core (``install`` with the modules'
files) and meson-python (a finder made with a build folder, whose install plan lists the files).
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from torchlink.model.environment import EditableFinder
from torchlink.model.errors import UnreadableError
from torchlink.read.bounded import read_bounded

_MAX_FINDER = 4 * 1024 * 1024
_MAX_PLAN = 32 * 1024 * 1024
_PLAN = os.path.normpath("/meson-info/intro-install_plan.json")
_UNREADABLE = (SyntaxError, ValueError, TypeError, RecursionError, MemoryError)


@dataclass(slots=True)
class _Found:
    """What a finder's source says so far."""

    site: str
    mapping: dict[str, str] = field(default_factory=dict)
    namespaces: dict[str, tuple[str, ...]] = field(default_factory=dict)
    known: bool = False


def is_editable_machinery(module: str) -> bool:
    """Whether a module in site-packages is a part of some editable install, by its name."""
    return module.startswith("_") and "editable" in module


def read_finder(path: str) -> EditableFinder:
    """Read an editable finder.

    Raises ``UnreadableError`` where the file is missing, is not Python, or is of no known kind.
    """
    try:
        tree = ast.parse(read_bounded(path, _MAX_FINDER))
        found = _Found(path.rpartition(os.sep)[0])
        for node in tree.body:
            _statement(node, found)
    except _UNREADABLE:
        raise UnreadableError("an editable install's finder that is not readable Python", where=path) from None
    if not found.known:
        raise UnreadableError(
            "an editable install's finder of an unknown kind; what it provides is not known", where=path
        )
    return EditableFinder(path=path, mapping=tuple(found.mapping.items()), namespaces=tuple(found.namespaces.items()))


def _statement(node: ast.stmt, found: _Found) -> None:
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        _assignment(node, found)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        _call(node.value, found)
    elif isinstance(node, ast.FunctionDef) and node.name == "init":
        for call in (inner for inner in ast.walk(node) if isinstance(inner, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id == "MesonpyMetaFinder":
                _meson(_arguments(call), found)


def _literal(node: ast.expr | None) -> object:
    if node is None:
        return None
    try:
        value: object = ast.literal_eval(node)
    except _UNREADABLE:
        return None
    return value


def _arguments(call: ast.Call) -> list[object]:
    return [_literal(argument) for argument in call.args]


def _assignment(node: ast.Assign | ast.AnnAssign, found: _Found) -> None:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    value = _literal(node.value)
    if not isinstance(target, ast.Name) or target.id not in {"MAPPING", "NAMESPACES"} or not isinstance(value, dict):
        return
    found.known = True
    for name, places in value.items():
        if isinstance(name, str) and isinstance(places, str):
            found.mapping[name] = places
        elif isinstance(name, str) and isinstance(places, list):
            found.namespaces[name] = tuple(place for place in places if isinstance(place, str))


def _call(call: ast.Call, found: _Found) -> None:
    function = call.func
    name = (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
    arguments = _arguments(call)
    if name == "map_module" and len(arguments) == 2:
        module, place = arguments
        if isinstance(module, str) and isinstance(place, str):
            found.known = True
            found.mapping[module] = _folder_of_package(place)
    elif name == "install_inplace":
        found.known = True  # its packages are found by the paths in the .pth file
    elif name == "install":
        if any(isinstance(argument, set) for argument in arguments):
            _meson(arguments, found)
        else:
            _scikit_build(arguments, found)


def _folder_of_package(place: str) -> str:
    return place.removesuffix(f"{os.sep}__init__.py")


def _scikit_build(arguments: list[object], found: _Found) -> None:
    """``install(SOURCE FILES, WHEEL FILES, ...)``: both by module name, the second relative to site-packages."""
    for argument in arguments[:2]:
        if isinstance(argument, dict):
            found.known = True
            for module, place in argument.items():
                if isinstance(module, str) and isinstance(place, str):
                    path = place if place.startswith(("/", "\\")) or place[1:2] == ":" else f"{found.site}/{place}"
                    found.mapping[module] = _folder_of_package(os.path.normpath(path))


def _meson(arguments: list[object], found: _Found) -> None:
    """Names in a set, the build folder in the first string that is a path."""
    names = [name for argument in arguments if isinstance(argument, set) for name in argument if isinstance(name, str)]
    builds = [argument for argument in arguments if isinstance(argument, str) and os.sep in argument]
    found.known = True
    found.mapping.update(dict.fromkeys(names, ""))
    if builds:
        found.mapping.update(_install_plan(builds[0] + _PLAN))


def _install_plan(path: str) -> dict[str, str]:
    """The modules in meson's install plan by name; empty where nothing was built yet."""
    try:
        plan: object = json.loads(read_bounded(path, _MAX_PLAN))
    except (UnreadableError, ValueError, RecursionError):
        return {}
    sections = plan.values() if isinstance(plan, dict) else ()
    entries = chain.from_iterable(section.items() for section in sections if isinstance(section, dict))
    modules: dict[str, str] = {}
    for source, target in entries:
        place = target.get("destination") if isinstance(target, dict) else None
        if isinstance(source, str) and isinstance(place, str):
            modules.update(_planned_module(source, place))
    return modules


def _planned_module(source: str, place: str) -> Iterator[tuple[str, str]]:
    root, _, inside = place.partition("/")
    folder, _, name = inside.rpartition("/")
    if root not in {"{py_purelib}", "{py_platlib}"}:
        return
    package = folder.replace("/", ".")
    stem = name.partition(".")[0]
    if name == "__init__.py":
        yield package, _folder_of_package(os.path.normpath(source))
    elif name.endswith((".py", ".so", ".pyd")) or "." not in name:
        yield f"{package}.{stem}" if package else stem, os.path.normpath(source)
