"""Changes of an environment, and what was really run in it, as JSON documents: ``torchlink.changes/1``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from torchlink.model.difference import Difference
from torchlink.model.preflight import Preflight
from torchlink.model.probe import ProbeResult, ProbeStatus
from torchlink.model.transaction import Transaction
from torchlink.report.document import Node
from torchlink.report.json import plan_document

SCHEMA = "torchlink.changes/1"


def render_changes(transactions: Sequence[Transaction]) -> str:
    """Transactions, oldest first."""
    return _document({"changes": [transaction_document(one) for one in transactions]})


def changes_line(transactions: Sequence[Transaction]) -> str:
    """The same in one line."""
    return json.dumps(json.loads(render_changes(transactions)), separators=(",", ":")) + "\n"


def render_probes(results: Sequence[ProbeResult]) -> str:
    """What probes showed."""
    return _document({"probes": [probe_document(one) for one in results]})


def render_difference(found: Difference) -> str:
    """What differs between two moments."""
    return _document(difference_document(found))


def difference_document(found: Difference) -> dict[str, object]:
    """What differs between two moments, as plain values."""
    return {
        "since": found.since,
        "until": found.until,
        "moved": [{"package": one.name, "from": one.old, "to": one.new} for one in found.moved],
        "touched": [{"path": one.path, "how": one.how, "owner": one.owner} for one in found.touched],
    }


def render_preflight(answer: Preflight) -> str:
    """The answer to a program at its start, as one document."""
    return _document(
        {
            "ok": answer.ok,
            "policy": answer.policy,
            "verdict": answer.verdict.value,
            "fatal": [{"id": one.id, "title": one.title, "symptom": one.symptom} for one in answer.fatal],
            "unknown": answer.unknown,
            "interrupted": list(answer.interrupted),
            "note": answer.note,
            "elapsed_s": answer.elapsed_s,
        },
        "torchlink.preflight/1",
    )


def probe_document(result: ProbeResult) -> dict[str, object]:
    """A probe's result as plain values."""
    return {
        "name": result.name,
        "status": result.status.value,
        "elapsed_s": round(result.elapsed_s, 3),
        "detail": result.detail,
        "tests_passed": result.tests_passed,
        "tests_failed": result.tests_failed,
    }


def read_probe(at: Node) -> ProbeResult:
    """Read what `probe_document` made.

    Raises:
        UnreadableError: it is no probe's result.
    """
    return ProbeResult(
        name=at.text("name"),
        status=ProbeStatus(at.text("status")),
        elapsed_s=at.number("elapsed_s"),
        detail=at.text("detail"),
        tests_passed=at.integer("tests_passed"),
        tests_failed=at.integer("tests_failed"),
    )


def transaction_document(one: Transaction) -> dict[str, object]:
    """A transaction as plain values."""
    return {
        "id": one.id,
        "began": one.began,
        "state": one.state.value,
        "environment": one.prefix,
        "project": one.project,
        "plan": plan_document(one.plan),
        "reason": one.reason,
        "before": [probe_document(probe) for probe in one.before],
        "after": [probe_document(probe) for probe in one.after],
        "kept": one.kept,
    }


def _document(members: Mapping[str, object], schema: str = SCHEMA) -> str:
    return json.dumps({"schema": schema, **members}, indent=2, ensure_ascii=True) + "\n"
