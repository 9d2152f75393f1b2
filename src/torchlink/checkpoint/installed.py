"""Does a name exist in an environment? Answered from the source files that lie there; nothing is imported."""

from __future__ import annotations

import ast
import builtins
import mmap
import re
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from pathlib import Path

from torchlink.model.environment import Environment
from torchlink.read.syntax import parse

_MOST_SOURCE = 16 << 20
_DEEPEST = 12


class Found(Enum):
    """Whether a name is there."""

    EXISTS = "exists"
    NO_MODULE = "no module"
    NO_NAME = "no name"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer for one name, with what it rests on."""

    found: Found
    detail: str = ""
    """The file looked at, or the module that is missing."""


@dataclass(slots=True)
class _Names:
    """What a module binds at its top level."""

    bound: set[str] = field(default_factory=set)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name → the module and name that it comes from; an empty name for a module itself."""
    stars: list[str] = field(default_factory=list)
    dynamic: bool = False
    problem: str = ""


class Installed:
    """The modules of one environment, and of folders that stand before it on the search path."""

    def __init__(self, environment: Environment, before: tuple[Path, ...] = ()) -> None:
        found = [entry.path for entry in environment.search_path]
        self._folders = tuple(dict.fromkeys([*map(str, before), *found, *environment.interpreter.stdlib]))
        self._builtin = environment.interpreter.builtin_modules
        self._mapped = {name: Path(place) for finder in environment.finders for name, place in finder.mapping}
        self._files: dict[str, Path | None] = {}
        self._names: dict[Path, _Names] = {}

    def module(self, name: str) -> Path | None:
        """The file of a module, the folder of a namespace package, or ``None`` where there is none."""
        if name not in self._files:
            self._files[name] = self._locate(name)
        return self._files[name]

    def _locate(self, name: str) -> Path | None:
        parent, _, last = name.rpartition(".")
        if parent:
            above = self.module(parent)
            folders = [] if above is None else [above.parent if above.name.startswith("__init__.") else above]
        else:
            folders = [Path(folder) for folder in self._folders]
            mapped = self._mapped.get(name)
            if mapped is not None:
                return mapped / "__init__.py" if mapped.is_dir() else mapped
        namespace: Path | None = None
        for folder in folders:
            here = folder / last
            for candidate in (here / "__init__.py", folder / f"{last}.py"):
                if candidate.is_file():
                    return candidate
            native = _native(folder, last)
            if native is not None:
                return native
            if namespace is None and here.is_dir():
                namespace = here
        return namespace

    def resolve(self, module: str, name: str, depth: int = 0) -> Answer:
        """Whether ``from module import name`` would find it, and then the attributes behind further dots."""
        first, _, rest = name.partition(".")
        if module == "builtins":
            return Answer(found=Found.EXISTS if hasattr(builtins, first) else Found.NO_NAME, detail="builtins")
        if module in self._builtin:
            return Answer(found=Found.UNKNOWN, detail=f"{module} is built into the interpreter")
        missing = self._missing_part(module)
        if missing:
            return Answer(found=Found.NO_MODULE, detail=missing)
        answer = self._in_module(module, first, depth)
        if rest and answer.found is Found.EXISTS:
            return Answer(found=Found.UNKNOWN, detail=f"attribute {rest} of {module}.{first}")
        return answer

    def _missing_part(self, module: str) -> str:
        """The outermost package of a dotted module that is not there."""
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            prefix = ".".join(parts[:end])
            if self.module(prefix) is None and prefix not in self._builtin:
                return prefix
        return ""

    def _in_module(self, module: str, name: str, depth: int) -> Answer:
        path = self.module(module)
        if path is None or depth > _DEEPEST:
            return Answer(found=Found.UNKNOWN, detail=module)
        if path.suffix in (".so", ".pyd"):
            present = _holds(path, name)
            return Answer(found=Found.EXISTS if present else Found.UNKNOWN, detail=str(path))
        if path.is_dir():
            return self._submodule(module, name, str(path))
        names = self._read(path)
        if name in names.bound:
            return Answer(found=Found.EXISTS, detail=str(path))
        if name in names.imported:
            return self._followed(module, path, *names.imported[name], depth)
        for star in names.stars:
            answer = self.resolve(_absolute(module, path, star), name, depth + 1)
            if answer.found is not Found.NO_NAME:
                return answer
        inner = self._submodule(module, name, str(path))
        if inner.found is Found.EXISTS or not (names.dynamic or names.problem):
            return inner
        return Answer(found=Found.UNKNOWN, detail=names.problem or f"{path} binds names while it runs")

    def _followed(self, module: str, path: Path, origin: str, name: str, depth: int) -> Answer:
        target = _absolute(module, path, origin)
        if not name:
            there = self.module(target) is not None or target in self._builtin
            return Answer(found=Found.EXISTS if there else Found.NO_MODULE, detail=target)
        if self.module(f"{target}.{name}") is not None:
            return Answer(found=Found.EXISTS, detail=f"{target}.{name}")
        return self.resolve(target, name, depth + 1)

    def _submodule(self, module: str, name: str, where: str) -> Answer:
        there = self.module(f"{module}.{name}") is not None
        return Answer(found=Found.EXISTS if there else Found.NO_NAME, detail=where)

    def _read(self, path: Path) -> _Names:
        if path not in self._names:
            self._names[path] = _names_in(path)
        return self._names[path]


def _native(folder: Path, name: str) -> Path | None:
    for candidate in sorted(folder.glob(f"{name}.*")) if folder.is_dir() and _plain(name) else ():
        if candidate.suffix in (".so", ".pyd"):
            return candidate
    return None


def _plain(name: str) -> bool:
    return re.fullmatch(r"\w+", name) is not None


def _absolute(module: str, path: Path, origin: str) -> str:
    """A module name as written in an import, made absolute."""
    dots = len(origin) - len(origin.lstrip("."))
    if not dots:
        return origin
    parts = module.split(".")
    keep = len(parts) - dots + (1 if path.name.startswith("__init__.") else 0)
    return ".".join([*parts[: max(keep, 0)], *([origin[dots:]] if origin[dots:] else [])])


def _holds(path: Path, name: str) -> bool:
    """Whether a native module's bytes hold a name as a word."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(name.encode()) >= 0


def _names_in(path: Path) -> _Names:
    names = _Names()
    try:
        source = path.read_bytes()
        if len(source) > _MOST_SOURCE:
            names.problem = f"{path} is too large"
            return names
        module = parse(source)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        names.problem = f"{path} cannot be read: {type(error).__name__}"
        return names
    names.dynamic = b"globals()" in source
    pending: list[ast.stmt] = list(module.body)
    while pending:
        statement = pending.pop()
        _bind(statement, names)
        for block in ("body", "orelse", "finalbody"):
            if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                pending.extend(getattr(statement, block, ()))
        for handler in getattr(statement, "handlers", ()):
            pending.extend(handler.body)
    names.dynamic = names.dynamic or "__getattr__" in names.bound
    return names


def _bind(statement: ast.stmt, names: _Names) -> None:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        names.bound.add(statement.name)
    elif isinstance(statement, ast.Import):
        for alias in statement.names:
            bound = alias.asname or alias.name.partition(".")[0]
            names.imported[bound] = (alias.name if alias.asname else bound, "")
    elif isinstance(statement, ast.ImportFrom):
        origin = "." * statement.level + (statement.module or "")
        for alias in statement.names:
            if alias.name == "*":
                names.stars.append(origin)
            else:
                names.imported[alias.asname or alias.name] = (origin, alias.name)
    elif isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For, ast.With)):
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.bound.add(node.id)


@lru_cache(maxsize=8)
def native_names(stub: Path) -> frozenset[str]:
    """The names that a type stub of a native module declares: torch lists its dtypes in ``_C/__init__.pyi``."""
    try:
        text = stub.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    return frozenset(re.findall(r"^(?:class |def )?(\w+)\s*[:(=]", text, re.MULTILINE))
