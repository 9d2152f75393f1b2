"""Regular expressions over short known texts. A pattern that could take long is not run."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from torchlink.link.importing.machine import Machine
from torchlink.link.importing.values import UNKNOWN, ForeignObject, Intrinsic, Value, is_known, is_text

Call = Callable[[Machine, Sequence[Value], dict[str, Value]], Value]
MAX_PATTERN = 200
MAX_TEXT = 200
MAX_COST = 10**6
_ATOMS = re.compile(r"\\.|\[\^?\]?[^\]]*\]", re.S)
_REPEATED_GROUP = re.compile(r"\)[*+{]")
_REFERENCE = re.compile(r"\\\d|\(\?P=")


def _cost(pattern: str, length: int) -> int:
    """An upper bound of the backtracking that a pattern may do over a text; ``MAX_COST`` where it cannot be told."""
    plain = _ATOMS.sub("x", pattern)
    repeats = plain.count("*") + plain.count("+") + plain.count("{")
    if _REFERENCE.search(pattern) or (_REPEATED_GROUP.search(plain) and (repeats > 1 or "|" in plain)):
        return MAX_COST
    optional = plain.count("?") - plain.count("(?") + plain.count("|")
    return int(max(length, 2) ** min(repeats, 20) * 2 ** max(optional, 0))


def _run(machine: Machine, name: str, pattern: str, arguments: Sequence[Value]) -> Value:
    texts = [argument for argument in arguments if is_text(argument)]
    if len(texts) != len(arguments) or any(len(text) > MAX_TEXT for text in texts):
        return UNKNOWN
    cost = _cost(pattern, len(texts[-1]) if texts else 0)
    if len(pattern) > MAX_PATTERN or cost >= MAX_COST:
        return UNKNOWN
    machine.spend(cost // 1000)
    try:
        return _found(name, re.compile(pattern), texts)
    except (re.error, RecursionError, OverflowError):
        return UNKNOWN


def _found(name: str, compiled: re.Pattern[str], texts: Sequence[str]) -> Value:
    if name == "sub":
        return compiled.sub(texts[0], texts[1])
    if name == "split":
        return list(compiled.split(texts[0]))
    if name == "findall":
        return list(compiled.findall(texts[0]))
    match = {"match": compiled.match, "search": compiled.search, "fullmatch": compiled.fullmatch}[name](texts[0])
    if match is None:
        return None
    return ForeignObject("match", (match.group(0), match.groups(), tuple(match.groupdict().items())))


def _function(name: str) -> Call:
    def call(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
        pattern = arguments[0]
        if isinstance(pattern, ForeignObject) and pattern.kind == "pattern":
            pattern = pattern.data[0]
        if not is_text(pattern) or keywords:
            return UNKNOWN
        return _run(machine, name, pattern, arguments[1:])

    return call


def _compile(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    if len(arguments) == 1 and isinstance(arguments[0], str) and is_known(arguments[0]):
        return ForeignObject("pattern", (arguments[0],))
    return UNKNOWN


_NAMES = ("match", "search", "fullmatch", "sub", "split", "findall")
FUNCTIONS: dict[str, Call] = {"re.compile": _compile, **{f"re.{name}": _function(name) for name in _NAMES}}


def pattern_attribute(data: tuple[Value, ...], name: str) -> Value:
    """A method of a compiled pattern."""
    pattern = data[0]
    if name not in _NAMES or not is_text(pattern):
        return UNKNOWN
    return Intrinsic(
        name, lambda machine, arguments, keywords: _run(machine, name, pattern, arguments) if not keywords else UNKNOWN
    )


def match_attribute(data: tuple[Value, ...], name: str) -> Value:
    """A method of a match."""
    whole, groups, named = data
    if not isinstance(groups, tuple) or not isinstance(named, tuple):
        return UNKNOWN
    if name == "groups":
        return Intrinsic(name, lambda machine, arguments, keywords: groups)
    if name == "groupdict":
        return Intrinsic(name, lambda machine, arguments, keywords: dict(named))
    if name == "group":
        return Intrinsic(name, lambda machine, arguments, keywords: _group(whole, groups, dict(named), arguments))
    return UNKNOWN


def _group(whole: Value, groups: tuple[Value, ...], named: dict[Value, Value], arguments: Sequence[Value]) -> Value:
    values = [
        named[key] if isinstance(key, str) else (whole, *groups)[key]
        for key in arguments
        if isinstance(key, (int, str))
    ]
    if not arguments:
        return whole
    return values[0] if len(values) == 1 else tuple(values)
