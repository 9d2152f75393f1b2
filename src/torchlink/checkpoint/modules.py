"""State dicts out of whole modules: what ``Module.state_dict`` would return, from the pickled object alone."""

from __future__ import annotations

from collections.abc import Iterator

from torchlink.checkpoint.objects import attributes, lookup, mapping, sequence
from torchlink.checkpoint.tensors import tensor_of
from torchlink.checkpoint.values import Call, Pairs

_DEEPEST = 200


def is_module(value: object) -> bool:
    """Whether a value is an instance of ``torch.nn.Module``, by the attributes that each of them has."""
    if type(value) is not Call or not value.state:
        return False
    pairs = attributes(value)
    keys = {key for key in pairs[::2] if type(key) is str}
    return {"_parameters", "_modules"} <= keys


def state_pairs(module: Call) -> Pairs:
    """The state dict: parameters, persistent buffers, then the same of the modules inside, in torch's order."""
    found = Pairs()
    pending: list[tuple[str, object, int]] = [("", module, 0)]
    while pending:
        prefix, value, depth = pending.pop()
        if type(value) is not Call or depth > _DEEPEST:
            continue
        pairs = attributes(value)
        for name, tensor in (*_own(pairs, "_parameters"), *_own(pairs, "_buffers")):
            if tensor is not None:
                found.extend((prefix + name, tensor))
        inner = [(f"{prefix}{name}.", child, depth + 1) for name, child in _own(pairs, "_modules")]
        pending.extend(reversed(inner))
    return found


def _own(pairs: Pairs, attribute: str) -> Iterator[tuple[str, object]]:
    held = mapping(lookup(pairs, attribute)) or Pairs()
    hidden = sequence(lookup(pairs, "_non_persistent_buffers_set")) or [] if attribute == "_buffers" else []
    skipped = {name for name in hidden if type(name) is str}
    for index in range(0, len(held) - 1, 2):
        name = held[index]
        if type(name) is str and name not in skipped:
            yield name, held[index + 1]


def is_state_dict(value: object) -> bool:
    """Whether a value is a mapping of names to tensors, with little else in it."""
    pairs = mapping(value)
    if not pairs:
        return False
    tensors = sum(tensor_of(item) is not None for item in pairs[1::2])
    return tensors > 0 and tensors * 2 >= len(pairs) // 2 and all(type(key) is str for key in pairs[::2])
