"""The incident report: the document that people write by hand after such a day, from real data only.

It is made of sections; a section without data is left out. Markdown and HTML are two ways to write the same sections.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from packaging.version import InvalidVersion, Version

from torchlink.model.finding import Finding
from torchlink.model.incident import Incident
from torchlink.model.matrix import Fit, Matrix
from torchlink.model.plan import Plan
from torchlink.model.probe import ProbeResult, ProbeStatus
from torchlink.model.reference import PartyType, Severity
from torchlink.model.transaction import State
from torchlink.report import json as report_json
from torchlink.report import wording
from torchlink.report.changes_json import difference_document, transaction_document
from torchlink.report.markdown import plain
from torchlink.report.matrix import SIGNS, matrix_document
from torchlink.report.printable import printable

FORMATS = ("markdown", "html", "json")
SCHEMA = "torchlink.incident/1"
_PROOF = {
    "proven": "the whole changed set was linked again: no break, no new risk, nothing new that is unknown",
    "inferred": "it rests on the wheel of a sibling build of the same version",
    "suggested": "it was not proven: some of it could not be decided",
}
_MOST_FILES = 20
_WELL = (ProbeStatus.PASSED, ProbeStatus.SKIPPED)
_TICKS = re.compile(r"`+")


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines as they are."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A table; its first row is the heading."""

    rows: tuple[tuple[str, ...], ...]


Part = Text | Items | Code | Rows


def render(incident: Incident, form: str) -> str:
    """Render an incident in one of ``FORMATS``.

    Raises:
        ValueError: ``form`` is none of them.
    """
    match form:
        case "markdown":
            return _markdown(incident)
        case "html":
            return _html(incident)
        case "json":
            return json.dumps(document(incident), indent=2, ensure_ascii=True) + "\n"
        case _:
            raise ValueError(f"{form!r} is no format of an incident")


def document(incident: Incident) -> dict[str, object]:
    """The incident as plain values: what its sections are made of."""
    return {
        "schema": SCHEMA,
        "title": title(incident),
        "report": report_json.document(incident.report),
        "chosen": None if incident.chosen is None else incident.chosen.id,
        "change": None if incident.change is None else transaction_document(incident.change),
        "after": None if incident.after is None else report_json.document(incident.after),
        "difference": None if incident.difference is None else difference_document(incident.difference),
        "matrices": [matrix_document(one) for one in incident.matrices],
        "prevention": list(_prevention(incident)),
        "references": [
            {"rule": one.rule, "release": one.release, "file": one.file, "detail": one.detail}
            for one in incident.references
        ],
    }


def title(incident: Incident) -> str:
    """The worst finding in one line."""
    findings = incident.report.findings
    return f"Incident: {findings[0].title}" if findings else "Incident"


def sections(incident: Incident) -> list[tuple[str, list[Part]]]:
    """The sections that have something to say."""
    made: tuple[tuple[str, Callable[[Incident], Iterator[Part]]], ...] = (
        ("Summary", _summary),
        ("Environment", _environment),
        ("Error messages", _messages),
        ("Root cause", _causes),
        ("What had changed", _changed),
        ("Solution", _solution),
        ("Alternatives considered", _alternatives),
        ("Compatibility matrix", _matrix),
        ("Verification", _verification),
        ("Prevention", lambda one: _items(_prevention(one))),
        ("References", _sources),
    )
    found = [(name, list(parts(incident))) for name, parts in made]
    return [(name, parts) for name, parts in found if parts]


def _items(lines: Iterator[str]) -> Iterator[Part]:
    if items := tuple(lines):
        yield Items(items)


def _breaks(incident: Incident) -> tuple[Finding, ...]:
    breaks = wording.of_severity(incident.report.findings, Severity.BREAK)
    return breaks or incident.report.findings


def _summary(incident: Incident) -> Iterator[Part]:
    worst = _breaks(incident)
    if worst:
        more = f" {wording.counted(len(worst) - 1, 'more finding')} beside it." if len(worst) > 1 else ""
        yield Text(f"{worst[0].title}.{more}")
    done, plan = incident.change, incident.chosen
    if done is not None:
        how = f" ({done.reason})" if done.reason and done.state is not State.COMMITTED else ""
        yield Text(f"{done.plan.summary}: {done.state.value}{how}, begun {done.began}.")
    elif plan is not None:
        yield Text(f"Proposed: {plan.summary} ({wording.plan_sentence(plan)}). Nothing was changed yet.")
    else:
        yield Text("No change that mends it was found.")


def _environment(incident: Incident) -> Iterator[Part]:
    target = incident.report.target
    lines = [f"environment: {target.path}", wording.target_sentence(incident.report)]
    if target.project:
        lines.insert(1, f"project: {target.project}")
    yield Items(tuple(line for line in lines if line))
    versions: dict[str, tuple[str, str]] = {}
    for one in _breaks(incident):
        for party in (one.needer, one.provider):
            if party.version:
                versions[party.name] = (party.version + (party.build if party.build not in party.version else ""), "")
    for step in incident.chosen.steps if incident.chosen is not None else ():
        if step.op in {"set", "add", "remove"}:
            versions[step.package] = (step.old or "none", step.new or "none")
    if versions:
        head = ("package", "before", "after" if incident.change is not None else "proposed")
        yield Rows((head, *((name, old, new or old) for name, (old, new) in versions.items())))


def _messages(incident: Incident) -> Iterator[Part]:
    for one in _breaks(incident):
        if lines := wording.message_lines(one.symptom):
            yield Code(lines)


def _causes(incident: Incident) -> Iterator[Part]:
    for one in _breaks(incident):
        yield Text(f"{one.title} ({one.severity.value}, {one.certainty.value}; {one.id})")
        lines = [one.cause, *(f"seen in {line}" for line in wording.seen(one))]
        lines += [f"reached: {wording.shortened(chain)}" for chain in one.reached_from[:2]]
        lines += [f"at fault: {', '.join(one.culprits)}"] if one.culprits else []
        lines += [f"affected: {', '.join(one.affects)}"] if one.affects else []
        yield Items(tuple(line for line in lines if line))


def _changed(incident: Incident) -> Iterator[Part]:
    found = incident.difference
    if found is None:
        return
    yield Text(f"From {found.since} to {found.until}:")
    lines = [f"{one.name} {one.old or 'none'} → {one.new or 'none'}" for one in found.moved]
    lines += [f"{one.how}: {one.path}" for one in found.touched[:_MOST_FILES]]
    if len(found.touched) > _MOST_FILES:
        lines.append(f"and {len(found.touched) - _MOST_FILES:,} more files")
    yield Items(tuple(lines) or ("nothing",))


def _solution(incident: Incident) -> Iterator[Part]:
    plan = incident.chosen
    if plan is None:
        return
    yield Text(f"{plan.summary}.")
    yield Code(wording.step_lines(plan.steps))
    why = [f"It is {plan.certainty}: {_PROOF.get(plan.certainty, 'nothing more is known of it')}."]
    why += [f"It resolves {identity}." for identity in plan.resolves]
    why += [f"It goes against {one.constraint} ({one.file}:{one.line})." for one in plan.violates]
    why += [f"Security: {plan.security}."] if plan.security else []
    yield Items(tuple(why))


def _alternatives(incident: Incident) -> Iterator[Part]:
    chosen = incident.chosen
    if chosen is not None:
        others = [plan for plan in incident.report.plans if plan.id != chosen.id]
        if others:
            head = ("alternative", "what it keeps", "why it was not taken")
            findings = {one.id: one for one in incident.report.findings}
            rows = ((plan.summary, plan.note, "; ".join(_why_not(plan, chosen, findings))) for plan in others)
            yield Rows((head, *rows))
        for plan in others:
            if places := tuple(wording.place(step) for step in plan.steps if step.op == "edit-source" and step.line):
                yield Text(f"Where to {plan.summary}:")
                yield Items(places)
    without = tuple(part for part in incident.report.target.note.split("; none that ") if part)
    if incident.report.target.note.startswith("none that ") or len(without) > 1:
        yield Text(f"Looked for and not found: {incident.report.target.note}.")


def _why_not(plan: Plan, chosen: Plan, findings: Mapping[str, Finding]) -> Iterator[str]:
    """What speaks for the one that was chosen; never nothing."""
    ours, theirs = (sum(step.op in {"set", "add", "remove"} for step in one.steps) for one in (chosen, plan))
    said = [f"goes against {one.constraint} ({one.file}:{one.line})" for one in plan.violates]
    said += [plan.security] if plan.security and not chosen.security else []
    said += [f"is {plan.certainty} only"] if plan.certainty != "proven" and chosen.certainty == "proven" else []
    said += [f"leaves {one.needer.label} and {one.provider.label} broken" for one in _left(plan, findings)]
    said += [f"moves {', '.join(down)} down"] if (down := _down(plan)) and not _down(chosen) else []
    said += [f"moves {theirs} packages, not {ours}"] if theirs > ours else []
    more = plan.download_bytes - chosen.download_bytes
    said += [f"downloads {more / 1e6:,.0f} MB more"] if more >= 1e6 else []
    yield from said or [f"ranked {plan.rank}, behind {chosen.rank}"]


def _left(plan: Plan, findings: Mapping[str, Finding]) -> Iterator[Finding]:
    """What lies between two packages, and is only met less often where the project's source is edited."""
    if all(step.op == "edit-source" for step in plan.steps):
        for one in (findings[identity] for identity in plan.resolves if identity in findings):
            if {one.needer.type, one.provider.type} == {PartyType.PACKAGE}:
                yield one


def _down(plan: Plan) -> list[str]:
    """Packages that become older."""
    moved = [step for step in plan.steps if step.op == "set" and step.old and step.new]
    return [step.package for step in moved if _version(step.new) < _version(step.old)]


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def _matrix(incident: Incident) -> Iterator[Part]:
    for one in incident.matrices:
        if all(cell.fit is Fit.UNKNOWN for cell in one.cells.values()):
            continue
        yield Text(f"{one.row_package} × {one.column_package}, Python {one.python}, {one.platform}")
        head = (f"{one.row_package} \\ {one.column_package}", *one.columns)
        yield Rows((head, *(_row(one, row) for row in one.rows)))


def _row(matrix: Matrix, row: str) -> tuple[str, ...]:
    return (row, *(SIGNS[matrix.cells[row, column].fit] for column in matrix.columns))


def _verification(incident: Incident) -> Iterator[Part]:
    done = incident.change
    if done is None:
        return
    old, new = ({one.name: one for one in results} for results in (done.before, done.after))
    names = tuple(dict.fromkeys((*old, *new)))
    if names:
        head = ("probe", "before", "after", "what it showed")
        yield Rows((head, *((name, *_beside(old.get(name), new.get(name))) for name in names)))
    if incident.after is not None:
        now = wording.verdict_sentence(incident.after)
        yield Text(f"Linked before: {wording.verdict_sentence(incident.report)}. Linked now: {now}.")


def _beside(before: ProbeResult | None, after: ProbeResult | None) -> tuple[str, str, str]:
    """How a probe ended before and after, and the error where it had one: the later one counts."""
    failed = [one.detail for one in (after, before) if one is not None and one.status not in _WELL]
    shown = failed[0] if failed else after.detail if after is not None else ""
    return _said(before), _said(after), shown


def _said(result: ProbeResult | None) -> str:
    if result is None:
        return "not run"
    counts = f" {result.tests_passed}/{result.tests_passed + result.tests_failed}" if result.is_suite else ""
    return f"{result.status.value}{counts}"


def _prevention(incident: Incident) -> Iterator[str]:
    plan = incident.chosen
    if plan is not None and (pins := [f"{one.package}=={one.new}" for one in plan.steps if one.op in {"set", "add"}]):
        yield f"pin what was proven: {' '.join(pins)}"
    if incident.report.findings:
        yield "check before anything is installed: torchlink check --requirements FILE, or --with REQUIREMENT"
        yield "guard the start of the program: torchlink preflight, or torchlink.preflight() in its first lines"


def _sources(incident: Incident) -> Iterator[Part]:
    yield from _items(f"{one.rule}: {one.release}, {one.file}: {one.detail}" for one in incident.references)


# The two ways to write it


def _markdown(incident: Incident) -> str:
    lines = [f"# {plain(title(incident))}"]
    for name, parts in sections(incident):
        lines += ["", f"## {name}"]
        for part in parts:
            lines += ["", *_markdown_part(part)]
    return "\n".join(lines) + "\n"


def _markdown_part(part: Part) -> Iterator[str]:
    match part:
        case Text(text):
            yield plain(text)
        case Items(items):
            yield from (f"- {plain(item)}" for item in items)
        case Code(lines):
            fence = "`" * max(3, 1 + max((len(run) for line in lines for run in _TICKS.findall(line)), default=0))
            yield from (f"{fence}text", *map(printable, lines), fence)
        case Rows(rows):
            yield _markdown_row(rows[0])
            yield "|---" * len(rows[0]) + "|"
            yield from map(_markdown_row, rows[1:])


def _markdown_row(row: Sequence[str]) -> str:
    return f"| {' | '.join(plain(' '.join(cell.split())) for cell in row)} |"


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}th,td{border:1px solid #999;padding:.2rem .5rem;text-align:left}"
    "pre{background:#f4f4f4;padding:.5rem;overflow:auto}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}pre{background:#222}}"
)


def _html(incident: Incident) -> str:
    body = [f"<h1>{_safe(title(incident))}</h1>"]
    for name, parts in sections(incident):
        body.append(f"<h2>{_safe(name)}</h2>")
        body += map(_html_part, parts)
    head = f'<meta charset="utf-8"><title>{_safe(title(incident))}</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(body) + "\n</body></html>\n"


def _html_part(part: Part) -> str:
    match part:
        case Text(text):
            return f"<p>{_safe(text)}</p>"
        case Items(items):
            return "<ul>" + "".join(f"<li>{_safe(item)}</li>" for item in items) + "</ul>"
        case Code(lines):
            return "<pre>" + "\n".join(map(_safe, lines)) + "</pre>"
        case Rows(rows):
            head = "".join(f"<th>{_safe(cell)}</th>" for cell in rows[0])
            body = ("<tr>" + "".join(f"<td>{_safe(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:])
            return f"<table><tr>{head}</tr>{''.join(body)}</table>"


def _safe(text: str) -> str:
    return escape(printable(text))
