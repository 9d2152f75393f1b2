"""Python source → the code that runs when the module is imported.

The standard library's ``ast`` parses it. Nine tenths of a source file are bodies of functions, which an import does not
run, so they are cut out before parsing (``cut_bodies``); what is called is parsed later, function by function.
tree-sitter and libcst were left: half of ``ast``'s time at best, and a grammar of their own to keep in step.
"""

from __future__ import annotations

import ast
import marshal
import re
import tokenize
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from torchlink.model.source import Block, ModuleSource
from torchlink.read.python_nodes import block_of, body_of, evaluates_annotations
from torchlink.read.syntax import parse

MAX_SOURCE_BYTES = 32 * 2**20
"""A larger file is not parsed: it is data, or hostile."""

# Every pattern begins with a newline, which the regex engine finds at the speed of memchr.
_DEF = re.compile(rb"\n([ \t]*)(?:async[ \t]+)?def[ \t]+\w+")
_TRIPLE = re.compile(rb'"""|\'\'\'')
_SHORT_STRING = re.compile(rb'"[^"\\\n]*"|\'[^\'\\\n]*\'')
_GLOBAL = re.compile(rb"\n[ \t]+global[ \t]+([\w, \t]+)")
_DYNAMIC = re.compile(rb"\n[ \t]+[^#\n]*?(?:globals\(\)\s*(?:\[[^\]\n]*\]\s*=[^=]|\.update|\.setdefault))")
_PATH_EDIT = re.compile(rb"sys\.path\.(?:insert|append|extend)\(")
_SMALL = 2048


@dataclass(frozen=True, slots=True)
class _Cut:
    text: bytes
    last_lines: dict[int, int]
    """First line of a function whose body was cut → its last line."""


def parse_module(path: str, source: bytes) -> ModuleSource:
    """Read one source file. Never raises: what cannot be parsed becomes ``problem``."""
    if len(source) > MAX_SOURCE_BYTES:
        return ModuleSource(path=path, block=(), problem=f"larger than {MAX_SOURCE_BYTES >> 20} MB")
    if b"\0" in source:
        return ModuleSource(path=path, block=(), problem="contains null bytes")
    cut = cut_bodies(source) if len(source) > _SMALL else None
    try:
        block = _parsed(source, cut, annotations=not path.endswith(".pyi"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return ModuleSource(path=path, block=(), problem=_reason(error))
    return ModuleSource(
        path=path,
        block=block,
        late_names=_late_names(source),
        dynamic=_binds_dynamically(path, source),
        edits_path=b"sys.path" in source and _PATH_EDIT.search(source) is not None,
    )


def pack(source: ModuleSource) -> bytes:
    """A module's facts as bytes, for a cache of the same Python version. What nests too deep becomes a problem."""
    try:
        late_names = tuple(source.late_names)
        return marshal.dumps((source.block, late_names, source.dynamic, source.edits_path, source.problem))
    except ValueError:
        return marshal.dumps(((), (), False, False, "nests too deep"))


def unpack(path: str, data: bytes) -> ModuleSource:
    """The inverse of ``pack``. The bytes must come from ``pack``: ``marshal`` trusts them."""
    # From torchlink's own cache, checksummed.
    block, late_names, dynamic, edits_path, problem = marshal.loads(data)  # noqa: S302
    return ModuleSource(
        path=path,
        block=block,
        late_names=frozenset(late_names),
        dynamic=dynamic,
        edits_path=edits_path,
        problem=problem,
    )


Bodies = dict[int, Block]
"""The bodies of some functions of a file, by the line of their ``def``."""


def pack_bodies(bodies: Bodies) -> bytes:
    """Bodies as bytes, as `pack`; those that nest too deep are left out."""
    try:
        return marshal.dumps(bodies)
    except ValueError:
        return marshal.dumps({})


def unpack_bodies(data: bytes) -> Bodies:
    """The inverse of ``pack_bodies``, and as trusting as ``unpack``."""
    bodies: Bodies = marshal.loads(data)  # noqa: S302 - from torchlink's own cache, checksummed
    return bodies


def parse_function(source: Sequence[bytes], first_line: int, last_line: int) -> Block:
    """The statements of one function's body, out of the lines of its file.

    Its ``def`` stands on ``first_line`` (both lines 1-based, inclusive).

    Raises SyntaxError, ValueError or RecursionError where the lines do not parse.
    """
    lines = source[first_line - 1 : last_line]
    if not lines:
        return ()
    text = b"".join(lines)
    indented = text[:1] in (b" ", b"\t")
    tree = parse(_recoded(source, b"if 1:\n" + text if indented else text))
    statement = tree.body[0]
    if indented and isinstance(statement, ast.If):
        statement = statement.body[0]
    if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return ()
    return body_of(statement, offset=first_line - (2 if indented else 1))


def _recoded(source: Sequence[bytes], text: bytes) -> bytes:
    """A part of a file in UTF-8: what its coding line says is not seen by who parses the part alone."""
    if text.isascii():
        return text
    encoding, _ = tokenize.detect_encoding(iter(source[:2]).__next__)
    return text if encoding.startswith("utf-8") else text.decode(encoding).encode()


def _late_names(source: bytes) -> frozenset[str]:
    if b" global " not in source and b"\tglobal " not in source:
        return frozenset()
    names = (name for match in _GLOBAL.finditer(source) for name in match.group(1).split(b","))
    return frozenset(name.strip().decode("ascii", "replace") for name in names)


def _binds_dynamically(path: str, source: bytes) -> bool:
    """Whether a function writes to ``globals()`` or sets attributes of this module under its own name."""
    if b"globals()" in source and _DYNAMIC.search(source) is not None:
        cut = cut_bodies(source)
        if cut is None or len(_DYNAMIC.findall(source)) > len(_DYNAMIC.findall(cut.text)):
            return True
    if b"setattr(" not in source:
        return False
    name = path.replace("\\", "/").removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]
    return any(f"setattr({module}".encode() in source for module in ("sys.modules", f"{name},"))


def _parsed(source: bytes, cut: _Cut | None, *, annotations: bool) -> Block:
    if cut is not None:
        try:
            return _block(parse(cut.text).body, cut.last_lines, annotations)
        except SyntaxError:
            pass
    return _block(parse(source).body, {}, annotations)


def _block(statements: list[ast.stmt], last_lines: dict[int, int], annotations: bool) -> Block:
    evaluated = annotations and evaluates_annotations(statements)
    return block_of(statements, last_lines=last_lines, annotations=evaluated)


def _reason(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        where = f" on line {error.lineno}" if error.lineno else ""
        return f"does not parse{where}: {error.msg}"
    return f"does not parse: {type(error).__name__}"


def cut_bodies(source: bytes) -> _Cut | None:
    """Replace every function's body by a constant, keeping line numbers; ``None`` where that is not safe.

    Strings in triple quotes are respected. A body that is dedented by an open bracket leaves an unbalanced
    bracket behind, so that the result does not parse and the caller parses the whole file.
    """
    if b"\f" in source or b"\r" in source:
        return None
    source = b"\n" + source
    quoted = _triple_quoted(source)
    if quoted is None:
        return None
    starts, ends = quoted
    pieces: list[bytes] = []
    last_lines: dict[int, int] = {}
    position = line = counted = 0
    while (match := _DEF.search(source, position)) is not None:
        begin = match.start() + 1
        if _inside(begin, starts, ends):
            end = ends[bisect_right(starts, begin) - 1]
            pieces.append(source[position:end])
            position = end
            continue
        head = _end_of_signature(source, begin)
        if head < 0:
            newline = source.find(b"\n", begin)
            if newline < 0:
                break
            pieces.append(source[position:newline])
            position = newline
            continue
        end = _end_of_body(source, head, len(match.group(1)), starts, ends)
        if source[end - 1 : end] == b"\\":
            # A line that goes on where it seems to be dedented.
            return None
        line += source.count(b"\n", counted, begin)
        counted = begin
        body = source[head:end]
        newlines = body.count(b"\n")
        last_lines[line] = line + source.count(b"\n", begin, head) + newlines
        pieces.append(source[position:head])
        pieces.append(b"\n" + match.group(1) + b" 0" + b"\n" * (newlines - 1))
        position = end
    pieces.append(source[position:])
    return _Cut(b"".join(pieces)[1:], last_lines)


def _triple_quoted(source: bytes) -> tuple[list[int], list[int]] | None:
    """Where the strings in triple quotes begin and end; ``None`` where a quote may lie in a comment or short string."""
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    while (match := _TRIPLE.search(source, position)) is not None:
        line = source.rfind(b"\n", 0, match.start())
        before = source[line : match.start()]
        if b"#" in before or b'"' in before or b"'" in before or source[line - 1 : line] == b"\\":
            return None
        starts.append(match.start())
        position = _end_of_string(source, match.end(), match.group())
        ends.append(position)
    return starts, ends


def _end_of_string(source: bytes, position: int, quote: bytes) -> int:
    """The offset behind the quote that ends a string; the source's end where none does."""
    while (found := source.find(quote, position)) >= 0:
        if not _escaped(source, found):
            return found + len(quote)
        position = found + 1
    return len(source)


def _escaped(source: bytes, position: int) -> bool:
    count = 0
    while position > count and source[position - count - 1] == 0x5C:
        count += 1
    return count % 2 == 1


def _inside(position: int, starts: list[int], ends: list[int]) -> bool:
    index = bisect_right(starts, position) - 1
    return index >= 0 and position < ends[index]


def _end_of_signature(source: bytes, begin: int) -> int:
    """The offset of the newline that ends the ``def`` line; -1 for a one-line function or where it is unclear."""
    depth = 0
    position = begin
    for _ in range(200):
        newline = source.find(b"\n", position)
        if newline < 0:
            return -1
        text = _SHORT_STRING.sub(b"", source[position:newline]).partition(b"#")[0].rstrip()
        if b'"' in text or b"'" in text:
            return -1
        depth += sum(map(text.count, (b"(", b"[", b"{"))) - sum(map(text.count, (b")", b"]", b"}")))
        if depth <= 0:
            return newline if depth == 0 and text.endswith(b":") else -1
        if text.endswith(b"\\"):
            return -1
        position = newline + 1
    return -1


@lru_cache(maxsize=64)
def _dedent(indentation: int) -> re.Pattern[bytes]:
    return re.compile(rb"\n[ \t]{0,%d}[^\s#]" % indentation)


def _end_of_body(source: bytes, head: int, indentation: int, starts: list[int], ends: list[int]) -> int:
    pattern = _dedent(indentation)
    position = head
    while (match := pattern.search(source, position)) is not None:
        begin = match.start()
        index = bisect_right(starts, begin) - 1
        if index < 0 or begin >= ends[index]:
            return begin
        position = source.find(b"\n", ends[index])
        if position < 0:
            break
    return len(source)
