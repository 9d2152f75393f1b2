"""What the symbolic values of a pickle mean: mappings, sequences, instances, arrays."""

from __future__ import annotations

from dataclasses import dataclass

from torchlink.checkpoint.arrays import count, dtype_code, item_size
from torchlink.checkpoint.contents import Stream
from torchlink.checkpoint.values import Blob, BlobKind, Call, FrozenMembers, Global, How, Members, Pairs, Persistent

MAPPINGS = {
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.Counter",
    "builtins.dict",
    "torch.nn.modules.container.ParameterDict",
}
SEQUENCES = {"collections.deque", "builtins.list", "builtins.tuple", "builtins.set", "builtins.frozenset"}
_RECONSTRUCT = {"numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"}
_FROM_BUFFER = {"numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"}
_SCALAR = {"numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"}


def callee(call: Call) -> str:
    """The dotted name of what is called; the class of a legacy file's source record; empty for anything else."""
    func = call.func
    if type(func) is Global:
        return func.path
    if type(func) is Persistent and type(func.id) is tuple and len(func.id) == 4 and type(func.id[1]) is Global:
        return func.id[1].path
    return ""


def class_of(call: Call) -> str:
    """The class whose instance a call makes, as far as its form shows it."""
    path = callee(call)
    if path == "copyreg._reconstructor" and type(call.args) is tuple and call.args:
        cls = call.args[0]
        return cls.path if type(cls) is Global else ""
    return path


def mapping(value: object) -> Pairs | None:
    """The pairs of a dictionary or of a known kind of it; ``None`` for everything else."""
    if type(value) is Pairs:
        return value
    if type(value) is not Call or callee(value) not in MAPPINGS:
        return None
    pairs = Pairs()
    args = value.args if type(value.args) is tuple else ()
    for arg in args:
        if type(arg) is Pairs:
            pairs.extend(arg)
        elif type(arg) is list:
            pairs.extend(item for pair in arg for item in _pair(pair))
    pairs.extend(value.pairs or ())
    return pairs


def _pair(value: object) -> tuple[object, ...]:
    if type(value) in (tuple, list) and isinstance(value, (tuple, list)) and len(value) == 2:
        return tuple(value)
    return ()


def sequence(value: object) -> list[object] | None:
    """The items of a list, tuple, set, or a known kind of them."""
    if type(value) in (list, tuple, Members, FrozenMembers) and isinstance(value, (list, tuple)):
        return list(value)
    if type(value) is Call and callee(value) in SEQUENCES:
        args = value.args if type(value.args) is tuple else ()
        first = sequence(args[0]) if args else []
        return [*(first or []), *(value.items or [])]
    return None


def is_instance(call: Call) -> bool:
    """Whether a call makes an instance of a class, and then sets its attributes."""
    return (
        call.how in (How.NEWOBJ, How.NEWOBJ_EX, How.OBJ, How.INST)
        or callee(call) == "copyreg._reconstructor"
        or bool(call.state)
    )


def attributes(call: Call) -> Pairs:
    """The attributes that BUILD sets: of ``__dict__`` and of slots, the later ones last."""
    found = Pairs()
    for state in call.state or ():
        parts = state if type(state) is tuple and len(state) == 2 else (state,)
        for part in parts:
            pairs = mapping(part)
            if pairs is not None:
                found.extend(pairs)
    return found


def lookup(pairs: Pairs | None, key: str) -> object:
    """The last value under a key; ``None`` where there is none."""
    found: object = None
    for index in range(0, len(pairs or ()) - 1, 2):
        if pairs is not None and type(pairs[index]) is str and pairs[index] == key:
            found = pairs[index + 1]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """A NumPy array or scalar."""

    code: str
    """Its dtype, with the byte order: ``<f8``; empty for one that is not known."""
    shape: tuple[int, ...]
    data: object
    """Bytes, a ``Blob``, a call that makes bytes, or a list of objects."""
    fortran: bool = False
    scalar: bool = False

    @property
    def size(self) -> int:
        """Bytes; 0 where they are not known."""
        return (item_size(self.code) or 0) * (count(self.shape) or 0)


def array(value: object) -> Array | None:
    """The NumPy array or scalar that a call makes."""
    if type(value) is not Call or type(value.args) is not tuple:
        return None
    path = callee(value)
    if path in _SCALAR and value.args:
        data = value.args[1] if len(value.args) > 1 else b""
        return Array(code=dtype_code(value.args[0]), shape=(), data=data, scalar=True)
    if path in _RECONSTRUCT and value.state and type(value.state[-1]) is tuple:
        return _built(value.state[-1])
    if path in _FROM_BUFFER and len(value.args) >= 3:
        shape = _shape(value.args[2])
        order = value.args[3] if len(value.args) > 3 else "C"
        if shape is not None:
            return Array(code=dtype_code(value.args[1]), shape=shape, data=value.args[0], fortran=order == "F")
    return None


def _built(state: tuple[object, ...]) -> Array | None:
    """From the state of ``ndarray.__setstate__``: version, shape, dtype, order, data."""
    fields = state[1:] if len(state) == 5 else state
    if len(fields) != 4:
        return None
    shape = _shape(fields[0])
    if shape is None:
        return None
    return Array(code=dtype_code(fields[1]), shape=shape, data=fields[3], fortran=fields[2] is True)


def _shape(value: object) -> tuple[int, ...] | None:
    if type(value) is not tuple:
        return None
    extents = tuple(extent for extent in value if type(extent) is int and extent >= 0)
    return extents if len(extents) == len(value) else None


def raw_bytes(value: object, stream: Stream) -> bytes | None:
    """Bytes in any of the forms that pickles have for them; ``None`` for anything else."""
    if type(value) is bytes:
        return value
    if type(value) is Blob and value.kind is not BlobKind.TEXT:
        return bytes(stream.buffer[value.offset : value.offset + value.length])
    if type(value) is Call and callee(value) in ("_codecs.encode", "builtins.bytes", "builtins.bytearray"):
        return _made_bytes(value, stream)
    return None


def _made_bytes(call: Call, stream: Stream) -> bytes | None:
    args = call.args if type(call.args) is tuple else ()
    if not args:
        return b""
    if len(args) == 2 and args[1] in ("latin1", "latin-1", "latin_1"):
        content = text(args[0], stream)
        try:
            return None if content is None else content.encode("latin-1")
        except UnicodeEncodeError:
            return None
    return raw_bytes(args[0], stream) if len(args) == 1 else None


def text(value: object, stream: Stream) -> str | None:
    """Text, short or long."""
    if type(value) is str:
        return value
    if type(value) is Blob and value.kind in (BlobKind.TEXT, BlobKind.STRING):
        data = stream.buffer[value.offset : value.offset + value.length]
        try:
            return str(data, "utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return None
    return None
