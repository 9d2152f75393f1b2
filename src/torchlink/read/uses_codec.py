"""A file's uses as bytes, for a cache, and back.

``marshal`` writes them, as it writes parsed modules: pickle would call what its bytes name. A dataclass becomes a list
of its place in ``_CLASSES`` and of its fields; no fact holds a list of its own. A value that stands in many uses is
written once.
"""

from __future__ import annotations

import marshal
from dataclasses import fields
from enum import Enum
from typing import Any, cast
from zlib import crc32

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
)

_CLASSES: tuple[type, ...] = (Constant, Name, Parameter, Items, Table, Call, Part, Use, Signature, FileUses)
_PLACES = {cls: place for place, cls in enumerate(_CLASSES)}
_FIELDS = tuple(tuple(field.name for field in fields(cls)) for cls in _CLASSES)
_ENUMS: tuple[Enum, ...] = (UNKNOWN, *Form)
_ENUM_PLACES = {member: -1 - place for place, member in enumerate(_ENUMS)}

FORMAT = f"{crc32(repr((_FIELDS, _ENUMS)).encode()):08x}"
"""Another one for other fields: what was packed before they changed is not unpacked."""
_ATOMS = frozenset({str, int, bool, type(None), frozenset})


def pack(facts: FileUses) -> bytes:
    """A file's uses as bytes, for a cache of the same version of torchlink and of Python.

    Raises ValueError or RecursionError where they nest too deep.
    """
    plain: Any = _plain(facts, {})
    return marshal.dumps(plain)


def unpack(data: bytes) -> FileUses:
    """The inverse of ``pack``. The bytes must come from ``pack``: ``marshal`` trusts them."""
    plain = marshal.loads(data)  # noqa: S302 - from torchlink's own cache, checksummed
    return cast("FileUses", _made(plain, {}))


def _plain(value: object, known: dict[int, list[object]]) -> object:
    if isinstance(value, tuple):
        return tuple([_plain(item, known) for item in value])
    if isinstance(value, dict):
        return {key: _plain(item, known) for key, item in value.items()}
    if isinstance(value, Enum):
        return [_ENUM_PLACES[value]]
    place = _PLACES.get(type(value))
    if place is None:
        return value
    plain = known.get(id(value))
    if plain is None:
        parts = [_plain(getattr(value, name), known) for name in _FIELDS[place]]
        plain = known[id(value)] = [place, *parts]
    return plain


def _made(plain: Any, known: dict[int, object]) -> object:
    if isinstance(plain, tuple):
        return tuple([item if type(item) in _ATOMS else _made(item, known) for item in plain])
    if isinstance(plain, dict):
        return {key: _made(item, known) for key, item in plain.items()}
    if not isinstance(plain, list):
        return plain
    made = known.get(id(plain))
    if made is None:
        place, *parts = plain
        if place < 0:
            made = _ENUMS[-1 - place]
        else:
            values = [part if type(part) in _ATOMS else _made(part, known) for part in parts]
            made = _CLASSES[place](**dict(zip(_FIELDS[place], values, strict=True)))
        known[id(plain)] = made
    return made
