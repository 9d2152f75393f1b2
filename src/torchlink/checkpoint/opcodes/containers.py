"""Opcodes of tuples, lists, dictionaries and sets."""

from __future__ import annotations

from torchlink.checkpoint.machine import Machine, PickleError
from torchlink.checkpoint.values import Call, Extension, FrozenMembers, Global, Members, Pairs, Persistent

_CONTAINER = 110
"""Bytes that a container costs at least."""


def op_empty_tuple(m: Machine) -> None:
    m.stack.append(())


def op_empty_list(m: Machine) -> None:
    m.stack.append([])
    m.room -= _CONTAINER


def op_empty_dict(m: Machine) -> None:
    m.stack.append(Pairs())
    m.room -= _CONTAINER


def op_empty_set(m: Machine) -> None:
    m.stack.append(Members())
    m.room -= _CONTAINER


def op_tuple1(m: Machine) -> None:
    stack = m.stack
    stack[-1] = (stack[-1],)
    m.room -= 64


def op_tuple2(m: Machine) -> None:
    last = m.stack.pop()
    m.stack[-1] = (m.stack[-1], last)
    m.room -= 72


def op_tuple3(m: Machine) -> None:
    last = m.stack.pop()
    middle = m.stack.pop()
    m.stack[-1] = (m.stack[-1], middle, last)
    m.room -= 80


def op_tuple(m: Machine) -> None:
    items = m.stack
    m.stack = m.below.pop()
    m.stack.append(tuple(items))
    m.room -= 56 + 8 * len(items)


def op_list(m: Machine) -> None:
    items = m.pop_mark()
    m.stack.append(items)


def op_dict(m: Machine) -> None:
    items = m.pop_mark()
    if len(items) % 2:
        raise PickleError("DICT of an odd number of values")
    m.stack.append(Pairs(items))


def op_frozenset(m: Machine) -> None:
    items = m.pop_mark()
    m.stack.append(FrozenMembers(items))


def op_append(m: Machine) -> None:
    item = m.stack.pop()
    _extend(m, [item])


def op_appends(m: Machine) -> None:
    _extend(m, m.pop_mark())


def _extend(m: Machine, items: list[object]) -> None:
    target = m.stack[-1]
    if type(target) is list:
        target.extend(items)
    elif type(target) is Call:
        if target.items is None:
            target.items = []
        target.items.extend(items)
    elif _adds(m, items, "APPENDS"):
        changed(m, target, "APPEND")
    m.room -= 8 * len(items)


def op_additems(m: Machine) -> None:
    items = m.pop_mark()
    target = m.stack[-1]
    if type(target) is Members:
        target.extend(items)
    elif type(target) is Call:
        if target.items is None:
            target.items = []
        target.items.extend(items)
    elif _adds(m, items, "ADDITEMS"):
        changed(m, target, "ADDITEMS")


def op_setitem(m: Machine) -> None:
    value = m.stack.pop()
    key = m.stack.pop()
    _set(m, [key, value])


def op_setitems(m: Machine) -> None:
    items = m.pop_mark()
    if len(items) % 2:
        raise PickleError("SETITEMS of an odd number of values")
    _set(m, items)


def _set(m: Machine, items: list[object]) -> None:
    target = m.stack[-1]
    if type(target) is Pairs:
        target.extend(items)
    elif type(target) is Call:
        if target.pairs is None:
            target.pairs = Pairs()
        target.pairs.extend(items)
    elif type(target) is list:
        m.deviates("SETITEM on a list")
    elif _adds(m, items, "SETITEMS"):
        changed(m, target, "SETITEM")
    m.room -= 8 * len(items)


def _adds(m: Machine, items: list[object], opcode: str) -> bool:
    """Whether there is anything to add: C does not look at the target where there is not, ``pickle.py`` does."""
    if not items:
        m.deviates(f"{opcode} of nothing")
    return bool(items)


def changed(m: Machine, target: object, opcode: str) -> None:
    """An opcode changes something that is neither a container nor the result of a call."""
    if type(target) is Global:
        target.built = True
        return
    if type(target) in (Persistent, Extension):
        m.deviates(f"{opcode} on a value from outside the pickle")
        return
    raise PickleError(f"{opcode} on a value that has no such thing")
