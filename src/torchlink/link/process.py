"""What is in the process when a library is loaded, and what then fails to resolve.

Before any library stands the interpreter with its own libraries, whose symbols everybody sees. ``import torch`` adds
its own: those of ``libtorch_global_deps.so`` for everybody (``RTLD_GLOBAL``), the others by name only, and where the
search fails it loads NVIDIA's packages by path (``torch/__init__.py``: ``_load_global_deps``,
``_preload_cuda_deps``).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torchlink.link.libraries import EMPTY, Closure, Loader, Missing, folders
from torchlink.link.symbols import MissingVersion, missing_versions, unresolved
from torchlink.link.torch_abi import is_torch_library, is_torch_symbol
from torchlink.model.errors import UnreadableError
from torchlink.model.native import NativeFiles

GLOBAL_DEPS = "/torch/lib/libtorch_global_deps.so"
BINDINGS = "/torch/lib/libtorch_python.so"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingSymbols:
    """Symbols that a library needs and that nothing in the process exports."""

    needer: str
    symbols: tuple[str, ...]
    """Mangled, sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededVersion:
    """A symbol version that is not defined, with the library that needs it."""

    needer: str
    missing: MissingVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What fails when a library is loaded, in the order in which the dynamic linker finds it."""

    closure: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    versions: tuple[NeededVersion, ...] = ()
    symbols: tuple[MissingSymbols, ...] = ()
    unknown: tuple[str, ...] = ()
    """Why something could not be decided, one line each."""

    @property
    def any(self) -> bool:
        return bool(self.missing or self.versions or self.symbols)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is loaded before a library."""

    names: Mapping[str, str]
    everybody: tuple[str, ...]
    """The libraries whose symbols everybody sees."""


@dataclass(slots=True)
class Process:
    """Loads libraries of one environment, on paper."""

    files: NativeFiles
    natives: Sequence[str]
    """The environment's own native libraries, absolute paths."""
    owners: Mapping[str, str]
    """The distribution that each of them belongs to."""
    executable: str = ""
    """The interpreter; empty where it cannot run here, so that nothing of its system is known."""
    library_path: tuple[str, ...] = ()
    machine: str = field(init=False, default="")
    """The interpreter's machine, as in platform tags; empty where it is not known."""
    _loader: Loader = field(init=False)
    _plain: World = field(init=False)
    _torch: World = field(init=False)
    _of_torch: tuple[str, ...] = field(init=False)
    """What ``import torch`` loads for its own use."""
    _own: dict[tuple[str, bool], frozenset[str]] = field(default_factory=dict)
    _checked: dict[tuple[str, tuple[str, ...]], tuple[NeededVersion, ...]] = field(default_factory=dict)
    _members: frozenset[str] = field(init=False)
    _by_name: dict[str, str] = field(init=False)
    _siblings: dict[str, dict[str, str]] = field(init=False)
    """The libraries of each distribution, by name."""

    def __post_init__(self) -> None:
        self._members = frozenset(self.natives)
        self._by_name = {posixpath.basename(path): path for path in reversed(self.natives)}
        self._siblings = {}
        for path, owner in self.owners.items():
            self._siblings.setdefault(owner, {}).setdefault(posixpath.basename(path), path)
        self._loader = Loader(self.files, self.library_path)
        self._plain = self._start()
        self._loader.ask_system = bool(self.executable)
        self._torch = self._import_torch()

    def _start(self) -> World:
        if not self.executable:
            return World(names={}, everybody=())
        executable = self.files.real(self.executable)
        try:
            library = self.files.facts(executable).library
        except UnreadableError:
            self.executable = ""
            return World(names={}, everybody=())
        self.machine = library.machine
        self._loader.executable_rpath = folders(library.rpath, executable)
        closure = self._loader.closure(executable, {})
        return World(names=closure.names, everybody=closure.order)

    def _import_torch(self) -> World:
        dependencies = self._closure_of(GLOBAL_DEPS, self._plain.names)
        names = {**self._plain.names, **dependencies.names}
        bindings = self._closure_of(BINDINGS, names)
        self._of_torch = tuple(likely_first(bindings.order))
        return World(names={**names, **bindings.names}, everybody=(*self._plain.everybody, *dependencies.order))

    def _closure_of(self, tail: str, loaded: Mapping[str, str]) -> Closure:
        path = next((path for path in self.natives if path.endswith(tail)), None)
        return self._loader.closure(path, loaded, fallback=self._nvidia(path)) if path else EMPTY

    def _nvidia(self, torch: str) -> dict[str, str]:
        """NVIDIA's libraries beside torch, which it loads by path."""
        folder = f"{posixpath.dirname(posixpath.dirname(posixpath.dirname(torch)))}/nvidia/"
        return {posixpath.basename(path): path for path in self.natives if path.startswith(folder)}

    def load(self, path: str, *, torch: bool) -> Faults:
        """What fails when ``path`` is loaded, with torch imported before or not."""
        world = self._torch if torch else self._plain
        closure = self._closure(path, world)
        if closure.unreadable:
            return Faults(closure=closure.order, unknown=tuple(map(str, closure.unreadable)))
        doubts = {one: self._doubt(one, torch) for one in closure.missing}
        unknown = [reason for reason in doubts.values() if reason]
        mine = [member for member in closure.order if member in self._members or member == path]
        symbols: tuple[MissingSymbols, ...] = ()
        if not any(self.executable or is_torch_library(one.soname) for one in closure.missing):
            symbols, more = self._symbols(mine, closure, world)
            unknown.extend(more)
        return Faults(
            closure=closure.order,
            missing=tuple(one for one, reason in doubts.items() if not reason),
            versions=self._versions(mine, {**world.names, **closure.names}),
            symbols=symbols,
            unknown=tuple(unknown),
        )

    def _closure(self, path: str, world: World) -> Closure:
        """What loading a library loads. A package's own libraries it may load by path before, as torchaudio does."""
        return self._loader.closure(path, world.names, fallback=self._siblings.get(self.owners.get(path, "")))

    def _doubt(self, missing: Missing, torch: bool) -> str:
        """Why a library that the search does not find may be there all the same; empty where it is not."""
        name = missing.soname
        if not self.executable and name not in self._by_name and not is_torch_library(name):
            return f"{name} would come from a system that cannot be asked"
        if not torch and name in self._torch.names:
            return f"{name} is there only once torch has been imported"
        if name in self._by_name:
            return f"{name} is not on the library's search path, but {self._by_name[name]} may be loaded before it"
        return ""

    def _versions(self, members: Sequence[str], names: Mapping[str, str]) -> tuple[NeededVersion, ...]:
        found: list[NeededVersion] = []
        for member in members:
            library = self.files.facts(member).library
            bound = {name: names[name] for name in library.needed if name in names}
            key = (member, tuple(bound.values()))
            if key not in self._checked:
                missing = missing_versions(library, bound, self.files)
                self._checked[key] = tuple(NeededVersion(needer=member, missing=one) for one in missing)
            found.extend(self._checked[key])
        return tuple(found)

    def _symbols(
        self, members: Sequence[str], closure: Closure, world: World
    ) -> tuple[tuple[MissingSymbols, ...], tuple[str, ...]]:
        """The symbols that members of a closure do not find in it, and what cannot be said of them."""
        found: list[MissingSymbols] = []
        unknown: list[str] = []
        for member in members:
            try:
                rest = self._left_alone(member, world)
                if rest and member != closure.order[0]:
                    rest = unresolved(rest, closure.order, self.files)
                rest, reason = self._settle(rest, member)
            except UnreadableError as error:
                rest, reason = frozenset(), str(error)
            if reason:
                unknown.append(reason)
            if rest:
                found.append(MissingSymbols(needer=member, symbols=tuple(sorted(rest))))
        return tuple(found), tuple(unknown)

    def _left_alone(self, path: str, world: World) -> frozenset[str]:
        """The symbols that a library does not find among what everybody sees and what it loads itself."""
        key = (path, world is self._torch)
        if key not in self._own:
            rest = frozenset(self.files.facts(path).library.undefined)
            rest = unresolved(rest, self._plain.everybody, self.files)
            if rest:
                rest = unresolved(rest, likely_first(self._closure(path, world).order[1:]), self.files)
            self._own[key] = unresolved(rest, world.everybody, self.files) if rest else rest
        return self._own[key]

    def _settle(self, symbols: frozenset[str], member: str) -> tuple[frozenset[str], str]:
        """Take out the symbols that something outside the closure may bring; with the reason."""
        if not symbols:
            return symbols, ""
        if not self.executable:
            # Everything but torch's own names may be the system's or the interpreter's.
            known = frozenset(filter(is_torch_symbol, symbols))
            reason = "" if known == symbols else "its symbols would come from a system that cannot be asked"
            return known, reason
        siblings = self._siblings.get(self.owners.get(member, ""), {}).values()
        rest = unresolved(symbols, filter(self._readable, siblings), self.files)
        reason = f"{member} needs symbols of libraries that its own package may load before it"
        if rest and not any(map(is_torch_library, self.files.facts(member).library.needed)):
            # cuda.core's does, and loads libtorch for everybody (RTLD_GLOBAL) where torch has been imported.
            rest = unresolved(rest, self._of_torch, self.files)
            reason = f"{member} needs symbols of torch but none of its libraries, which may be loaded before it"
        return rest, "" if rest else reason

    def _readable(self, path: str) -> bool:
        try:
            self.files.facts(path)
        except UnreadableError:
            return False
        return True


def likely_first(order: Sequence[str]) -> list[str]:
    """The libraries of a scope, torch's own first: most symbols that are looked up at all are theirs."""
    return sorted(order, key=lambda path: not is_torch_library(posixpath.basename(path)))
