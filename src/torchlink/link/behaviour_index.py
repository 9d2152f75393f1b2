"""Every use in some files by the full name of what is used: looked up once for all rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torchlink.link.behaviour_names import Codebase, Place
from torchlink.model.rules import Rule
from torchlink.model.uses import Call, Constant, FileUses, Form, Name, Part, Value

_PARTIAL = Name("functools.partial")


class Index:
    """The uses in a codebase."""

    def __init__(self, files: Sequence[FileUses]) -> None:
        self.code = Codebase(files)
        self.names: dict[str, list[Place]] = {}
        """Names and imports."""
        self.calls: dict[str, list[Place]] = {}
        """Calls of functions, and of methods as far as the class is known."""
        self.replaced: set[str] = set()
        """Names that are set anew."""
        self.state_dicts: set[tuple[str, int, int]] = set()
        """Calls, by file and place, whose whole result is given to ``load_state_dict``."""
        self._below: dict[str, list[str]] = {}
        """The used names that are a name, or lie below it."""
        self._resolved: dict[str, Value] = {}
        for file in files:
            for use in file.uses:
                self._add(Place(file, use))
        for dotted in self.names:
            parts = dotted.split(".")
            for count in range(1, len(parts) + 1):
                self._below.setdefault(".".join(parts[:count]), []).append(dotted)

    def _add(self, place: Place) -> None:
        value = place.use.value
        if place.use.form is Form.CALL and isinstance(value, Call):
            self._add_state_dict(place.file, value)
            callee = self._callee(value)
            if callee:
                self.calls.setdefault(callee, []).append(place)
        elif isinstance(value, Name):
            found = self._resolve(value.dotted)
            if not isinstance(found, Name):
                return
            if place.use.form is Form.ASSIGN:
                self.replaced.update((value.dotted, found.dotted))
            else:
                self.names.setdefault(found.dotted, []).append(place)

    def _add_state_dict(self, file: FileUses, call: Call) -> None:
        match call.callee:
            case Part(key=Constant(value=name)):
                method = name
            case Name(dotted):
                method = dotted.rpartition(".")[2]
            case _:
                return
        if method == "load_state_dict" and call.positional and isinstance(call.positional[0], Call):
            given = call.positional[0]
            self.state_dicts.add((file.path, given.line, given.column))

    def _resolve(self, dotted: str) -> Value:
        if dotted not in self._resolved:
            self._resolved[dotted] = self.code.resolve(dotted)
        return self._resolved[dotted]

    def _callee(self, call: Call) -> str:
        """The full name of what a call calls; empty where it is not known."""
        callee = call.callee
        if isinstance(callee, Name):
            callee = self._resolve(callee.dotted)
        if isinstance(callee, Call) and callee.callee == _PARTIAL and callee.positional:
            callee = self.code.resolved(callee.positional[0])
        match callee:
            case Name(dotted):
                return dotted
            case Part(of=Call(callee=Name(cls)), key=Constant(value=str(method)), attribute=True):
                found = self._resolve(cls)
                return f"{found.dotted}.{method}" if isinstance(found, Name) else ""
        return ""

    def places(self, rule: Rule) -> Iterator[tuple[Place, str]]:
        """The uses that a rule is about, each with the name of the rule's that it is of."""
        for name in rule.names:
            for dotted in self._below.get(name, ()):
                if dotted not in self.replaced and named(rule, dotted) == name:
                    yield from ((place, name) for place in self.names[dotted])
        for dotted in self._called(rule):
            yield from ((place, dotted) for place in self.calls[dotted])

    def _called(self, rule: Rule) -> Iterator[str]:
        for pattern in rule.calls:
            if "*" in pattern:
                yield from (dotted for dotted in self.calls if is_same(pattern, dotted))
            elif pattern in self.calls:
                yield pattern
        if rule.methods:
            yield from (dotted for dotted in self.calls if self._is_method_of(rule, dotted))

    def _is_method_of(self, rule: Rule, dotted: str) -> bool:
        """A method of the class, of one of the project's that is derived from it, or of what its class method made."""
        owner, _, method = dotted.rpartition(".")
        wanted = {one.rpartition(".")[0] for one in rule.methods if one.rpartition(".")[2] == method}
        return bool(wanted) and any(is_same(one, base) for base in self.code.bases(owner) for one in wanted)


def named(rule: Rule, dotted: str) -> str:
    """The name of a rule that a full name is, or lies below; empty where it is none."""
    while dotted:
        if dotted in rule.names:
            return dotted
        dotted = dotted.rpartition(".")[0]
    return ""


def is_same(pattern: str, dotted: str) -> bool:
    """``transformers.*.from_pretrained`` stands for any name between."""
    head, star, tail = pattern.partition("*")
    if not star:
        return pattern == dotted
    return dotted.startswith(head) and dotted.endswith(tail) and len(dotted) > len(head) + len(tail)
