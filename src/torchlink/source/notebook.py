"""Edits of a notebook: each cell is rewritten by itself, and nothing else of the file changes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

from torchlink.model.edits import SourceEdit
from torchlink.read.project import cell_lines, code_cells
from torchlink.source.rewrite import rewrite

_MARKED = re.compile(r"  # torchlink line (\d+)$")
"""Ends a line that stands for a magic while its cell is rewritten."""

Write = Callable[[object], str]


def rewrite_notebook(source: bytes, edits: Sequence[SourceEdit]) -> tuple[bytes, tuple[SourceEdit, ...]]:
    """Carry out edits of one notebook, whose lines are counted over all its code cells.

    Returns:
        The file's new bytes, and the edits that could not be made.

    Raises:
        ValueError: it is no notebook, or its JSON is laid out in no way that can be written again.
    """
    write = _layout(source)
    document = json.loads(source)
    befores = code_cells(source)[1]
    undone: list[SourceEdit] = list(edits)
    for cell, before in zip(document["cells"], befores, strict=True):
        if before < 0:
            continue
        lines = list(cell_lines(cell.get("source")))
        own = [edit for edit in edits if before < edit.line <= before + len(lines)]
        try:
            text, left = _cell(lines, [replace(edit, line=edit.line - before) for edit in own])
        except ValueError:
            continue
        undone = [edit for edit in undone if edit not in own or replace(edit, line=edit.line - before) in left]
        if own:
            cell["source"] = text if isinstance(cell["source"], str) else text.splitlines(keepends=True)
    return write(document).encode("utf-8", "surrogatepass"), tuple(undone)


def _cell(lines: Sequence[tuple[str, str]], edits: Sequence[SourceEdit]) -> tuple[str, tuple[SourceEdit, ...]]:
    """A cell's new text, and the edits that could not be made. Raises ValueError where it cannot be parsed."""
    plain = "\n".join(_marked(number, *line) for number, line in enumerate(lines))
    after, left = rewrite(plain.encode(), edits)
    return "\n".join(_unmarked(after.decode(), lines)), left


def _marked(number: int, line: str, plain: str) -> str:
    return plain if line == plain else f"{plain}  # torchlink line {number}"


def _unmarked(text: str, lines: Sequence[tuple[str, str]]) -> Iterator[str]:
    for line in text.split("\n"):
        marked = _MARKED.search(line)
        yield line if marked is None else lines[int(marked[1])][0]


def _layout(source: bytes) -> Write:
    """How the file's JSON is written: what gives its bytes back. Raises ValueError where nothing does."""
    text = source.decode("utf-8")
    document: Any = json.loads(text)
    end = text[len(text.rstrip()) :]
    for indent, ascii_only in product((1, 2, 4, None, "\t"), (False, True)):
        write = partial(json.dumps, indent=indent, ensure_ascii=ascii_only)
        if write(document) + end == text:
            return lambda changed: write(changed) + end
    raise ValueError("its JSON is laid out in a way that would not be kept")
