"""Values that only some readers take, as values that all take: the heart of ``repair``."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from torchlink.checkpoint.arrays import count, item_size, torch_name
from torchlink.checkpoint.contents import Stream
from torchlink.checkpoint.elements import swapped
from torchlink.checkpoint.modules import is_module, state_pairs
from torchlink.checkpoint.objects import (
    Array,
    array,
    attributes,
    callee,
    class_of,
    is_instance,
    lookup,
    mapping,
    raw_bytes,
    sequence,
    text,
)
from torchlink.checkpoint.tensors import REBUILD_SUBCLASS, STORAGE_DTYPES, storage_ref, tensor_of
from torchlink.checkpoint.torch_writer import StoragePlan, call, given, named, ordered, tensor_value
from torchlink.checkpoint.values import Blob, BlobKind, Call, FrozenMembers, Global, How, Members, Pairs, Persistent
from torchlink.model.errors import TorchlinkError

_DEEPEST = 250
_OLD_DTYPES = {
    "complex32",
    "complex64",
    "complex128",
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
}
"""Those that ``weights_only`` of torch 2.0 takes as values (weights_only.json)."""
_WIDER = {"u2": "int32", "u4": "int64", "u8": "int64"}
_LETTERS = {"u2": "H", "u4": "I", "u8": "Q", "i4": "i", "i8": "q", "i2": "h", "i1": "b", "u1": "B", "b1": "?"}
_NUMBERS = {**_LETTERS, "f8": "d", "f4": "f", "f2": "e"}
_PATHS = {"Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath"}
_GENERATORS = {
    "numpy.random._pickle.__generator_ctor",
    "numpy.random._pickle.__randomstate_ctor",
    "numpy.random.__RandomState_ctor",
    "numpy.random._pickle.__bit_generator_ctor",
}
_KEPT_CALLS = {
    "torch._utils._rebuild_sparse_tensor",
    "torch._utils._rebuild_meta_tensor_no_storage",
    "torch._utils._rebuild_qtensor",
    "torch._utils._rebuild_nested_tensor",
    "torch.serialization._get_layout",
    "torch.Size",
}
_KEPT_NAMES = {
    "torch.per_tensor_affine",
    "torch.per_tensor_symmetric",
    "torch.per_channel_affine",
    "torch.per_channel_symmetric",
    "torch.per_channel_affine_float_qparams",
}


@dataclass(slots=True)
class Rewriter:
    """Rewrites one file's object. What it changes is noted; what it cannot make safe it refuses by name."""

    stream: Stream
    to_cpu: bool = False
    notes: dict[str, list[str]] = field(default_factory=dict)
    """What was done, with the paths of where."""
    refused: list[str] = field(default_factory=list)
    storages: list[StoragePlan] = field(default_factory=list)
    """New ones, for what was an array or bytes."""
    used: dict[str, str] = field(default_factory=dict)
    """Keys of the file's own storages that are still needed, and the dtype of each."""
    _done: dict[int, tuple[object, object]] = field(default_factory=dict)

    def rewrite(self, value: object, path: str, depth: int = 0) -> object:
        """The value in its new form."""
        if value is None or type(value) in (bool, int, float, str):
            return value
        if depth > _DEEPEST:
            raise TorchlinkError(f"{path} lies too deep")
        known = self._done.get(id(value))
        if known is not None and value != ():
            return known[1]
        made = self._rewrite(value, path, depth + 1)
        self._done[id(value)] = (value, made)
        return made

    def _rewrite(self, value: object, path: str, depth: int) -> object:
        if type(value) is Call:
            return self._call(value, path, depth)
        if type(value) is Pairs:
            return self._pairs(value, path, depth)
        if type(value) in (tuple, list) and isinstance(value, (tuple, list)):
            items = [self.rewrite(item, f"{path}[{index}]", depth) for index, item in enumerate(value)]
            return tuple(items) if type(value) is tuple else items
        if type(value) in (Members, FrozenMembers) and isinstance(value, list):
            self._note("a set became a list", path)
            return [self.rewrite(item, path, depth) for item in value]
        if type(value) is Global:
            return self._name(value, path)
        if type(value) is Blob and value.kind in (BlobKind.TEXT, BlobKind.STRING):
            return text(value, self.stream) or ""
        data = raw_bytes(value, self.stream)
        if data is not None:
            return self._bytes(data, path)
        if type(value) is Persistent:
            return self._persistent(value, path)
        return self._refuse("a value that only the loading process knows", path)

    def _name(self, value: Global, path: str) -> object:
        if value.path in _KEPT_NAMES or (value.module == "torch" and value.name in _OLD_DTYPES):
            return named(value.module, value.name)
        if value.module == "torch" and value.name.endswith("Storage"):
            return named("torch", value.name)
        self._note("a class or function became its name", path)
        return value.path

    def _bytes(self, data: bytes, path: str) -> object:
        self._note("bytes became a uint8 tensor", path)
        return self._new_tensor(data, "uint8", (len(data),))

    def _new_tensor(self, data: bytes, dtype: str, shape: tuple[int, ...]) -> Call:
        key = f"new{len(self.storages)}"
        self.storages.append(given(key, data))
        return tensor_value(key, dtype, shape, len(data))

    def _note(self, what: str, path: str) -> None:
        places = self.notes.setdefault(what, [])
        if len(places) < 1000:
            places.append(path)

    def _refuse(self, what: str, path: str) -> object:
        self.refused.append(f"{path or 'the object'} ({what})")
        return None

    def _persistent(self, value: Persistent, path: str) -> object:
        ref = storage_ref(value)
        if ref is None:
            return self._refuse("a persistent id", path)
        self.used[ref.key] = ref.dtype
        kind = next(
            (name for name, dtype in STORAGE_DTYPES.items() if dtype == ref.dtype and name != "UntypedStorage"), ""
        )
        original = value.id[1] if type(value.id) is tuple else None
        if type(original) is Global and original.name == "UntypedStorage":
            kind = ""
        storage = named("torch", kind) if kind else named("torch.storage", "UntypedStorage")
        location = "cpu" if self.to_cpu else ref.location
        if location != ref.location:
            self._note(f"moved from {ref.location} to the CPU", "")
        return Persistent(("storage", storage, ref.key, location, ref.numel), 0)

    def _pairs(self, pairs: Pairs, path: str, depth: int) -> Pairs:
        made = Pairs()
        for index in range(0, len(pairs) - 1, 2):
            key = self._key(pairs[index], path)
            made.extend((key, self.rewrite(pairs[index + 1], f"{path}.{key}" if path else str(key), depth)))
        return made

    def _key(self, key: object, path: str) -> object:
        if key is None or type(key) in (str, int, float, bool):
            return key
        if type(key) is tuple:
            return tuple(self._key(item, path) for item in key)
        found = array(key)
        if found is not None and found.scalar:
            return self._scalar(found, path)
        if type(key) is Global:
            return key.path
        self._refuse("a key that is neither text nor number", path)
        return str(type(key).__name__)

    def _call(self, value: Call, path: str, depth: int) -> object:
        if tensor_of(value) is not None:
            return self._tensor(value, path, depth)
        found = array(value)
        if found is not None:
            return self._array(found, path, depth)
        pairs = mapping(value)
        if pairs is not None:
            return self._mapping(value, pairs, path, depth)
        items = sequence(value)
        if items is not None:
            self._note(f"a {callee(value).rpartition('.')[2]} became a list", path)
            return [self.rewrite(item, f"{path}[{index}]", depth) for index, item in enumerate(items)]
        data = raw_bytes(value, self.stream)
        if data is not None:
            return self._bytes(data, path)
        return self._object(value, path, depth)

    def _tensor(self, value: Call, path: str, depth: int) -> object:
        """A tensor as it stands, its storage's device apart; a subclass becomes a plain tensor."""
        args = value.args if type(value.args) is tuple else ()
        name = callee(value)
        if name == REBUILD_SUBCLASS:
            self._note("a tensor of a class of its own became a plain one", path)
            return self.rewrite(Call(args[0], args[2], How.REDUCE, 0), path, depth)
        if name.startswith("torch.nn.parameter."):
            self._note("a parameter became a tensor", path)
            return self.rewrite(args[0], path, depth)
        if name == "torch._utils._rebuild_parameter_with_state":
            self._note("attributes of a parameter were left out", path)
            return call(
                "torch._utils",
                "_rebuild_parameter",
                self.rewrite(args[0], path, depth),
                args[1] is True,
                call("collections", "OrderedDict"),
            )
        if name == "torch._utils._rebuild_tensor_v3":
            kept = [self._argument(item, path, depth) for item in args[:5]]
            dtype = args[6]
            last = named("torch", dtype.name) if type(dtype) is Global else dtype
            return call("torch._utils", "_rebuild_tensor_v3", *kept, call("collections", "OrderedDict"), last)
        module, _, function = name.rpartition(".")
        return call(module, function, *(self._argument(item, path, depth) for item in args))

    def _argument(self, value: object, path: str, depth: int) -> object:
        if type(value) is Call and callee(value) == "collections.OrderedDict":
            return call("collections", "OrderedDict")
        return self.rewrite(value, path, depth)

    def _mapping(self, value: Call, pairs: Pairs, path: str, depth: int) -> object:
        made = self._pairs(pairs, path, depth)
        if callee(value) != "collections.OrderedDict":
            self._note(f"a {callee(value).rpartition('.')[2]} became a dict", path)
            return made
        result = ordered(made)
        states = [self.rewrite(state, f"{path}.__dict__", depth) for state in value.state or ()]
        result.state = [state for state in states if type(state) is Pairs] or None
        return result

    def _array(self, found: Array, path: str, depth: int) -> object:
        if found.scalar:
            return self._scalar(found, path)
        code = found.code.lstrip("<>=|")
        if code.startswith("O"):
            items = sequence(found.data)
            if items is not None and len(found.shape) == 1:
                self._note("a NumPy array of objects became a list", path)
                return [self.rewrite(item, f"{path}[{index}]", depth) for index, item in enumerate(items)]
            return self._refuse("a NumPy array of objects", path)
        data = raw_bytes(found.data, self.stream)
        if data is None or len(data) != found.size:
            return self._refuse(f"a NumPy array of {found.code or 'a structured dtype'}", path)
        if found.code.startswith(">"):
            data = swapped(data, torch_name(code)) if torch_name(code) else data
        if code.startswith("U") and len(found.shape) == 1:
            return self._strings(found, data, path)
        dtype = _WIDER.get(code) or torch_name(code)
        if not dtype:
            return self._refuse(f"a NumPy array of {found.code}", path)
        if code in _WIDER:
            return self._widened(found, code, data, path)
        self._note("a NumPy array became a tensor", path)
        return self._shaped(data, dtype, found)

    def _shaped(self, data: bytes, dtype: str, found: Array) -> Call:
        if not found.fortran or len(found.shape) < 2:
            return self._new_tensor(data, dtype, found.shape)
        made = self._new_tensor(data, dtype, tuple(reversed(found.shape)))
        args = list(made.args) if type(made.args) is tuple else []
        args[2], args[3] = found.shape, tuple(reversed(args[3] if type(args[3]) is tuple else ()))
        made.args = tuple(args)
        return made

    def _widened(self, found: Array, code: str, data: bytes, path: str) -> object:
        """Unsigned integers: torch 2.0 has no dtype for them."""
        total = count(found.shape) or 0
        numbers = struct.unpack(f"<{total}{_LETTERS[code]}", data)
        if len(found.shape) == 1 and self._is_random_state(path, found):
            self._note("the keys of a NumPy random state became a list of numbers", path)
            return list(numbers)
        if any(number >= 1 << 63 for number in numbers):
            return self._refuse("a NumPy array of uint64 that int64 cannot hold", path)
        dtype = _WIDER[code]
        self._note(f"a NumPy array of unsigned numbers became a tensor of {dtype}", path)
        return self._shaped(struct.pack(f"<{total}{'i' if dtype == 'int32' else 'q'}", *numbers), dtype, found)

    def _is_random_state(self, path: str, found: Array) -> bool:
        return found.shape[0] in (2, 4, 624) or path.endswith((".key", ".state", ".counter", ".buffer"))

    def _strings(self, found: Array, data: bytes, path: str) -> object:
        width = item_size(found.code) or 4
        self._note("a NumPy array of text became a list", path)
        cells = [data[start : start + width] for start in range(0, len(data), width)]
        return [cell.decode("utf-32-le", "replace").rstrip("\x00") for cell in cells]

    def _scalar(self, found: Array, path: str) -> object:
        code = found.code.lstrip("<>=|")
        data = raw_bytes(found.data, self.stream)
        order = ">" if found.code.startswith(">") else "<"
        if data is not None and code in _NUMBERS and struct.calcsize(_NUMBERS[code]) == len(data):
            self._note("a NumPy scalar became a number", path)
            number: object = struct.unpack(order + _NUMBERS[code], data)[0]
            return number
        if data is not None and code.startswith("U"):
            self._note("a NumPy text became text", path)
            return data.decode("utf-32-le", "replace").rstrip("\x00")
        return self._refuse(f"a NumPy scalar of {found.code or 'a structured dtype'}", path)

    def _object(self, value: Call, path: str, depth: int) -> object:
        name = callee(value)
        args = value.args if type(value.args) is tuple else ()
        if is_module(value):
            self._note(f"a module ({class_of(value)}) became its state dict", path)
            return ordered(self._pairs(state_pairs(value), path, depth))
        if name == "torch._utils._rebuild_sparse_tensor" and len(args) == 2:
            args = (args[0], self._sparse(args[1], path))
        if name in _KEPT_CALLS:
            module, _, function = name.rpartition(".")
            return call(module, function, *(self._argument(item, path, depth) for item in args))
        if name in _GENERATORS:
            return self._generator(value, path, depth)
        plain = self._known_value(name, args, path)
        if plain is not None:
            return plain
        if class_of(value).startswith("omegaconf."):
            return self._omegaconf(value, path, depth)
        if is_instance(value) and (value.state or not args):
            self._note(f"an object of {class_of(value) or 'a class'} became a dict", path)
            return self._pairs(attributes(value), path, depth)
        return self._refuse(f"what {name or 'a computed callable'} makes", path)

    def _sparse(self, data: object, path: str) -> object:
        """torch 2.0 knows three parts of a COO tensor; the fourth says whether it is coalesced."""
        if type(data) is tuple and len(data) == 4 and (type(data[3]) is bool or data[3] is None):
            self._note("a sparse tensor no longer says that it is coalesced", path)
            return data[:3]
        return data

    def _known_value(self, name: str, args: tuple[object, ...], path: str) -> object:
        """Small values of the standard library, as text or numbers."""
        last = name.rpartition(".")[2]
        if name.startswith("pathlib.") and last in _PATHS:
            self._note("a path became text", path)
            parts = [part for part in args if type(part) is str]
            separator = "\\" if "Windows" in last else "/"
            joined = separator.join(part.rstrip(separator) if len(part) > 1 else "" for part in parts)
            return joined or separator.join(parts) or "."
        if name in ("torch.device", "decimal.Decimal") and args and type(args[0]) is str:
            self._note(f"a {last} became text", path)
            return ":".join(str(arg) for arg in args if type(arg) in (str, int))
        if name == "builtins.complex" and len(args) == 2:
            self._note("a complex number became a pair", path)
            return args
        if name == "datetime.timedelta" and all(type(arg) is int for arg in args):
            self._note("a duration became seconds", path)
            days, seconds, micro = [arg for arg in (*args, 0, 0, 0) if isinstance(arg, int)][:3]
            return days * 86_400 + seconds + micro / 1e6
        if name == "datetime.datetime" and args:
            return self._moment(args[0], path)
        return None

    def _moment(self, value: object, path: str) -> object:
        data = raw_bytes(value, self.stream)
        if data is None or len(data) != 10:
            return None
        year, month, day, hour, minute, second = data[0] << 8 | data[1], data[2] & 127, *data[3:7]
        self._note("a time became text", path)
        micro = int.from_bytes(data[7:], "big")
        return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}.{micro:06d}"

    def _generator(self, value: Call, path: str, depth: int) -> object:
        """A generator's state, as the plain dictionary that both generations of NumPy take."""
        args = value.args if type(value.args) is tuple else ()
        state = value.state[-1] if value.state else None
        if type(state) is tuple and state:
            state = state[0]
        if state is None and args and type(args[0]) is Call:
            return self._generator(args[0], path, depth)
        pairs = mapping(state)
        if pairs is None or lookup(pairs, "bit_generator") is None:
            return self._refuse("a NumPy generator without its state", path)
        self._note("a NumPy generator became the dictionary of its state", path)
        return self._pairs(pairs, path, depth)

    def _omegaconf(self, value: Call, path: str, depth: int) -> object:
        """The content of a configuration: nodes hold a value, containers a dictionary or list of nodes."""
        found = attributes(value)
        self._note("an OmegaConf configuration became plain values", path)
        if "_val" in found[::2]:
            return self.rewrite(lookup(found, "_val"), path, depth)
        return self.rewrite(lookup(found, "_content"), path, depth)
