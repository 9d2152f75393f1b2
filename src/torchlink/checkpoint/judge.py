"""Is it safe to load? A verdict on what a file holds: every name by an exact allow list, everything else refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.contents import Contents, Format, Stream
from torchlink.checkpoint.reader import read_contents
from torchlink.checkpoint.rules import GlobalRules, allowed_names, global_rules
from torchlink.checkpoint.source import MemorySource
from torchlink.checkpoint.tensors import REBUILD_V2, view_fits
from torchlink.checkpoint.values import Blob, BlobKind, Call, FrozenMembers, Global, Members, Pairs, Persistent
from torchlink.model.errors import UnreadableError


class Safety(Enum):
    """The verdict on a file. Only ``CLEAN`` lets a pipeline go on."""

    CLEAN = "clean"
    UNKNOWN_GLOBAL = "unknown-global"
    DANGEROUS = "dangerous"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason for a verdict."""

    safety: Safety
    detail: str
    where: str
    """Which part of the file."""
    name: str = ""
    """The global, for those that are about one."""
    offset: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict and its reasons, the worst first."""

    safety: Safety
    reasons: tuple[Reason, ...]
    globals: tuple[str, ...]
    """Every name that the file uses."""


_RANK = {Safety.DANGEROUS: 0, Safety.UNREADABLE: 1, Safety.UNKNOWN_GLOBAL: 2, Safety.CLEAN: 3}
_MOST_REASONS = 200
_LONGEST_NAME = 300


def judge(contents: Contents, allowance: Allowance | None = None) -> Judgement:
    """Judge what a file holds, its nested parts included. Does not raise."""
    allowance = allowance or Allowance()
    reasons = sorted(_reasons(contents, allowance), key=lambda reason: _RANK[reason.safety])
    return Judgement(
        safety=reasons[0].safety if reasons else Safety.CLEAN,
        reasons=tuple(reasons[:_MOST_REASONS]),
        globals=tuple(sorted(_names(contents))),
    )


def worst(judgements: Sequence[Judgement]) -> Safety:
    """The verdict on a set of files: as bad as its worst."""
    found = {judgement.safety for judgement in judgements}
    for safety in (Safety.DANGEROUS, Safety.UNKNOWN_GLOBAL, Safety.UNREADABLE):
        if safety in found:
            return safety
    return Safety.CLEAN


def unreadable(detail: str) -> Judgement:
    """The judgement on a file that could not be read at all."""
    reason = Reason(safety=Safety.UNREADABLE, detail=detail, where="")
    return Judgement(safety=Safety.UNREADABLE, reasons=(reason,), globals=())


def _names(contents: Contents) -> set[str]:
    names = {found.path for stream in contents.streams for found in stream.pickle.globals}
    for part in contents.nested:
        names |= _names(part)
    return names


def _reasons(contents: Contents, allowance: Allowance) -> Iterator[Reason]:
    where = contents.source.name
    for problem in contents.problems:
        if problem.fatal:
            yield Reason(safety=Safety.UNREADABLE, detail=problem.detail, where=where)
    for stream in contents.streams:
        script = contents.format is Format.TORCHSCRIPT
        yield from (reason for reason in _stream_reasons(stream, allowance) if not (script and _is_own_code(reason)))
    yield from _code_reasons(contents)
    for part in contents.nested:
        yield from _reasons(part, allowance)


def _is_own_code(reason: Reason) -> bool:
    """TorchScript's classes are those of its own code, which is a reason by itself."""
    return reason.safety is Safety.UNKNOWN_GLOBAL and reason.name.startswith("__torch__.")


def _code_reasons(contents: Contents) -> Iterator[Reason]:
    where = contents.source.name
    for found in contents.hostile[:20]:
        yield Reason(safety=Safety.DANGEROUS, detail=f"code that reads or writes files: {found}", where=where)
    if contents.format in (Format.TORCHSCRIPT, Format.TORCH_PACKAGE, Format.TORCH_EXPORT):
        detail = f"a {contents.format.value} archive holds code, which loading it runs"
        yield Reason(safety=Safety.UNKNOWN_GLOBAL, detail=detail, where=where)
    elif contents.code:
        detail = f"it holds code: {', '.join(contents.code[:3])}"
        yield Reason(safety=Safety.UNKNOWN_GLOBAL, detail=detail, where=where)


def _stream_reasons(stream: Stream, allowance: Allowance) -> Iterator[Reason]:
    pickle, where = stream.pickle, stream.where
    if pickle.error:
        yield Reason(safety=Safety.UNREADABLE, detail=pickle.error, where=where, offset=pickle.end)
    for deviation in pickle.deviations:
        detail = f"readers of pickles disagree about it: {deviation}"
        yield Reason(safety=Safety.UNREADABLE, detail=detail, where=where)
    for code in pickle.extensions:
        detail = f"extension code {code} stands for a name that only the loading process knows"
        yield Reason(safety=Safety.UNKNOWN_GLOBAL, detail=detail, where=where)
    allowed = allowed_names()
    nested: set[Global] = set()
    for found in pickle.globals:
        if found.path not in allowed:
            rules = global_rules()
            if found.path in rules.nested:
                nested.add(found)
            else:
                yield _unlisted(found, where, rules)
                continue
        if found.built:
            detail = f"it changes {found.path} itself"
            yield Reason(safety=Safety.DANGEROUS, detail=detail, where=where, name=found.path, offset=found.offset)
    for call in pickle.opaque_calls:
        yield from _opaque_call(call, where)
    if nested:
        yield from _nested_loads(stream, nested, allowance)
    yield from _views(stream)


def _unlisted(found: Global, where: str, rules: GlobalRules) -> Reason:
    """What a name that is not on the allow list makes of a file."""
    path = found.path
    shown = path if len(path) <= _LONGEST_NAME else f"{path[:_LONGEST_NAME]}..."
    danger = rules.danger_of(path)
    return Reason(
        safety=Safety.DANGEROUS if danger else Safety.UNKNOWN_GLOBAL,
        detail=f"{shown} {danger or 'is not on the list of names that are known to be harmless'}",
        where=where,
        name=shown,
        offset=found.offset,
    )


def _opaque_call(call: Call, where: str) -> Iterator[Reason]:
    """A call of something that is no name: the class in a legacy file's source record, or a computed callable."""
    func = call.func
    if type(func) is Persistent and type(func.id) is tuple and len(func.id) == 4 and func.id[0] == "module":
        return
    detail = "it calls what another call returns" if type(func) is Call else "it calls something that is no name"
    yield Reason(safety=Safety.DANGEROUS, detail=detail, where=where, offset=call.offset)


def _nested_loads(stream: Stream, names: set[Global], allowance: Allowance) -> Iterator[Reason]:
    """``torch.storage._load_from_bytes`` loads a file from bytes: it may do that to literal bytes alone."""
    for found in names:
        for call in found.calls:
            data = _literal_bytes(call, stream)
            if data is None:
                detail = f"{found.path} loads bytes that are not literal"
                yield Reason(safety=Safety.DANGEROUS, detail=detail, where=stream.where, offset=call.offset)
                continue
            source = MemorySource(data, f"{stream.where}, bytes for {found.name}")
            try:
                allowance.spend_part(source.name)
                inner = read_contents(source, allowance)
            except UnreadableError as error:
                yield Reason(safety=Safety.UNREADABLE, detail=error.what, where=source.name)
                continue
            yield from _reasons(inner, allowance)
    if _escapes(stream, names):
        detail = "a function that loads bytes is handed on instead of being called"
        yield Reason(safety=Safety.DANGEROUS, detail=detail, where=stream.where)


def _literal_bytes(call: Call, stream: Stream) -> bytes | None:
    args = call.args
    if type(args) is not tuple or len(args) != 1 or call.kwargs is not None:
        return None
    value = args[0]
    if type(value) is bytes:
        return value
    if type(value) is Blob and value.kind in (BlobKind.BYTES, BlobKind.BYTEARRAY):
        return bytes(stream.buffer[value.offset : value.offset + value.length])
    if type(value) is Call and type(value.func) is Global and value.func.path == "_codecs.encode":
        return _encoded(value, stream)
    return None


def _encoded(call: Call, stream: Stream) -> bytes | None:
    """Bytes as protocol 2 writes them: text, to be encoded as Latin-1."""
    if type(call.args) is not tuple or len(call.args) != 2 or call.args[1] not in ("latin1", "latin-1"):
        return None
    text = call.args[0]
    if type(text) is Blob and text.kind is BlobKind.TEXT:
        text = str(stream.buffer[text.offset : text.offset + text.length], "utf-8", "surrogatepass")
    try:
        return text.encode("latin-1") if type(text) is str else None
    except UnicodeEncodeError:
        return None


def _escapes(stream: Stream, names: set[Global]) -> bool:
    """Whether one of these globals is a value somewhere, rather than what a call calls."""
    seen: set[int] = set()
    pending: list[object] = [stream.pickle.root]
    for found in stream.pickle.globals:
        pending.extend(found.calls)
    pending.extend(stream.pickle.opaque_calls)
    while pending:
        value = pending.pop()
        if type(value) is Global:
            if value in names:
                return True
            continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        pending.extend(children(value))
    return False


def children(value: object) -> list[object]:
    """The values directly inside a value; what a call calls is left out."""
    if type(value) in (tuple, list, Pairs, Members, FrozenMembers) and isinstance(value, (tuple, list)):
        return list(value)
    if type(value) is Call:
        inside: list[object] = [value.args, value.kwargs]
        inside.extend(value.state or ())
        inside.extend(value.items or ())
        inside.extend(value.pairs or ())
        return inside if type(value.func) is Global else [value.func, *inside]
    if type(value) is Persistent:
        return [value.id]
    return []


def _views(stream: Stream) -> Iterator[Reason]:
    """Tensors that reach outside their storage."""
    for found in stream.pickle.globals:
        if found.path not in REBUILD_V2:
            continue
        for call in found.calls:
            if not view_fits(call.args):
                detail = "a tensor reaches outside its storage"
                yield Reason(safety=Safety.UNREADABLE, detail=detail, where=stream.where, offset=call.offset)
                return
