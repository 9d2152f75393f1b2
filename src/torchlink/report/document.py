"""Typed access to a parsed JSON document: what is not as promised is one clear error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from torchlink.model.errors import UnreadableError

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One JSON object, and where it stands in the document."""

    where: str
    members: Mapping[str, object]

    def text(self, key: str, default: str | None = None) -> str:
        value = self.members.get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, "a string")
        return value

    def integer(self, key: str, default: int | None = None) -> int:
        value = self.members.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(key, "an integer")
        return value

    def number(self, key: str) -> float:
        value = self.members.get(key)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise self._wrong(key, "a number")
        return float(value)

    def flag(self, key: str) -> bool:
        value = self.members.get(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def node(self, key: str) -> Node:
        return node(self.members.get(key), f"{self.where}.{key}")

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._list(key)
        if not all(isinstance(value, str) for value in values):
            raise self._wrong(key, "a list of strings")
        return tuple(value for value in values if isinstance(value, str))

    def each(self, key: str, read: Callable[[Node], _Item]) -> tuple[_Item, ...]:
        return tuple(read(node(value, f"{self.where}.{key}[{place}]")) for place, value in enumerate(self._list(key)))

    def _list(self, key: str) -> list[object]:
        value = self.members.get(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return value

    def _wrong(self, key: str, wanted: str) -> UnreadableError:
        return UnreadableError(f"{key!r} is not {wanted}", where=self.where)


def node(value: object, where: str) -> Node:
    """Take a parsed JSON value as an object.

    Raises:
        UnreadableError: It is something else.
    """
    if not isinstance(value, dict):
        raise UnreadableError("it is not a JSON object", where=where)
    return Node(where=where, members={str(key): member for key, member in value.items()})
