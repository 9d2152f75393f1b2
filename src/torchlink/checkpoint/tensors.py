"""Tensors and storages, as the calls in a pickle describe them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torchlink.checkpoint.values import Call, Global, Persistent

ITEM_SIZE = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
    "uint16": 2,
    "uint32": 4,
    "uint64": 8,
    "bool": 1,
    "complex32": 4,
    "complex64": 8,
    "complex128": 16,
    "qint8": 1,
    "quint8": 1,
    "qint32": 4,
    "quint4x2": 1,
    "quint2x4": 1,
    "float8_e4m3fn": 1,
    "float8_e4m3fnuz": 1,
    "float8_e5m2": 1,
    "float8_e5m2fnuz": 1,
    "float8_e8m0fnu": 1,
    "float4_e2m1fn_x2": 1,
    "bits8": 1,
    "bits16": 2,
    "bits1x8": 1,
    "bits2x4": 1,
    "bits4x2": 1,
}
"""Bytes of one element (of one packed byte where several elements share it), by torch's dtype name."""

STORAGE_DTYPES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "QInt8Storage": "qint8",
    "QInt32Storage": "qint32",
    "QUInt8Storage": "quint8",
    "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
    "UntypedStorage": "uint8",
}
"""``torch.storage._dtype_to_storage_type_map`` of torch 2.0 to 2.13; untyped storages count bytes."""

_REBUILD = "torch._utils."
REBUILD_V2 = {f"{_REBUILD}_rebuild_tensor", f"{_REBUILD}_rebuild_tensor_v2"}
REBUILD_V3 = f"{_REBUILD}_rebuild_tensor_v3"
REBUILD_QUANTIZED = f"{_REBUILD}_rebuild_qtensor"
REBUILD_PARAMETER = {f"{_REBUILD}_rebuild_parameter", f"{_REBUILD}_rebuild_parameter_with_state"}
REBUILD_SUBCLASS = "torch._tensor._rebuild_from_type_v2"
PARAMETER_CLASSES = {"torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"}


class StorageRef(NamedTuple):
    """A storage as a persistent id names it. A named tuple, because a file can name a hundred thousand."""

    key: str
    dtype: str
    location: str
    numel: int
    view: tuple[object, ...] | None
    """Legacy files: key, offset and size of a view."""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.numel * ITEM_SIZE.get(self.dtype, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A dense or quantised tensor: a view of a storage."""

    storage: StorageRef
    dtype: str
    offset: int
    """In elements."""
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    requires_grad: bool
    parameter: bool = False
    quantised: bool = False
    conjugated: bool = False
    """The bytes are those of the conjugate (or of the negative)."""
    subclass: str = ""

    @property
    def numel(self) -> int:
        total = 1
        for extent in self.shape:
            total *= extent
        return total

    @property
    def size(self) -> int:
        """Bytes of its elements, without what they share."""
        return self.numel * ITEM_SIZE.get(self.dtype, 1)

    @property
    def contiguous(self) -> bool:
        expected = 1
        for extent, stride in zip(reversed(self.shape), reversed(self.stride), strict=True):
            if extent != 1 and stride != expected:
                return self.numel == 0
            expected *= extent
        return True

    @property
    def fits(self) -> bool:
        """Whether every element lies inside the storage."""
        if self.offset < 0 or any(extent < 0 for extent in self.shape) or any(step < 0 for step in self.stride):
            return False
        if not self.numel:
            return True
        last = self.offset + sum((extent - 1) * step for extent, step in zip(self.shape, self.stride, strict=True))
        return (last + 1) * ITEM_SIZE.get(self.dtype, 1) <= self.storage.size


def view_fits(args: object) -> bool:
    """Whether the tensor that is rebuilt from these arguments lies inside its storage; true where that is not clear.

    A quick look for scans, which meet tens of thousands of them: ``tensor_of`` describes a tensor in full.
    """
    if type(args) is not tuple or len(args) < 4:
        return True
    storage, last, shape, stride = args[:4]
    if type(storage) is not Persistent or type(storage.id) is not tuple or len(storage.id) < 5:
        return True
    numel = storage.id[4]
    if type(last) is not int or type(numel) is not int or type(shape) is not tuple or type(stride) is not tuple:
        return True
    if last < 0:
        return False
    for extent, step in zip(shape, stride, strict=False):
        if type(extent) is not int or type(step) is not int or extent == 0:
            return True
        if extent < 0 or step < 0:
            return False
        last += (extent - 1) * step
    return last < numel


def storage_ref(persistent: object) -> StorageRef | None:
    """The storage that a persistent id names; ``None`` where the id is of another form."""
    if type(persistent) is not Persistent:
        return None
    identity = persistent.id
    if type(identity) is not tuple or len(identity) not in (5, 6) or _text(identity[0]) != "storage":
        return None
    dtype = storage_dtype(identity[1])
    key, location, numel = identity[2], _text(identity[3]), identity[4]
    if not dtype or type(numel) is not int or numel < 0 or type(key) not in (str, int) or location is None:
        return None
    view = identity[5] if len(identity) == 6 else None
    return StorageRef(str(key), dtype, location, numel, view if type(view) is tuple else None)


def storage_dtype(kind: object) -> str:
    """The dtype of a storage class: ``float32`` for ``torch.FloatStorage``; empty for anything else."""
    if type(kind) is not Global:
        return ""
    return STORAGE_DTYPES.get(kind.name, "")


def dtype_name(value: object) -> str:
    """``float32`` for the global ``torch.float32``; empty for anything else."""
    if type(value) is Global and value.module == "torch" and value.name in ITEM_SIZE:
        return value.name
    return ""


def _text(value: object) -> str | None:
    if type(value) is bytes:
        return value.decode("ascii", "replace")
    return value if type(value) is str else None


def tensor_of(value: object) -> Tensor | None:
    """The tensor that a call rebuilds; ``None`` where it is no dense tensor that can be described."""
    if type(value) is not Call or type(value.func) is not Global or type(value.args) is not tuple:
        return None
    path, args = value.func.path, value.args
    if path in REBUILD_V2 and len(args) >= 4:
        return _dense(args, None, args[6] if len(args) > 6 else None)
    if path == REBUILD_V3 and len(args) >= 7:
        return _dense(args, dtype_name(args[6]), args[7] if len(args) > 7 else None)
    if path == REBUILD_QUANTIZED and len(args) >= 6:
        return _dense((*args[:4], args[5]), None, None, quantised=True)
    if (path in REBUILD_PARAMETER or path in PARAMETER_CLASSES) and args:
        return _as_parameter(tensor_of(args[0]), args)
    if path == REBUILD_SUBCLASS and len(args) == 4 and type(args[0]) is Global and type(args[1]) is Global:
        return _as_subclass(tensor_of(Call(args[0], args[2], value.how, value.offset)), args[1].path)
    return None


def _dense(args: tuple[object, ...], dtype: str | None, metadata: object, *, quantised: bool = False) -> Tensor | None:
    storage = storage_ref(args[0])
    shape, stride = _extents(args[2]), _extents(args[3])
    if storage is None or type(args[1]) is not int or shape is None or stride is None or len(shape) != len(stride):
        return None
    return Tensor(
        storage=storage,
        dtype=storage.dtype if dtype is None else dtype,
        offset=args[1],
        shape=shape,
        stride=stride,
        requires_grad=len(args) > 4 and args[4] is True,
        quantised=quantised,
        conjugated=_has_metadata(metadata),
    )


def _has_metadata(metadata: object) -> bool:
    return isinstance(metadata, list) and len(metadata) > 0


def _extents(value: object) -> tuple[int, ...] | None:
    """A shape or stride: a tuple of numbers, or ``torch.Size`` of one."""
    if type(value) is Call and type(value.func) is Global and value.func.path == "torch.Size":
        value = value.args[0] if type(value.args) is tuple and value.args else None
    if type(value) is list:
        value = tuple(value)
    if type(value) is not tuple or len(value) > 64:
        return None
    extents = tuple(extent for extent in value if type(extent) is int)
    return extents if len(extents) == len(value) else None


def _as_parameter(tensor: Tensor | None, args: tuple[object, ...]) -> Tensor | None:
    from dataclasses import replace

    if tensor is None:
        return None
    grad = args[1] is True if len(args) > 1 else True
    return replace(tensor, parameter=True, requires_grad=grad)


def _as_subclass(tensor: Tensor | None, path: str) -> Tensor | None:
    from dataclasses import replace

    return None if tensor is None else replace(tensor, subclass=path)
