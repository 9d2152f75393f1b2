"""A log, explained: decoded, its telling lines gathered, its known messages answered, the others named."""

from __future__ import annotations

from dataclasses import dataclass

from torchlink.logs.answer import Answer, answer
from torchlink.logs.context import Context, read_context
from torchlink.logs.decode import decode
from torchlink.logs.digest import Digest, digest
from torchlink.logs.match import find_hits
from torchlink.logs.unknown import unknown_errors
from torchlink.model.reference import Kind, Undecided
from torchlink.rules.signatures import entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What was read from a log."""

    name: str
    digest: Digest
    context: Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What is said of a log."""

    answer: Answer
    unknown: tuple[Undecided, ...]
    """Errors that no signature knows."""


def read_log(data: bytes, name: str) -> Log:
    """Read a log of any encoding. Nothing in it makes this raise."""
    gathered = digest(decode(data), (anchor for entry in entries() for anchor in entry.anchors))
    return Log(name=name, digest=gathered, context=read_context(gathered))


def explain_log(log: Log, context: Context) -> Explained:
    """Explain a log.

    Args:
        log: from ``read_log``.
        context: what is known of where it was written: the log's own, perhaps with an environment's versions.
    """
    hits = find_hits(log.digest, entries(), context)
    telling = [hit for hit in hits if hit.signature.weight]
    unknown = unknown_errors(log.digest, hits)
    # What only follows from another error says nothing where the log shows one.
    answered = telling if telling or unknown else hits
    return Explained(
        answer=answer(answered, log.digest, context, log.name),
        unknown=tuple(
            Undecided(
                kind=Kind.BEHAVIOUR,
                artifact=f"{log.name}:{line.number}",
                reason=f"not an incompatibility that torchlink knows: {line.text.strip()}",
                reached=True,
            )
            for line in unknown
        ),
    )
