"""What a change of versions moves, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from packaging.utils import canonicalize_version

RUNTIME = ("nvidia-", "triton", "cuda-")
"""What comes with torch is named last."""
MOST_IN_A_SENTENCE = 12


def is_same(old: str, new: str) -> bool:
    """Whether a version stays, however it is written; an index that has no local build answers with the plain one."""
    old, new = (canonicalize_version(one) for one in (old, new))
    return old == new or ("+" not in new and old.partition("+")[0] == new)


def moved(present: Mapping[str, str], versions: Mapping[str, str]) -> dict[str, str]:
    """What gets another version, or comes anew."""
    return {name: new for name, new in versions.items() if not is_same(present.get(name, ""), new)}


def moves_in_words(
    present: Mapping[str, str], changes: Mapping[str, str], gone: Sequence[str], first: Collection[str], most: int
) -> str:
    """``numpy 2.4.6 → 1.26.4, add einops 0.8.1 and 3 more``.

    Args:
        present: what there is.
        changes: what gets another version, or comes anew.
        gone: what goes.
        first: names that lead.
        most: how many moves are named.
    """
    names = sorted(changes, key=lambda name: (name not in first, name.startswith(RUNTIME), name))
    parts = [f"{name} {present[name]} → {changes[name]}" for name in names if name in present]
    parts += [f"add {name} {changes[name]}" for name in names if name not in present]
    parts += [f"remove {name}" for name in gone]
    more = len(parts) - most
    return ", ".join(parts[:most]) + (f" and {more} more" if more > 0 else "")


def moves_sentence(present: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """What an install would change, and whether it touches torch."""
    changes = moved(present, versions)
    if not changes:
        return "the install would change nothing"
    words = moves_in_words(present, changes, (), ("torch",), MOST_IN_A_SENTENCE)
    torch = (
        "" if "torch" not in present else "torch would be replaced" if "torch" in changes else "torch stays as it is"
    )
    return f"the install would change: {words}" + (f"; {torch}" if torch else "")
