"""The files of a project as one: names followed through re-exports, and functions to those who call them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from torchlink.model.uses import (
    UNKNOWN,
    Call,
    Constant,
    FileUses,
    Form,
    Items,
    Name,
    Parameter,
    Part,
    Signature,
    Table,
    Use,
    Value,
)

_MOST_STEPS = 12
_MOST_CALLERS = 50
_PARTIAL = Name("functools.partial")


@dataclass(frozen=True, slots=True)
class Place:
    """A use in its file."""

    file: FileUses
    use: Use


class Codebase:
    """Some files, and what their names lead to."""

    def __init__(self, files: Sequence[FileUses]) -> None:
        self.files = tuple(files)
        self._modules = {file.module: file for file in files}
        self._functions = {name: signature for file in files for name, signature in file.functions.items()}
        self._classes = {name: bases for file in files for name, bases in file.classes.items()}
        self._tails: dict[str, list[str]] = {}
        for module in self._modules:
            self._tails.setdefault(module.rpartition(".")[2], []).append(module)
        self._by_last_name: dict[str, list[str]] = {}
        for name in self._functions:
            self._by_last_name.setdefault(name.rpartition(".")[2], []).append(name)
        self._callers: dict[str, list[Place]] | None = None

    # Names

    def resolve(self, dotted: str, steps: int = _MOST_STEPS) -> Value:
        """What a full name stands for: itself, or what a file of the project binds to it."""
        file, rest = self._split(dotted)
        if file is None or not rest or steps <= 0:
            return Name(dotted)
        bound = file.exports.get(rest[0])
        if bound is None:
            return self._from_stars(file, rest, steps)
        if not isinstance(bound, Name):
            return bound if len(rest) == 1 else UNKNOWN
        further = ".".join([bound.dotted, *rest[1:]])
        return Name(dotted) if further == dotted else self.resolve(further, steps - 1)

    def _split(self, dotted: str) -> tuple[FileUses | None, list[str]]:
        """The file whose module a name begins with, and the rest of the name."""
        parts = dotted.split(".")
        for count in range(len(parts) - 1, 0, -1):
            head = ".".join(parts[:count])
            if head in self._modules:
                return self._modules[head], parts[count:]
        # A script finds the modules beside it by their last name.
        beside = self._tails.get(parts[0], [])
        return (self._modules[beside[0]], parts[1:]) if len(beside) == 1 else (None, [])

    def _from_stars(self, file: FileUses, rest: list[str], steps: int) -> Value:
        own = ".".join([file.module, *rest])
        if own in self._functions or own in self._classes:
            return Name(own)
        for star in reversed(file.stars):
            if star not in self._modules or rest[0] in self._modules[star].exports:
                return self.resolve(".".join([star, *rest]), steps - 1)
        return Name(own)

    def resolved(self, value: Value, steps: int = _MOST_STEPS) -> Value:
        """A value with every name in it resolved, and calls of partial functions made whole."""
        if steps <= 0:
            return UNKNOWN
        match value:
            case Name():
                found = self.resolve(value.dotted)
                return found if isinstance(found, Name) else self.resolved(found, steps - 1)
            case Items():
                return replace(value, values=tuple(self.resolved(one, steps - 1) for one in value.values))
            case Table():
                items = ((self.resolved(key, steps - 1), self.resolved(one, steps - 1)) for key, one in value.items)
                return replace(value, items=tuple(items))
            case Part():
                return replace(value, of=self.resolved(value.of, steps - 1))
            case Call():
                return self.call(value, steps)
        return value

    def call(self, call: Call, steps: int = _MOST_STEPS) -> Call:
        """A call with its callee and arguments resolved."""
        callee = self.resolved(call.callee, steps - 1)
        positional = tuple(self.resolved(one, steps - 1) for one in call.positional)
        keywords = tuple((name, self.resolved(one, steps - 1)) for name, one in call.keywords)
        rest = tuple(self.resolved(one, steps - 1) for one in call.rest)
        if isinstance(callee, Call) and callee.callee == _PARTIAL and callee.positional:
            given = {name for name, _ in keywords}
            keywords = (*(pair for pair in callee.keywords if pair[0] not in given), *keywords)
            positional, rest = (*callee.positional[1:], *positional), (*callee.rest, *rest)
            callee = callee.positional[0]
        keywords, rest = _unpacked(keywords, rest)
        return replace(call, callee=callee, positional=positional, keywords=keywords, rest=rest)

    def is_class(self, dotted: str) -> bool:
        """Whether the project defines a class of this name."""
        return dotted in self._classes

    def bases(self, dotted: str) -> Iterator[str]:
        """A class of the project and its bases by full name."""
        pending, seen = [dotted], set[str]()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            yield name
            for base in self._classes.get(name, ()):
                found = self.resolved(base)
                if isinstance(found, Name):
                    pending.append(found.dotted)

    # Functions and those who call them

    def callers(self, function: str) -> list[tuple[Place, Call]]:
        """The calls of one of the project's functions. Of a method, every call of its name that can be no other's."""
        if self._callers is None:
            self._callers = {}
            for file in self.files:
                for use in file.uses:
                    name = self._called(use.value) if use.form is Form.CALL else ""
                    if name:
                        self._callers.setdefault(name, []).append(Place(file, use))
        found = self._callers.get(function, [])[:_MOST_CALLERS]
        return [(place, self.call(place.use.value)) for place in found if isinstance(place.use.value, Call)]

    def _called(self, call: Value) -> str:
        """The function of the project that a call calls; empty for all others."""
        match call:
            case Call(callee=Name(dotted)):
                found = self.resolve(dotted)
                return found.dotted if isinstance(found, Name) and found.dotted in self._functions else ""
            case Call(callee=Part(key=Constant(value=str(method)), attribute=True)):
                owners = self._by_last_name.get(method, [])
                return owners[0] if len(owners) == 1 else ""
        return ""

    def as_called(self, place: Place, call: Call) -> list[Call]:
        """A call with the parameters of its function replaced by what the callers of that function give."""
        signature = self._functions.get(place.use.function)
        if signature is None or not _has_parameters(call):
            return [call]
        callers = self.callers(place.use.function)
        given = [_bound(signature, one) for _, one in callers] or [_uncalled(signature)]
        return [_filled_call(call, one) for one in given]


@dataclass(frozen=True, slots=True)
class _Given:
    values: Mapping[str, Value]
    more: tuple[tuple[str, Value], ...] = ()
    """What the function's ``**`` gets."""
    rest: tuple[Value, ...] = ()
    """What of it cannot be known."""


def _bound(signature: Signature, call: Call) -> _Given:
    values: dict[str, Value] = dict(zip(signature.positional, call.positional, strict=False))
    names = (*signature.positional, *signature.keyword)
    more: list[tuple[str, Value]] = []
    for name, value in call.keywords:
        if name in names:
            values[name] = value
        else:
            more.append((name, value))
    for name in names:
        if name not in values:
            values[name] = UNKNOWN if call.rest else signature.defaults.get(name, UNKNOWN)
    return _Given(_foreign(values), tuple((name, _own(value)) for name, value in more), tuple(map(_own, call.rest)))


def _uncalled(signature: Signature) -> _Given:
    """Nobody calls it in sight: what is not given has its default, and its ``**`` cannot be known."""
    names = (*signature.positional, *signature.keyword)
    return _Given({name: signature.defaults.get(name, UNKNOWN) for name in names}, (), (UNKNOWN,))


def _foreign(values: Mapping[str, Value]) -> dict[str, Value]:
    return {name: _own(value) for name, value in values.items()}


def _own(value: Value) -> Value:
    """One call deep: the caller's own parameters are not followed further."""
    return _filled(value, _Given({}))


def _has_parameters(value: Value) -> bool:
    return any(isinstance(part, Parameter) for part in _parts(value))


def _parts(value: Value) -> Iterator[Value]:
    yield value
    inner: Iterable[Value] = ()
    match value:
        case Items():
            inner = value.values
        case Table():
            inner = [part for pair in value.items for part in pair]
        case Part():
            inner = (value.of,)
        case Call():
            inner = (value.callee, *value.positional, *value.rest, *(one for _, one in value.keywords))
    for one in inner:
        yield from _parts(one)


def _filled(value: Value, given: _Given) -> Value:
    match value:
        case Parameter():
            return given.values.get(value.name, UNKNOWN) if not value.stars else UNKNOWN
        case Items():
            return replace(value, values=tuple(_filled(one, given) for one in value.values))
        case Table():
            return replace(value, items=tuple((_filled(k, given), _filled(v, given)) for k, v in value.items))
        case Part():
            return replace(value, of=_filled(value.of, given))
        case Call():
            return _filled_call(value, given)
    return value


def _filled_call(call: Call, given: _Given) -> Call:
    keywords = tuple((name, _filled(value, given)) for name, value in call.keywords)
    rest: list[Value] = []
    for one in call.rest:
        if isinstance(one, Parameter) and one.stars == 2:
            keywords = (*keywords, *given.more)
            rest.extend(given.rest)
        else:
            rest.append(_filled(one, given))
    keywords, unknown = _unpacked(keywords, tuple(rest))
    return replace(
        call,
        callee=_filled(call.callee, given),
        positional=tuple(_filled(value, given) for value in call.positional),
        keywords=keywords,
        rest=unknown,
    )


def _unpacked(
    keywords: tuple[tuple[str, Value], ...], rest: tuple[Value, ...]
) -> tuple[tuple[tuple[str, Value], ...], tuple[Value, ...]]:
    """Tables that have become known in the meantime give their keys."""
    unknown: list[Value] = []
    for one in rest:
        if isinstance(one, Table) and not one.open and all(isinstance(key, Constant) for key, _ in one.items):
            found = ((str(key.value), value) for key, value in one.items if isinstance(key, Constant))
            keywords = (*keywords, *found)
        else:
            unknown.append(one)
    return keywords, tuple(unknown)
