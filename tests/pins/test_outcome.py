"""The report on a sequence of install commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.pins.test_lock import means
from tests.pins.test_play import Paper
from torchlink.link.cause import group
from torchlink.model.question import Question
from torchlink.model.reference import Broken, Kind, Links, Party, PartyType, Severity
from torchlink.model.report import Coverage, Report, Target, Verdict
from torchlink.pins import outcome
from torchlink.pins.outcome import Judge, Mend, play_report
from torchlink.report import play as page
from torchlink.report.json import dump, load

SCRIPT = 'pip install "numpy<2" torch==2.3.1\npip install pandas\n'


@dataclass(slots=True)
class Judged:
    """Finds every set sound."""

    sets: list[dict[str, str]]

    def __call__(self, versions: object) -> Report:
        assert isinstance(versions, dict)
        self.sets.append(dict(versions))
        return Report(
            torchlink="0",
            verdict=Verdict.SOUND,
            elapsed_s=0,
            target=Target(kind="requirements", path=""),
            findings=(),
            coverage=Coverage(distributions=len(versions)),
        )


def nothing_better(lines: Sequence[str]) -> Mapping[str, str]:
    return {}


def report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, judge: Judge | None, mend: Mend = nothing_better
) -> Report:
    monkeypatch.setattr(outcome, "UvCommands", lambda uv: Paper())
    (tmp_path / "setup.sh").write_text(script, encoding="utf-8")
    return play_report(tmp_path / "setup.sh", None, means(), Question(), judge, mend, "0")


def test_a_lost_bound_and_no_safe_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = Judged([])
    found = report(tmp_path, monkeypatch, SCRIPT.replace("pandas", "pandas==3.0.0"), judged)
    assert [one.id for one in found.findings] == ["pin:setup.sh:numpy"]
    assert found.plans == ()
    assert "no one set of versions serves all of them" in found.target.note
    assert judged.sets == [{"numpy": "2.2.6", "pandas": "3.0.0", "torch": "2.3.1"}]


def test_a_safe_set_is_linked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = Judged([])
    script = SCRIPT.replace("pandas", "pandas==2.0.3") + "pip install nothing\n"
    found = report(tmp_path, monkeypatch, script, judged)
    (plan,) = found.plans
    assert plan.certainty == "proven"
    assert {step.package: step.new for step in plan.steps} == {"numpy": "1.26.4", "pandas": "2.0.3", "torch": "2.3.1"}
    assert len(judged.sets) == 2
    assert load(dump(found)) == found
    shown = page.render(found, width=100, colour=False)
    assert "3. pip install nothing" in shown
    assert "Safe: one constraints file for every step (proven): 3 packages held." in shown


def test_without_linking_a_set_is_only_suggested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = SCRIPT.replace("pandas", "pandas==2.0.3") + "pip install nothing\n"
    assert report(tmp_path, monkeypatch, script, None).plans[0].certainty == "suggested"


def test_a_set_that_does_not_link_is_exchanged_for_one_that_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = Judged([])
    numpy = Party(type=PartyType.PACKAGE, name="numpy")
    reference = Broken(
        kind=Kind.NUMPY_ABI, severity=Severity.BREAK, needer=numpy, provider=numpy, target="core", cause="too old"
    )
    (broken,) = group([Links(broken=(reference,))])
    found = {"numpy": "1.26.4", "pandas": "2.0.3", "torch": "2.3.1"}
    asked: list[str] = []

    def judge(versions: Mapping[str, str]) -> Report:
        """The first set for all steps is broken; what the steps leave, and what ``mend`` finds, is not."""
        return replace(judged(versions), findings=(broken,) if len(judged.sets) == 2 else ())

    def mend(lines: Sequence[str]) -> Mapping[str, str]:
        asked.extend(lines)
        return found

    script = SCRIPT.replace("pandas", "pandas==2.0.3") + "pip install nothing\n"
    (plan,) = report(tmp_path, monkeypatch, script, judge, mend).plans
    assert (plan.certainty, {step.package: step.new for step in plan.steps}) == ("proven", found)
    assert "pandas==2.0.3" in asked
    judged.sets.clear()
    (plan,) = report(tmp_path, monkeypatch, script, judge).plans
    assert plan.certainty == "suggested"
    assert broken.title in plan.note
