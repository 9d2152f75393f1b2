"""The JSON report, ``torchlink.report/1``: written, and read back. ``schema.json`` beside this file is its schema."""

from __future__ import annotations

import json
from collections.abc import Mapping

from torchlink.model.errors import UnreadableError
from torchlink.model.finding import Advice, Alternative, Certainty, Finding, Warned
from torchlink.model.plan import Plan, Step, Violation
from torchlink.model.reference import Evidence, Kind, Party, PartyType, Severity, Undecided
from torchlink.model.report import Artifact, Coverage, Report, Target, Verdict
from torchlink.report.document import Node, node

SCHEMA = "torchlink.report/1"

Value = object
"""What ``json`` can write: strings, numbers, lists and mappings of them."""


def render(report: Report) -> str:
    """The report for people and programs: indented, one document, with a closing line break."""
    return json.dumps(document(report), indent=2, ensure_ascii=True) + "\n"


def dump(report: Report) -> str:
    """The report as compactly as it goes; ``load`` reads it back as the same value."""
    return json.dumps(document(report), separators=(",", ":"))


def load(text: str) -> Report:
    """Read a report back.

    Raises:
        UnreadableError: The text is no report of this schema.
    """
    try:
        root = node(json.loads(text), "report")
        if root.text("schema") != SCHEMA:
            raise UnreadableError(f"schema {root.text('schema')!r} is not {SCHEMA!r}", where="report")
        return read_report(root)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"it is no {SCHEMA} document: {error}", where="report") from error


def document(report: Report) -> dict[str, Value]:
    """The report as plain values, ready for ``json``."""
    return {
        "schema": SCHEMA,
        "torchlink": report.torchlink,
        "verdict": report.verdict.value,
        "elapsed_s": round(report.elapsed_s, 3),
        "target": _target_out(report.target),
        "findings": [_finding_out(one) for one in report.findings],
        "plans": [plan_document(one) for one in report.plans],
        "artifacts": [{"path": one.path, "verdict": one.verdict, "content": one.content} for one in report.artifacts],
        "coverage": _coverage_out(report.coverage),
        "undecided": [_undecided_out(one) for one in report.undecided],
        "silenced": report.silenced,
    }


def _without_empty(required: Mapping[str, Value], optional: Mapping[str, str | int]) -> dict[str, Value]:
    return {**required, **{key: value for key, value in optional.items() if value}}


def _target_out(target: Target) -> dict[str, Value]:
    return _without_empty(
        {"kind": target.kind, "path": target.path, "python": target.python, "platform": target.platform},
        {"project": target.project, "note": target.note},
    )


def _finding_out(finding: Finding) -> dict[str, Value]:
    return {
        "id": finding.id,
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "certainty": finding.certainty.value,
        "needer": _party_out(finding.needer),
        "provider": _party_out(finding.provider),
        "culprits": list(finding.culprits),
        "affects": list(finding.affects),
        "title": finding.title,
        "cause": finding.cause,
        "symptom": finding.symptom,
        "evidence": [{"artifact": one.artifact, "detail": one.detail} for one in finding.evidence],
        "reached_from": list(finding.reached_from),
        "count": finding.count,
        "plans": list(finding.plans),
        **({"rule": finding.rule} if finding.rule else {}),
        **({} if finding.advice == Advice() else {"advice": _advice_out(finding.advice)}),
    }


def _advice_out(advice: Advice) -> dict[str, Value]:
    return {
        "innocent": [_warned_out(one) for one in advice.innocent],
        "avoid": [_warned_out(one) for one in advice.avoid],
        "verify": list(advice.verify),
        "tell": advice.tell,
        "alternatives": [
            {"title": one.title, "culprits": list(one.culprits), "tell": one.tell, "fix": one.fix}
            for one in advice.alternatives
        ],
    }


def _warned_out(warned: Warned) -> dict[str, Value]:
    return {"what": warned.what, "why": warned.why}


def _party_out(party: Party) -> dict[str, Value]:
    return _without_empty(
        {"type": party.type.value, "name": party.name, "version": party.version},
        {"build": party.build, "path": party.path},
    )


def plan_document(plan: Plan) -> dict[str, Value]:
    """One plan as plain values."""
    return {
        "id": plan.id,
        "rank": plan.rank,
        "summary": plan.summary,
        "resolves": list(plan.resolves),
        "certainty": plan.certainty,
        "unknown": plan.unknown,
        "steps": [_step_out(one) for one in plan.steps],
        "violates": [{"constraint": one.constraint, "file": one.file, "line": one.line} for one in plan.violates],
        "security": plan.security,
        "download_bytes": plan.download_bytes,
        "note": plan.note,
    }


def _step_out(step: Step) -> dict[str, Value]:
    return _without_empty(
        {"op": step.op},
        {"package": step.package, "from": step.old, "to": step.new, "file": step.file, "line": step.line},
    )


def _coverage_out(coverage: Coverage) -> dict[str, Value]:
    return {
        "distributions": coverage.distributions,
        "modules": coverage.modules,
        "native_libraries": coverage.native_libraries,
        "references": coverage.references,
        "unknown": coverage.unknown,
    }


def _undecided_out(undecided: Undecided) -> dict[str, Value]:
    return {
        "kind": undecided.kind.value,
        "artifact": undecided.artifact,
        "reason": undecided.reason,
        "reached": undecided.reached,
    }


def read_report(root: Node) -> Report:
    """Read back what `document` made.

    Raises:
        UnreadableError: It is no report.
        ValueError: It has a word that is none of the schema's.
    """
    return Report(
        torchlink=root.text("torchlink"),
        verdict=Verdict(root.text("verdict")),
        elapsed_s=root.number("elapsed_s"),
        target=_target(root.node("target")),
        findings=root.each("findings", _finding),
        plans=root.each("plans", load_plan),
        artifacts=root.each("artifacts", _artifact),
        coverage=_coverage(root.node("coverage")),
        undecided=root.each("undecided", _undecided),
        silenced=root.integer("silenced"),
    )


def _target(at: Node) -> Target:
    return Target(
        kind=at.text("kind"),
        path=at.text("path"),
        project=at.text("project", ""),
        python=at.text("python"),
        platform=at.text("platform"),
        note=at.text("note", ""),
    )


def _finding(at: Node) -> Finding:
    return Finding(
        id=at.text("id"),
        kind=Kind(at.text("kind")),
        severity=Severity(at.text("severity")),
        certainty=Certainty(at.text("certainty")),
        needer=_party(at.node("needer")),
        provider=_party(at.node("provider")),
        culprits=at.texts("culprits"),
        affects=at.texts("affects"),
        title=at.text("title"),
        cause=at.text("cause"),
        symptom=at.text("symptom"),
        evidence=at.each(
            "evidence", lambda piece: Evidence(artifact=piece.text("artifact"), detail=piece.text("detail"))
        ),
        reached_from=at.texts("reached_from"),
        count=at.integer("count"),
        plans=at.texts("plans"),
        rule=at.text("rule", ""),
        advice=_advice(at.node("advice")) if "advice" in at.members else Advice(),
    )


def _advice(at: Node) -> Advice:
    return Advice(
        innocent=at.each("innocent", _warned),
        avoid=at.each("avoid", _warned),
        verify=at.texts("verify"),
        tell=at.text("tell"),
        alternatives=at.each("alternatives", _alternative),
    )


def _warned(at: Node) -> Warned:
    return Warned(what=at.text("what"), why=at.text("why"))


def _alternative(at: Node) -> Alternative:
    return Alternative(title=at.text("title"), culprits=at.texts("culprits"), tell=at.text("tell"), fix=at.text("fix"))


def _party(at: Node) -> Party:
    return Party(
        type=PartyType(at.text("type")),
        name=at.text("name"),
        version=at.text("version"),
        build=at.text("build", ""),
        path=at.text("path", ""),
    )


def load_plan(at: Node) -> Plan:
    """Read back what `plan_document` made.

    Raises:
        UnreadableError: It is no plan.
    """
    return Plan(
        id=at.text("id"),
        rank=at.integer("rank"),
        summary=at.text("summary"),
        resolves=at.texts("resolves"),
        certainty=at.text("certainty"),
        unknown=at.integer("unknown"),
        steps=at.each("steps", _step),
        violates=at.each("violates", _violation),
        security=at.text("security"),
        download_bytes=at.integer("download_bytes"),
        note=at.text("note"),
    )


def _step(at: Node) -> Step:
    return Step(
        op=at.text("op"),
        package=at.text("package", ""),
        old=at.text("from", ""),
        new=at.text("to", ""),
        file=at.text("file", ""),
        line=at.integer("line", 0),
    )


def _violation(at: Node) -> Violation:
    return Violation(constraint=at.text("constraint"), file=at.text("file"), line=at.integer("line"))


def _artifact(at: Node) -> Artifact:
    content = at.node("content")
    return Artifact(path=at.text("path"), verdict=at.text("verdict"), content=dict(content.members))


def _coverage(at: Node) -> Coverage:
    return Coverage(
        distributions=at.integer("distributions"),
        modules=at.integer("modules"),
        native_libraries=at.integer("native_libraries"),
        references=at.integer("references"),
        unknown=at.integer("unknown"),
    )


def _undecided(at: Node) -> Undecided:
    return Undecided(
        kind=Kind(at.text("kind")), artifact=at.text("artifact"), reason=at.text("reason"), reached=at.flag("reached")
    )
