"""NumPy's dtypes and shapes, as pickles and ``.npy`` headers spell them."""

from __future__ import annotations

import re

from torchlink.checkpoint.values import Call, Global, Pairs

_CODE = re.compile(r"[<>=|]?([?bBhHiIlLqQefdgFDGSUVOMm]|[biufcSUVOMm])(\d*)(?:\[[^\]]*\])?\Z")
_FIXED = {"?": 1, "b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "l": 8, "L": 8, "q": 8, "Q": 8}
_FIXED |= {"e": 2, "f": 4, "d": 8, "g": 16, "F": 8, "D": 16, "G": 32, "M": 8, "m": 8}
_TORCH_NAMES = {
    "b1": "bool",
    "i1": "int8",
    "i2": "int16",
    "i4": "int32",
    "i8": "int64",
    "u1": "uint8",
    "u2": "uint16",
    "u4": "uint32",
    "u8": "uint64",
    "f2": "float16",
    "f4": "float32",
    "f8": "float64",
    "c8": "complex64",
    "c16": "complex128",
}
_MOST = 1 << 48


def item_size(code: str) -> int | None:
    """Bytes of one element of a dtype code such as ``<f4`` or ``S10``; ``None`` where it is not known."""
    match = _CODE.match(code)
    if match is None:
        return None
    letter, digits = match.groups()
    if letter in "Mm":
        return 8
    if not digits:
        return _FIXED.get(letter)
    if letter not in "biufcSUV" or len(digits) > 9:
        return None
    return int(digits) * (4 if letter == "U" else 1)


def torch_name(code: str) -> str:
    """torch's name of a dtype code: ``float32`` for ``<f4``; empty where torch has none."""
    return _TORCH_NAMES.get(code.lstrip("<>=|"), "")


def dtype_code(dtype: object) -> str:
    """The code in a pickled ``numpy.dtype(...)``, with its byte order; empty for structured and unknown ones."""
    if type(dtype) is not Call or type(dtype.func) is not Global or dtype.func.path != "numpy.dtype":
        return ""
    if type(dtype.args) is not tuple or not dtype.args or type(dtype.args[0]) is not str:
        return ""
    code = dtype.args[0]
    state = dtype.state[-1] if dtype.state else None
    if type(state) is tuple and len(state) > 3:
        if state[3] is not None:
            return ""
        if type(state[1]) is str and state[1] in "<>|=":
            return state[1] + code.lstrip("<>=|")
    return code


def structured_size(dtype: object) -> int | None:
    """The element size that a structured dtype's state names."""
    if type(dtype) is Call and dtype.state and type(dtype.state[-1]) is tuple and len(dtype.state[-1]) > 5:
        size = dtype.state[-1][5]
        return size if type(size) is int and size > 0 else None
    return None


def is_object_dtype(dtype: object) -> bool:
    """Whether the elements are Python objects, or may hold them."""
    code = dtype_code(dtype).lstrip("<>=|")
    if code:
        return code.startswith("O")
    return "O" in "".join(_codes_within(dtype))


def _codes_within(dtype: object) -> list[str]:
    """The codes of a structured dtype's fields, to any depth."""
    codes: list[str] = []
    pending = [dtype]
    for _ in range(10_000):
        if not pending:
            break
        value = pending.pop()
        if type(value) is Call:
            if type(value.func) is Global and value.func.path == "numpy.dtype" and type(value.args) is tuple:
                codes.extend(arg.lstrip("<>=|")[:1] for arg in value.args[:1] if type(arg) is str)
            pending.extend(value.state or ())
        elif type(value) in (tuple, list, Pairs) and isinstance(value, (tuple, list)):
            pending.extend(value)
    return codes


def count(shape: object) -> int | None:
    """How many elements a shape has; ``None`` for what is no shape."""
    if type(shape) is not tuple or len(shape) > 64:
        return None
    total = 1
    for extent in shape:
        if type(extent) is not int or extent < 0:
            return None
        total *= extent
        if total > _MOST:
            return None
    return total


def array_bytes(dtype: object, shape: object) -> int | None:
    """Bytes of a whole array; ``None`` where that cannot be known."""
    code = dtype_code(dtype)
    size = item_size(code) if code else structured_size(dtype)
    elements = count(shape)
    return None if size is None or elements is None else size * elements
