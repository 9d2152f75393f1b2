"""Pickles one after the other in a buffer, and arrays of joblib between their opcodes."""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass, field

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.arrays import array_bytes, is_object_dtype
from torchlink.checkpoint.contents import Problem, Stream
from torchlink.checkpoint.interpreter import run
from torchlink.checkpoint.machine import Machine, Pickle, PickleError
from torchlink.checkpoint.values import Call, Global, Pairs

JOBLIB_ARRAY = "joblib.numpy_pickle.NumpyArrayWrapper"
_MOST_STREAMS = 10_000
_PLAUSIBLE_NAME = re.compile(r"[A-Za-z_][\w.]*\Z")


@dataclass(slots=True, kw_only=True)
class _Arrays:
    """Skips what joblib writes behind the BUILD of an array's wrapper."""

    allowance: Allowance
    nested: list[Pickle] = field(default_factory=list)
    seen: bool = False

    def after_build(self, machine: Machine, target: object) -> None:
        if type(target) is not Call or type(target.func) is not Global or target.func.path != JOBLIB_ARRAY:
            return
        self.seen = True
        if machine.position == machine.frame_end:
            machine.frame_end = -1
        state = target.state[-1] if target.state else None
        fields = dict_of(state) if type(state) is Pairs else {}
        if is_object_dtype(fields.get("dtype")):
            inner = run(machine.buffer, machine.position, limits=self.allowance.limits())
            self.nested.append(inner)
            machine.position = inner.end
            if inner.error:
                raise PickleError(f"an array of objects: {inner.error}")
            return
        if "numpy_array_alignment_bytes" in fields and fields["numpy_array_alignment_bytes"] is not None:
            machine.position += 1 + machine.buffer[machine.position]
        size = array_bytes(fields.get("dtype"), fields.get("shape"))
        if size is None:
            raise PickleError("an array whose size cannot be known")
        if size > len(machine.buffer) - machine.position:
            raise PickleError("an array that is cut off")
        machine.position += size


def dict_of(pairs: Pairs) -> dict[str, object]:
    """The pairs whose keys are text; of repeated keys the last."""
    return {key: value for key, value in zip(pairs[::2], pairs[1::2], strict=True) if type(key) is str}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickles:
    """What one buffer holds."""

    streams: tuple[Stream, ...]
    problems: tuple[Problem, ...]
    end: int
    joblib: bool = False


def read_pickles(
    buffer: bytes | mmap.mmap, where: str, allowance: Allowance, *, start: int = 0, most: int = _MOST_STREAMS
) -> Pickles:
    """Follow pickle after pickle, up to the buffer's end or ``most`` of them. Never raises."""
    streams: list[Stream] = []
    problems: list[Problem] = []
    position = start
    arrays = _Arrays(allowance=allowance)
    while position < len(buffer) and len(streams) < most:
        pickle = run(buffer, position, limits=allowance.limits(), after_build=arrays.after_build)
        charge(allowance, pickle)
        if streams and pickle.error and not plausible(buffer, position, pickle):
            problems.append(Problem(detail=f"{where}: {len(buffer) - position:,} unexplained bytes after the pickle"))
            break
        streams.append(Stream(where=_label(where, len(streams)), pickle=pickle, buffer=buffer))
        position = pickle.end
        if pickle.error:
            break
    for inner in arrays.nested:
        streams.append(Stream(where=f"{where}, an array of objects", pickle=inner, buffer=buffer))
    if most == _MOST_STREAMS and len(streams) >= most:
        problems.append(Problem(detail=f"{where}: more than {most:,} pickles one after the other"))
    return Pickles(streams=tuple(streams), problems=tuple(problems), end=position, joblib=arrays.seen)


def charge(allowance: Allowance, pickle: Pickle) -> None:
    """Count what a pickle has used."""
    allowance.opcodes -= pickle.opcodes
    allowance.values -= pickle.memory


def plausible(buffer: bytes | mmap.mmap, start: int, pickle: Pickle) -> bool:
    """Whether bytes that ended in an error were meant as a pickle, rather than being other data."""
    if pickle.limit or (buffer[start] == 0x80 and start + 1 < len(buffer) and buffer[start + 1] <= 5):
        return True
    return any(_PLAUSIBLE_NAME.match(g.module) and _PLAUSIBLE_NAME.match(g.name) for g in pickle.globals)


def _label(where: str, index: int) -> str:
    return where if index == 0 else f"{where}, pickle {index + 1}"
