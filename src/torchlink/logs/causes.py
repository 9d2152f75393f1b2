"""Which of a signature's causes a message can have, decided as far as the facts and versions at hand allow."""

from __future__ import annotations

import re
from collections.abc import Mapping

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from torchlink.rules.signatures import Cause, Condition, Signature

_SUFFIX = "_version"


def possible_causes(
    signature: Signature, facts: Mapping[str, str], versions: Mapping[str, str], text: str
) -> tuple[Cause, ...]:
    """The causes that nothing excludes; those that something speaks for come first.

    A cause without a condition is the one for messages that tell nothing more: it is left out where another holds.

    Args:
        signature: whose message was found.
        facts: of the message.
        versions: by package, and that of ``python``; those that the message itself names come before them.
        text: the log's telling lines.
    """
    known = {**versions, **_told(facts)}
    judged = [(cause, holds(cause.when, facts, known, text)) for cause in signature.causes]
    certain = [cause for cause, word in judged if word]
    undecided = [cause for cause, word in judged if word is None and not (certain and cause.when is None)]
    return (*certain, *undecided)


def _told(facts: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removesuffix(_SUFFIX).replace("_", "-"): text for name, text in facts.items() if name.endswith(_SUFFIX)
    }


def holds(condition: Condition | None, facts: Mapping[str, str], versions: Mapping[str, str], text: str) -> bool | None:
    """Whether a condition holds; ``None`` where what is known does not decide it, and where there is no condition."""
    if condition is None:
        return None
    if not all(re.search(pattern, facts.get(name, "")) for name, pattern in condition.facts.items()):
        return False
    words = [_satisfies(versions.get(package, ""), wanted) for package, wanted in condition.versions.items()]
    if False in words:
        return False
    if condition.text:
        return True if re.search(condition.text, text) else None
    return None if None in words else True


def _satisfies(version: str, wanted: str) -> bool | None:
    try:
        return SpecifierSet(wanted, prereleases=True).contains(Version(version).public)
    except (InvalidVersion, InvalidSpecifier):
        return None
