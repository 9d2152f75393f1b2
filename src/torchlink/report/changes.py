"""Changes of an environment, and what was really run in it, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from torchlink.model.difference import Difference
from torchlink.model.probe import ProbeResult, ProbeStatus
from torchlink.model.transaction import State, Transaction
from torchlink.report import wording
from torchlink.report.page import Page

_STYLES = {
    ProbeStatus.PASSED: "sound",
    ProbeStatus.SKIPPED: "quiet",
    ProbeStatus.FAILED: "break",
    ProbeStatus.CRASHED: "break",
    ProbeStatus.TIMED_OUT: "break",
}
_MOST_FILES = 20


def render_changes(transactions: Sequence[Transaction], *, width: int, colour: bool) -> str:
    """Transactions, the latest first."""
    page = Page(width=width, colour=colour)
    if not transactions:
        page.line("Nothing was changed here by torchlink.")
    for place, one in enumerate(reversed(transactions)):
        if place:
            page.blank()
        _transaction(page, one)
    return page.text()


def render_probes(results: Sequence[ProbeResult], *, width: int, colour: bool) -> str:
    """What probes showed."""
    page = Page(width=width, colour=colour)
    for one in results:
        page.heading(_word(one.status), f"{one.name}{_counts(one)}", _STYLES[one.status])
        page.block("shows" if one.status is ProbeStatus.PASSED else "why", [one.detail] if one.detail else [])
    page.blank()
    failed = sum(_STYLES[one.status] == "break" for one in results)
    skipped = sum(one.status is ProbeStatus.SKIPPED for one in results)
    took = sum(one.elapsed_s for one in results)
    passed = len(results) - failed - skipped
    page.line(f"{wording.counted(passed, 'probe')} passed, {failed} failed, {skipped} skipped, in {took:.1f} s.")
    return page.text()


def render_difference(found: Difference, *, width: int, colour: bool) -> str:
    """What differs between two moments."""
    page = Page(width=width, colour=colour)
    page.block("from", [found.since])
    page.block("to", [found.until])
    if not found.moved and not found.touched:
        page.blank()
        page.line("Nothing has changed.", "sound")
    for one in found.moved:
        page.line(f"{one.name} {one.old or 'not there'} → {one.new or 'removed'}")
    for file in found.touched[:_MOST_FILES]:
        page.line(f"{file.how} {file.path}" + (f" of {file.owner}, whose version stayed" if file.owner else ""))
    if len(found.touched) > _MOST_FILES:
        page.line(f"and {len(found.touched) - _MOST_FILES:,} more files; --format json lists them")
    return page.text()


def _transaction(page: Page, one: Transaction) -> None:
    well = one.state is State.COMMITTED
    page.heading(f"#{one.id}", f"{one.plan.summary}: {one.state.value}", "sound" if well else "risk")
    page.block("when", [one.began])
    page.block("project", [one.project] if one.project else [])
    page.block("why", [one.reason] if one.reason else [])
    page.block("mends", list(one.plan.resolves) if well else [])
    page.block("probes", list(_beside(one.before, one.after)))
    if well and not one.kept:
        page.block("note", ["the files that it replaced are not kept any more"])


def _beside(before: Sequence[ProbeResult], after: Sequence[ProbeResult]) -> list[str]:
    """Each probe before and after: those that changed in full, the others counted."""
    old = {one.name: one for one in before}
    new = {one.name: one for one in after}
    lines: list[str] = []
    same = 0
    for name in dict.fromkeys((*old, *new)):
        first, second = old.get(name), new.get(name)
        if first and second and first.status is second.status and not second.is_suite:
            same += 1
            continue
        lines.append(f"{name}: {_said(first)} → {_said(second)}")
    if same:
        lines.append(f"{wording.counted(same, 'probe')} as before")
    return lines


def _said(result: ProbeResult | None) -> str:
    if result is None:
        return "not run"
    return f"{result.status.value}{_counts(result)}"


def _counts(result: ProbeResult) -> str:
    return f" {result.tests_passed}/{result.tests_passed + result.tests_failed}" if result.is_suite else ""


def _word(status: ProbeStatus) -> str:
    return {ProbeStatus.PASSED: "PASS", ProbeStatus.SKIPPED: "SKIP", ProbeStatus.TIMED_OUT: "TIMEOUT"}.get(
        status, "CRASH" if status is ProbeStatus.CRASHED else "FAIL"
    )
