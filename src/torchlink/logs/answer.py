"""Hits → findings and plans: the likeliest cause first, the others told apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from torchlink.logs.context import Context
from torchlink.logs.digest import Digest
from torchlink.logs.facts import filled, told
from torchlink.logs.match import Hit
from torchlink.model.finding import Advice, Alternative, Certainty, Finding, Warned
from torchlink.model.plan import Plan, Step
from torchlink.model.reference import Evidence, Party, PartyType
from torchlink.rules.signatures import Cause, Fix

_MOST_CULPRITS = 3
_MOST_FRAMES = 5
_MOST_EVIDENCE = 3
_ARROW = " → "
_PARTIES = {one.value: one for one in PartyType if one not in (PartyType.PACKAGE, PartyType.FILE)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said of a log's known messages."""

    findings: tuple[Finding, ...]
    plans: tuple[Plan, ...]


def answer(hits: Iterable[Hit], digest: Digest, context: Context, log: str) -> Answer:
    """Turn hits into findings, worst and most telling first, each with its plans.

    Args:
        hits: from ``find_hits``.
        digest: the log's lines.
        context: versions and platform, from the log and perhaps from an environment.
        log: the log's name, for the evidence.
    """
    every = sorted(hits, key=lambda hit: (hit.signature.severity.rank, -hit.signature.weight, hit.first))
    findings: dict[tuple[str, str], Finding] = {}
    plans: list[Plan] = []
    for hit in every:
        cause = hit.causes[0]
        finding = _finding(hit, digest, context, log)
        key = (cause.code, finding.id)
        if key in findings:
            findings[key] = _joined(findings[key], finding)
            continue
        taken = {one.id for one in findings.values()}
        if finding.id in taken:
            finding = replace(finding, id=f"{finding.id}:{cause.code}")
        made = _plans(cause.fixes, hit.facts, finding.id, len(plans))
        plans.extend(made)
        findings[key] = replace(finding, plans=tuple(plan.id for plan in made))
    return Answer(findings=tuple(findings.values()), plans=tuple(plans))


# The finding


def _finding(hit: Hit, digest: Digest, context: Context, log: str) -> Finding:
    cause, *others = hit.causes
    facts = hit.facts
    needer, provider = _party(cause.needer, facts, context), _party(cause.provider, facts, context)
    return Finding(
        id=f"{cause.kind.value}:{needer.name}:{provider.name}",
        kind=cause.kind,
        severity=hit.signature.severity,
        certainty=Certainty.INFERRED,
        needer=needer,
        provider=provider,
        culprits=_culprits(cause, facts),
        affects=(),
        title=told(cause.title, facts),
        cause=told(cause.cause, facts),
        symptom=hit.symptom,
        evidence=_evidence(hit, digest, log),
        reached_from=(_ARROW.join(hit.frames[-_MOST_FRAMES:]),) if hit.frames else (),
        count=hit.count,
        advice=Advice(
            innocent=_warned(cause.innocent, facts),
            avoid=_warned(cause.avoid, facts),
            verify=tuple(told(one, facts) for one in cause.verify),
            tell=told(cause.tell, facts) if others else "",
            alternatives=tuple(_alternative(one, facts) for one in others),
        ),
    )


def _party(template: str, facts: Mapping[str, str], context: Context) -> Party:
    name = filled(template, facts) or PartyType.PROJECT.value
    if name in _PARTIES:
        version = context.python if name == PartyType.PYTHON.value else ""
        return Party(type=_PARTIES[name], name=name, version=version)
    public, _, local = facts.get(f"{name.replace('-', '_')}_version", context.versions.get(name, "")).partition("+")
    return Party(type=PartyType.PACKAGE, name=name, version=public, build=f"+{local}" if local else "")


def _culprits(cause: Cause, facts: Mapping[str, str]) -> tuple[str, ...]:
    names = (filled(one, facts) for one in cause.culprits)
    return tuple(dict.fromkeys(name for name in names if name))[:_MOST_CULPRITS]


def _evidence(hit: Hit, digest: Digest, log: str) -> tuple[Evidence, ...]:
    lines = digest.lines[hit.first : hit.last + 1]
    shown = [line for line in lines if line.text.strip()][:_MOST_EVIDENCE]
    return tuple(Evidence(artifact=f"{log}:{line.number}", detail=line.text.strip()) for line in shown[:1])


def _warned(every: tuple[Warned, ...], facts: Mapping[str, str]) -> tuple[Warned, ...]:
    return tuple(Warned(what=told(one.what, facts), why=told(one.why, facts)) for one in every if told(one.what, facts))


def _alternative(cause: Cause, facts: Mapping[str, str]) -> Alternative:
    return Alternative(
        title=told(cause.title, facts),
        culprits=_culprits(cause, facts),
        tell=told(cause.tell, facts),
        fix=told(cause.fixes[0].summary, facts) if cause.fixes else "",
    )


def _joined(finding: Finding, other: Finding) -> Finding:
    evidence = tuple(dict.fromkeys((*finding.evidence, *other.evidence)))[:_MOST_EVIDENCE]
    return replace(finding, count=finding.count + other.count, evidence=evidence)


# Plans


def _plans(fixes: tuple[Fix, ...], facts: Mapping[str, str], finding: str, before: int) -> list[Plan]:
    return [
        Plan(
            id=f"p{before + place}",
            rank=place,
            summary=told(fix.summary, facts),
            resolves=(finding,),
            certainty="suggested",
            unknown=0,
            steps=tuple(
                step for one in fix.steps if (step := _step(one, facts)).package or step.file or not one.package
            ),
            security=told(fix.security, facts),
            note=told(fix.note, facts),
        )
        for place, fix in enumerate(fixes, start=1)
    ]


def _step(step: Step, facts: Mapping[str, str]) -> Step:
    return replace(
        step, package=filled(step.package, facts), new=filled(step.new, facts), file=filled(step.file, facts)
    )
