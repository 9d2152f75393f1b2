"""Open ranges, with the answer of a resolution on paper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torchlink.model.errors import TorchlinkError
from torchlink.model.finding import Certainty, Finding
from torchlink.model.reference import Evidence, Kind, Party, PartyType, Severity
from torchlink.model.report import Coverage, Report, Target, Verdict
from torchlink.pins.fresh import with_fresh
from torchlink.read.pins.survey import read_pins


def report(*findings: Finding) -> Report:
    return Report(
        torchlink="0",
        verdict=Verdict.SOUND,
        elapsed_s=0,
        target=Target(kind="project", path=""),
        findings=findings,
        coverage=Coverage(),
    )


NUMPY_ABI = Finding(
    id="numpy-abi:torch:numpy",
    kind=Kind.NUMPY_ABI,
    severity=Severity.BREAK,
    certainty=Certainty.LINKED,
    needer=Party(type=PartyType.PACKAGE, name="torch", version="2.1.2"),
    provider=Party(type=PartyType.PACKAGE, name="numpy", version="2.4.6"),
    culprits=("numpy", "torch"),
    affects=(),
    title="torch 2.1.2 was built for NumPy 1; numpy 2.4.6 is installed",
    cause="",
    symptom="RuntimeError: Numpy is not available",
    evidence=(Evidence(artifact="torch/lib/libtorch_python.so", detail="knows only NumPy 1"),),
    reached_from=(),
    count=1,
)


def fresh(root: Path, text: str, answer: Report | None) -> Report:
    (root / "requirements.txt").write_text(text, encoding="utf-8")

    def judge(manifest: Path) -> Report:
        assert manifest == root.resolve() / "requirements.txt"
        if answer is None:
            raise TorchlinkError("uv finds no set of versions")
        return answer

    return with_fresh(report(), read_pins(root), judge)


def test_an_open_range_that_takes_a_breaking_release(tmp_path: Path) -> None:
    (one,) = fresh(tmp_path, "torch==2.1.2\nnumpy>=1.24\n", report(NUMPY_ABI)).findings
    assert (one.id, one.severity) == ("pin:requirements.txt:numpy", Severity.RISK)
    assert one.cause == (
        "requirements.txt:2 leaves numpy open (numpy>=1.24): today it takes numpy 2.4.6, and "
        "torch 2.1.2 was built for NumPy 1; numpy 2.4.6 is installed"
    )
    assert one.symptom == "RuntimeError: Numpy is not available"


def test_one_that_nobody_speaks_of(tmp_path: Path) -> None:
    (one,) = fresh(tmp_path, "torch==2.1.2\n", report(NUMPY_ABI)).findings
    assert one.cause.startswith("requirements.txt says nothing of numpy: today it takes numpy 2.4.6")


def test_where_all_is_exact_no_range_is_at_fault(tmp_path: Path) -> None:
    assert fresh(tmp_path, "torch==2.1.2\nnumpy==2.4.6\n", report(NUMPY_ABI)).findings == ()


def test_what_is_missing_is_no_open_range(tmp_path: Path) -> None:
    missing = replace(NUMPY_ABI, provider=Party(type=PartyType.PACKAGE, name="setuptools"))
    assert fresh(tmp_path, "torch==2.1.2\n", report(missing)).findings == ()


def test_what_cannot_be_resolved_is_unknown(tmp_path: Path) -> None:
    found = fresh(tmp_path, "torch==2.1.2\n", None)
    assert found.findings == ()
    assert found.undecided[0].reason == "it cannot be resolved today: uv finds no set of versions"
