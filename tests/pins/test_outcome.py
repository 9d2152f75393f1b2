"""The report on a sequence of install commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from tests.pins.test_lock import means
from tests.pins.test_play import Paper
from torchlink.link.cause import group
from torchlink.model.question import Question
from torchlink.model.reference import Broken, Kind, Links, Party, PartyType, Severity
from torchlink.model.report import Coverage, Report, Target, Verdict
from torchlink.pins import outcome
from torchlink.pins.outcome import play_report
from torchlink.pins.safe import Judge, Mend
from torchlink.report import play as page
from torchlink.report.json import dump, load
from torchlink.solve.uv import Wish

CU121 = "https://download.pytorch.org/whl/cu121"
SCRIPT = 'pip install "numpy<2" torch==2.3.1\npip install pandas\n'


@dataclass(slots=True)
class Judged:
    """Finds every set sound."""

    sets: list[dict[str, str]]

    def __call__(self, versions: Mapping[str, str], asked: frozenset[str] = frozenset()) -> Report:
        self.sets.append(dict(versions))
        return Report(
            torchlink="0",
            verdict=Verdict.SOUND,
            elapsed_s=0,
            target=Target(kind="requirements", path=""),
            findings=(),
            coverage=Coverage(distributions=len(versions)),
        )


def nothing_better(wish: Wish) -> str:
    return "nothing is better"


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
    assert len(judged.sets) == 3  # what the steps leave, the set, and what they leave with it
    assert load(dump(found)) == found
    shown = page.render(found, width=100, colour=False)
    assert "3. pip install nothing" in shown
    assert "Safe: one constraints file for every step (proven): 3 packages held." in shown


def test_without_linking_a_set_is_only_suggested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = SCRIPT.replace("pandas", "pandas==2.0.3") + "pip install nothing\n"
    assert report(tmp_path, monkeypatch, script, None).plans[0].certainty == "suggested"


def broken_with(versions: Mapping[str, str], **wrong: str) -> Report:
    """A report on a set that is broken where a package has a certain version."""
    parties = [Party(type=PartyType.PACKAGE, name=name, version=version) for name, version in wrong.items()]
    at_fault = [party for party in parties if versions.get(party.name) == party.version]
    references = tuple(
        Broken(kind=Kind.GATE, severity=Severity.BREAK, needer=party, provider=party, target=party.name, cause="")
        for party in at_fault
    )
    return replace(Judged([])(dict(versions)), findings=group([Links(broken=references)]))


def test_a_set_that_does_not_link_is_exchanged_for_one_that_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"numpy": "1.26.4", "torch": "2.3.1"}
    asked: list[str] = []

    def judge(versions: Mapping[str, str], asked: frozenset[str]) -> Report:
        return broken_with(versions, torch="2.9.0")

    def mend(wish: Wish) -> Mapping[str, str]:
        asked.extend(wish.lines)
        return found

    script = 'pip install "numpy<2"\npip install torch\npip install nothing\n'
    (plan,) = report(tmp_path, monkeypatch, script, judge, mend).plans
    assert (plan.certainty, {step.package: step.new for step in plan.steps}) == ("proven", found)
    assert asked == ["numpy<2", "torch"]
    assert "step 3 (setup.sh:3) fails with it too" in plan.note
    assert plan.resolves == ("gate:torch:torch",)  # and not the step that fails all the same
    (plan,) = report(tmp_path, monkeypatch, script, judge).plans
    assert plan.certainty == "suggested"
    assert plan.note.splitlines()[1:] == [
        "still there: torch 2.9.0 refuses torch 2.9.0",
        "step 3 (setup.sh:3) fails with it too",
        "no set that links was found: nothing is better",
    ]


def test_what_an_address_holds_is_left_out_where_no_release_goes_with_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "pip install torch==2.3.1\npip install 'unsloth @ git+https://github.com/unslothai/unsloth.git'\n"

    def judge(versions: Mapping[str, str], asked: frozenset[str]) -> Report:
        return broken_with(versions, unsloth="1.0")

    found = report(tmp_path, monkeypatch, script, judge)
    (plan,) = found.plans
    assert (plan.certainty, {step.package: step.new for step in plan.steps}) == (
        "inferred",
        {"numpy": "2.2.6", "torch": "2.3.1"},
    )
    assert plan.note.splitlines() == snapshot(
        [
            "--constraints FILE writes it: give each command -c FILE",
            "the steps were played through with it, and what they leave links as a whole",
            "unknown: step 2 (setup.sh:2): only a run would show what git+https://github.com/unslothai/unsloth.git is",
            "no release of unsloth goes with it: nothing is better",
        ]
    )
    assert load(dump(found)) == found


def test_what_an_index_that_was_not_seen_brings_along_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has its own versions of them; and an address may hold any version."""
    script = """pip install torch==2.3.1+cu121 --index-url https://download.pytorch.org/whl/cu121
pip install git+https://github.com/unslothai/unsloth.git
pip install nothing
"""
    monkeypatch.setattr(outcome, "UvCommands", lambda uv: Paper(unreachable=frozenset({CU121})))
    (tmp_path / "setup.sh").write_text(script, encoding="utf-8")
    found = play_report(tmp_path / "setup.sh", None, means(), Question(), Judged([]), nothing_better, "0")
    (plan,) = found.plans
    assert plan.certainty == "inferred"
    assert {step.package: step.new for step in plan.steps} == {"torch": "2.3.1"}
    assert [one[:80] for one in plan.note.splitlines()] == snapshot(
        [
            "--constraints FILE writes it: give each command -c FILE",
            "the steps were played through with it, and what they leave links as a whole",
            "inferred: step 1 (setup.sh:1): https://download.pytorch.org/whl/cu121 is not rea",
            "inferred: step 2 (setup.sh:2): unsloth is taken for its newest release: git+http",
            "step 2: ask for unsloth==1.0, and not for its address",
            "step 3 (setup.sh:3) fails with it too",
        ]
    )
