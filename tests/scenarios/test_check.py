"""The main job, driven through the command line, on environments that the test makes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.world import World
from torchlink.model.finding import Finding
from torchlink.model.reference import Kind, Severity
from torchlink.model.report import Report, Verdict


def only(report: Report, severity: Severity) -> Finding:
    (finding,) = [finding for finding in report.findings if finding.severity is severity]
    return finding


def test_a_sound_environment(world: World) -> None:
    world.install("shelf", "1.0", {"shelf/__init__.py": "def store():\n    pass\n"})
    world.source("main.py", "from shelf import store\n")
    code, out, err = world.check()
    assert (code, err) == (0, "")
    assert "Verdict sound" in out


def test_a_name_that_is_gone_is_a_break_with_its_path(world: World) -> None:
    world.install("shelf", "2.0", {"shelf/__init__.py": "def keep():\n    pass\n"})
    world.install("reader", "1.0", {"reader/__init__.py": "from shelf import store\n"}, ("shelf>=1",))
    world.source("main.py", "import os\nimport reader\n")
    finding = only(world.report(), Severity.BREAK)
    assert (finding.kind, finding.needer.name, finding.provider.name) == (Kind.IMPORT, "reader", "shelf")
    assert set(finding.culprits) <= {"reader", "shelf"}
    assert finding.reached_from[0].startswith("main.py:2")
    assert world.check()[0] == 1


def test_a_guarded_import_is_no_finding(world: World) -> None:
    text = "try:\n    import fast\nexcept ImportError:\n    fast = None\n"
    world.install("reader", "1.0", {"reader/__init__.py": text})
    world.source("main.py", "import reader\n")
    assert world.report().findings == ()


def test_a_violated_range_alone_is_a_risk(world: World) -> None:
    world.install("shelf", "2.0", {"shelf/__init__.py": "x = 1\n"})
    world.install("reader", "1.0", {"reader/__init__.py": "from shelf import x\n"}, ("shelf<2",))
    world.source("main.py", "import reader\n")
    assert only(world.report(), Severity.RISK).id == "requires:reader:shelf"
    assert world.check()[0] == 0
    assert world.check("--fail-on", "risk")[0] == 1


def test_a_violated_range_joins_what_fails_because_of_it(world: World) -> None:
    world.install("shelf", "2.0", {"shelf/__init__.py": "x = 1\n"})
    world.install("reader", "1.0", {"reader/__init__.py": "from shelf import gone\n"}, ("shelf<2",))
    world.source("main.py", "import reader\n")
    (finding,) = world.report().findings
    assert (finding.kind, finding.severity) == (Kind.IMPORT, Severity.BREAK)
    assert "shelf<2" in finding.evidence[-1].detail


def test_who_only_passes_the_failure_on_is_affected(world: World) -> None:
    world.install("shelf", "2.0", {"shelf/__init__.py": "x = 1\n"})
    world.install("reader", "1.0", {"reader/__init__.py": "from shelf import gone\n"}, ("shelf",))
    world.install("library", "1.0", {"library/__init__.py": "import reader\n"}, ("reader",))
    world.source("main.py", "import library\n")
    (finding,) = world.report().findings
    assert finding.needer.name == "reader"
    assert finding.affects == ("library",)
    assert "library" not in finding.culprits


def test_a_finding_is_silenced_with_a_reason(world: World) -> None:
    world.install("shelf", "2.0", {"shelf/__init__.py": "x = 1\n"})
    world.install("reader", "1.0", {"reader/__init__.py": ""}, ("shelf<2",))
    world.source("main.py", "import reader\n")
    world.source("pyproject.toml", '[[tool.torchlink.silence]]\ncode = "requires"\nreason = "patched"\n')
    report = world.report()
    assert (report.findings, report.silenced, report.verdict) == ((), 1, Verdict.SOUND)
    assert "1 finding silenced" in world.check()[1]


def test_nothing_is_executed_and_nothing_is_written(world: World) -> None:
    marker = world.project.parent / "executed"
    trap = f"open({str(marker)!r}, 'w').close()\n"
    world.install("reader", "1.0", {"reader/__init__.py": trap})
    (world.site / "trap.pth").write_text(f"import reader; {trap}", encoding="utf-8")
    (world.site / "sitecustomize.py").write_text(trap, encoding="utf-8")
    world.source("main.py", f"import reader\n{trap}")
    before = list(everything(world.environment)), list(everything(world.project))
    world.report()
    world.check(project=False)
    assert not marker.exists()
    assert (list(everything(world.environment)), list(everything(world.project))) == before


def everything(folder: Path) -> Iterator[tuple[str, int]]:
    for path in sorted(folder.rglob("*")):
        yield str(path), path.lstat().st_mtime_ns


def test_the_second_answer_is_the_same_and_a_patched_file_is_seen(world: World) -> None:
    world.install("shelf", "2.0", {"shelf/__init__.py": "x = 1\n"})
    world.install("reader", "1.0", {"reader/__init__.py": "from shelf import gone\n"}, ("shelf",))
    world.source("main.py", "import reader\n")
    first = world.report()
    assert world.report().findings == first.findings
    assert world.report("--no-cache").findings == first.findings
    (world.site / "reader" / "__init__.py").write_text("from shelf import x\n", encoding="utf-8")
    assert world.report().findings == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--python", "/nowhere/python"], "/nowhere/python"), (["--python", os.devnull], os.devnull)],
)
def test_an_interpreter_that_is_none_is_one_line(world: World, arguments: list[str], said: str) -> None:
    code, out, err = world.check(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_project_that_is_not_there_is_one_line(world: World) -> None:
    world.project.rmdir()
    code, out, err = world.check()
    assert (code, out) == (2, "")
    assert str(world.project) in err
    assert err.count("\n") == 1


def test_hostile_files_are_read_or_counted_as_unknown(world: World) -> None:
    world.install("shelf", "1.0", {"shelf/__init__.py": "x = 1\n", "shelf/deep.py": "(" * 5000})
    info = world.site / "shelf-1.0.dist-info"
    (info / "METADATA").write_bytes("Metadata-Version: 2.1\nName: shelf\nVersion: 1.0\nAuthor: Zoë\n".encode("latin-1"))
    with (info / "RECORD").open("a", encoding="utf-8") as record:
        record.write("../../../../../../etc/passwd,,\n\x00,,\n")
    world.source("main.py", "import shelf\nimport shelf.deep\n")
    (world.project / "null.py").write_bytes(b"import shelf\x00\n")
    (world.project / "newer.py").write_text("def f[T](x: T) -> T: match = 1 +\n", encoding="utf-8")
    (world.project / "loop").symlink_to(world.project, target_is_directory=True)
    code, _, err = world.check()
    assert code in (0, 1), err
    assert err == ""


def test_without_a_project_all_that_is_installed_is_looked_at(world: World) -> None:
    world.install("reader", "1.0", {"reader/__init__.py": "import missing_thing\n"})
    report = world.report(project=False)
    assert [finding.needer.name for finding in report.findings] == ["reader"]
    assert report.coverage.distributions == 1


def test_this_very_interpreter_can_be_named_by_its_folder(world: World) -> None:
    world.install("shelf", "1.0", {"shelf/__init__.py": "x = 1\n"})
    assert world.report("--python", str(world.environment)).target.python.startswith(
        f"{sys.version_info.major}.{sys.version_info.minor}"
    )
