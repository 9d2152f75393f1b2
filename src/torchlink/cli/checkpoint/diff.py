"""``torchlink checkpoint diff``: what differs between two state dicts?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torchlink.checkpoint.diff import Changed, Difference

_SHOWN = 25


@click.command()
@click.argument("left", metavar="A")
@click.argument("right", metavar="B")
@click.option("--part", default="", metavar="KEY", help="Where the state dict is in A; the usual keys are tried.")
@click.option("--right-part", default="", metavar="KEY", help="Where it is in B.")
@click.option("--format", "form", type=click.Choice(("terminal", "json")), default="terminal", show_default=True)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(left: str, right: str, part: str, right_part: str, form: str, debug: bool) -> int:  # noqa: ARG001
    """Compare the state dict in A with that in B.

    Each is a checkpoint, the index of a sharded one, or a list of keys that a model expects: a .txt file with a name a
    line, or .json with names, or with names and shapes. Exits with 0 where they are equal, 1 where they differ.
    """
    from torchlink.checkpoint.diff import compare, entries_of

    found = compare(entries_of(left, part), entries_of(right, right_part))
    click.echo(_json(found) if form == "json" else "".join(_lines(found, left, right)), nl=False)
    return 0 if found.equal else 1


def _lines(found: Difference, left: str, right: str) -> list[str]:
    from torchlink.report.printable import printable

    if found.equal:
        return [f"equal: {found.same:,} tensors of the same names, shapes and dtypes\n"]
    lines = [f"{found.same:,} the same\n"]
    lines.extend(_names(f"missing in {left}", found.missing, found))
    lines.extend(_names(f"unexpected, not in {right}", found.unexpected, found))
    for title, changed in (("another shape", found.shapes), ("another dtype", found.dtypes)):
        if changed:
            lines.append(f"{len(changed):,} of {title}\n")
            lines.extend(f"    {printable(_change(one))}\n" for one in changed[:_SHOWN])
    if found.renaming:
        words = [f"take {found.renaming.strip!r} off" if found.renaming.strip else ""]
        words.append(f"put {found.renaming.add!r} before" if found.renaming.add else "")
        plan = " and ".join(word for word in words if word)
        lines.append(f"would fit: {printable(plan)} each name of A; {found.renaming.matches:,} names match then\n")
    return lines


def _names(title: str, names: tuple[str, ...], found: Difference) -> list[str]:
    from torchlink.report.printable import printable

    if not names:
        return []
    harmless = set(found.harmless)
    lines = [f"{len(names):,} {printable(title)}\n"]
    for name in names[:_SHOWN]:
        note = "  (a buffer that comes and goes between releases)" if name in harmless else ""
        lines.append(f"    {printable(name)}{note}\n")
    if len(names) > _SHOWN:
        lines.append(f"    and {len(names) - _SHOWN:,} more\n")
    return lines


def _change(one: Changed) -> str:
    if one.left.shape != one.right.shape:
        return f"{one.name}: {_shape(one.left.shape)} → {_shape(one.right.shape)}"
    return f"{one.name}: {one.left.dtype} → {one.right.dtype}"


def _shape(shape: tuple[int, ...] | None) -> str:
    return "×".join(map(str, shape)) or "scalar" if shape is not None else "?"


def _json(found: Difference) -> str:
    def row(one: Changed) -> dict[str, object]:
        return {
            "name": one.name,
            "left": {"shape": one.left.shape, "dtype": one.left.dtype},
            "right": {"shape": one.right.shape, "dtype": one.right.dtype},
        }

    renaming = found.renaming
    document = {
        "equal": found.equal,
        "same": found.same,
        "missing": found.missing,
        "unexpected": found.unexpected,
        "shapes": [row(one) for one in found.shapes],
        "dtypes": [row(one) for one in found.dtypes],
        "harmless": found.harmless,
        "renaming": {"strip": renaming.strip, "add": renaming.add, "matches": renaming.matches} if renaming else None,
    }
    return json.dumps(document, indent=2) + "\n"
