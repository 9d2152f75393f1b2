"""The tree of what a checkpoint holds: dictionaries, tensors, numbers, objects by their class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from torchlink.checkpoint.contents import Contents
from torchlink.checkpoint.objects import Array, array, attributes, callee, class_of, is_instance, mapping, sequence
from torchlink.checkpoint.tensors import ITEM_SIZE, Tensor, dtype_name, tensor_of
from torchlink.checkpoint.values import Blob, Call, Extension, Global, Members, Pairs, Persistent

_DEEPEST = 60
_MOST_NODES = 1_000_000
_LONGEST_TEXT = 200


class NodeKind(Enum):
    """What a node is."""

    MAPPING = "mapping"
    SEQUENCE = "sequence"
    TENSOR = "tensor"
    ARRAY = "array"
    OBJECT = "object"
    VALUE = "value"
    NAME = "name"
    AGAIN = "again"
    """Something that stands elsewhere in the tree."""
    CUT = "cut"
    """Too deep, or too much, to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing inside a checkpoint."""

    key: str
    """Its key or attribute in the node above; an index for items of a list."""
    kind: NodeKind
    label: str = ""
    """The class of an object, the type of a sequence, the layout of a tensor that is not dense."""
    value: object = None
    """A number, text, a truth value or ``None``."""
    tensor: Tensor | None = None
    array: Array | None = None
    children: tuple[Node, ...] = ()
    source: object = None
    """The symbolic value that the node shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A tensor with the path that leads to it."""

    path: tuple[str, ...]
    node: Node

    @property
    def name(self) -> str:
        return ".".join(self.path) or "tensor"


def tree(contents: Contents) -> Node:
    """The tree of a file's main object, or of the tensors that the format itself lists."""
    if contents.tensors:
        return _stored(contents)
    return _Builder().node("", contents.root, 0)


def leaves(node: Node, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """All tensors under a node, in order, each where it stands first."""
    pending: list[tuple[Node, tuple[str, ...]]] = [(node, path)]
    while pending:
        found, at = pending.pop()
        if found.kind is NodeKind.TENSOR:
            yield Leaf(path=at, node=found)
        pending.extend((child, (*at, child.key)) for child in reversed(found.children))


def _stored(contents: Contents) -> Node:
    from torchlink.checkpoint.tensors import StorageRef

    children: list[Node] = []
    for stored in contents.tensors:
        numel = 1
        for extent in stored.shape:
            numel *= extent
        strides: list[int] = []
        step = 1
        for extent in reversed(stored.shape):
            strides.insert(0, step)
            step *= max(extent, 1)
        ref = StorageRef(stored.name, stored.dtype, "cpu", numel, None)
        tensor = Tensor(
            storage=ref, dtype=stored.dtype, offset=0, shape=stored.shape, stride=tuple(strides), requires_grad=False
        )
        children.append(Node(key=stored.name, kind=NodeKind.TENSOR, tensor=tensor))
    return Node(key="", kind=NodeKind.MAPPING, label="dict", children=tuple(children))


class _Builder:
    """Makes nodes, each value once: what is met again is marked as such, so that cycles and sharing stay finite."""

    def __init__(self) -> None:
        self._seen: dict[int, object] = {}
        self._nodes = 0

    def node(self, key: str, value: object, depth: int) -> Node:
        self._nodes += 1
        if depth > _DEEPEST or self._nodes > _MOST_NODES:
            return Node(key=key, kind=NodeKind.CUT)
        plain = _plain(key, value)
        if plain is not None:
            return plain
        if id(value) in self._seen and value != ():
            return self._again(key, value)
        self._seen[id(value)] = value
        return self._compound(key, value, depth)

    def _again(self, key: str, value: object) -> Node:
        tensor = tensor_of(value)
        if tensor is not None:
            return Node(key=key, kind=NodeKind.TENSOR, tensor=tensor, source=value)
        return Node(key=key, kind=NodeKind.AGAIN, source=value)

    def _compound(self, key: str, value: object, depth: int) -> Node:
        if type(value) is Call:
            special = self._special(key, value, depth)
            if special is not None:
                return special
        pairs = mapping(value)
        if pairs is not None:
            label = "dict" if type(value) is Pairs else (callee(value) if type(value) is Call else "")
            return Node(key=key, kind=NodeKind.MAPPING, label=label, children=self._pairs(pairs, depth), source=value)
        items = sequence(value)
        if items is not None:
            return Node(
                key=key,
                kind=NodeKind.SEQUENCE,
                label=_sequence_label(value),
                children=self._items(items, depth),
                source=value,
            )
        if type(value) is Call:
            return self._object(key, value, depth)
        return Node(key=key, kind=NodeKind.CUT, label=type(value).__name__)

    def _special(self, key: str, call: Call, depth: int) -> Node | None:
        """Tensors, arrays, and the small values that are written as calls."""
        tensor = tensor_of(call)
        if tensor is not None:
            return Node(key=key, kind=NodeKind.TENSOR, tensor=tensor, source=call)
        found = array(call)
        if found is not None:
            return Node(key=key, kind=NodeKind.ARRAY, array=found, source=call)
        path = callee(call)
        args = call.args if type(call.args) is tuple else ()
        if path == "torch._utils._rebuild_sparse_tensor" and len(args) == 2 and isinstance(args[1], tuple):
            return Node(
                key=key,
                kind=NodeKind.OBJECT,
                label=f"sparse tensor {_layout(args[0])}".strip(),
                children=self._items(list(args[1]), depth),
                source=call,
            )
        if path == "torch.Size" and args and isinstance(args[0], (tuple, list)):
            return Node(
                key=key,
                kind=NodeKind.SEQUENCE,
                label="torch.Size",
                children=self._items(list(args[0]), depth),
                source=call,
            )
        return None

    def _object(self, key: str, call: Call, depth: int) -> Node:
        children = list(self._pairs(attributes(call), depth))
        if call.items:
            children.extend(self._items(call.items, depth))
        if call.pairs:
            children.extend(self._pairs(call.pairs, depth))
        if not is_instance(call) or not children:
            args = call.args if type(call.args) is tuple else (call.args,)
            children.extend(self._items(list(args), depth))
        label = class_of(call) or "call of a computed value"
        return Node(key=key, kind=NodeKind.OBJECT, label=label, children=tuple(children), source=call)

    def _pairs(self, pairs: Pairs, depth: int) -> tuple[Node, ...]:
        return tuple(
            self.node(_key(pairs[index]), pairs[index + 1], depth + 1) for index in range(0, len(pairs) - 1, 2)
        )

    def _items(self, items: list[object], depth: int) -> tuple[Node, ...]:
        return tuple(self.node(str(index), item, depth + 1) for index, item in enumerate(items))


def _plain(key: str, value: object) -> Node | None:
    """A node for what has nothing inside."""
    if value is None or type(value) in (bool, int, float):
        return Node(key=key, kind=NodeKind.VALUE, value=value)
    if type(value) is str:
        shown = value if len(value) <= _LONGEST_TEXT else f"{value[:_LONGEST_TEXT]}..."
        return Node(key=key, kind=NodeKind.VALUE, value=shown, source=value)
    if type(value) is bytes:
        return Node(key=key, kind=NodeKind.VALUE, label=f"{len(value):,} bytes", source=value)
    if type(value) is Blob:
        return Node(key=key, kind=NodeKind.VALUE, label=f"{value.length:,} bytes of {value.kind.value}", source=value)
    if type(value) is Global:
        return Node(key=key, kind=NodeKind.NAME, label=value.path, source=value)
    if type(value) is Persistent:
        return Node(key=key, kind=NodeKind.OBJECT, label="storage", source=value)
    if type(value) is Extension:
        return Node(key=key, kind=NodeKind.NAME, label=f"extension {value.code}", source=value)
    return None


def _key(value: object) -> str:
    if type(value) is str:
        return value[:_LONGEST_TEXT]
    if value is None or type(value) in (int, float, bool):
        return str(value)
    if type(value) is Global:
        return value.path
    return f"<{type(value).__name__.lower()}>"


def _sequence_label(value: object) -> str:
    if type(value) is Call:
        return callee(value)
    if isinstance(value, Members):
        return "set"
    return "tuple" if type(value) is tuple else "list"


def _layout(value: object) -> str:
    if type(value) is Call and type(value.args) is tuple and value.args and type(value.args[0]) is str:
        return value.args[0].removeprefix("torch.sparse_")
    return dtype_name(value) or (value.name if type(value) is Global else "")


def element_bytes(dtype: str) -> int:
    """Bytes of one element of a dtype, 0 where it is not known."""
    return ITEM_SIZE.get(dtype, 0)
