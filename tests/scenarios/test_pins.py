"""The project of a ROCm platform, with one file that was forgotten."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from torchlink.cli.main import run
from torchlink.model.report import Report
from torchlink.report.json import load

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "rocm-platform"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    return Path(shutil.copytree(EXAMPLE, tmp_path / "project"))


def report(project: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, Report]:
    code = run(["pins", str(project), "--offline", "--format", "json"])
    return code, load(capsys.readouterr().out)


def test_the_forgotten_files_are_found_with_their_lines(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = report(project, capsys)
    assert code == 1
    assert [(one.id, one.severity.value, one.evidence[0].artifact) for one in found.findings] == [
        ("pin:server-setup.sh:torch", "risk", "server-setup.sh:7"),
        ("pin:server-setup.sh:torchvision", "risk", "server-setup.sh:7"),
        ("pin:docs/installation.md:torchvision", "note", "docs/installation.md:4"),
    ]
    places = {
        (pin["name"], pin["wanted"], artifact.path, pin["place"]["line"])
        for artifact in found.artifacts
        for pin in artifact.content["pins"]  # type: ignore[attr-defined]
        if pin["name"] in ("torch", "numpy")
    }
    assert places == {
        ("numpy", ">=1.24,<2.0", "pyproject.toml", 6),
        ("numpy", ">=1.24,<2.0", "server-setup.sh", 6),
        ("torch", "==2.3.1+rocm5.7", "docs/installation.md", 4),
        ("torch", "==2.3.1+rocm5.7", "pyproject.toml", 13),
        ("torch", "==2.2.0+rocm5.7", "server-setup.sh", 7),
        ("torch", ">=2.3.0", "setup_ai_models.py", 7),
    }


def test_one_call_mends_everything(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    versions = ["torch==2.3.1+rocm5.7", "torchvision==0.18.1+rocm5.7"]
    before = {path: path.read_bytes() for path in sorted(project.rglob("*")) if path.is_file()}
    assert run(["pins", "set", *versions, "--project", str(project), "--documents", "--dry-run"]) == 0
    assert {path: path.read_bytes() for path in before} == before
    assert run(["pins", "set", *versions, "--project", str(project), "--documents"]) == 0
    shown = capsys.readouterr().out
    assert shown[: len(shown) // 2] == snapshot(
        """\
--- a/docs/installation.md
+++ b/docs/installation.md
@@ -1,5 +1,5 @@
 # Installation
 \n\
 ```bash
-pip install torch==2.3.1+rocm5.7 torchvision==0.17.0 --index-url https://download.pytorch.org/whl/rocm5.7
+pip install torch==2.3.1+rocm5.7 torchvision==0.18.1+rocm5.7 --index-url https://download.pytorch.org/whl/rocm5.7
 ```
--- a/server-setup.sh
+++ b/server-setup.sh
@@ -4,4 +4,4 @@
 ROCM_INDEX="https://download.pytorch.org/whl/rocm5.7"
 \n\
 pip install "numpy>=1.24,<2.0"
-pip install torch==2.2.0+rocm5.7 torchvision==0.17.0+rocm5.7 --index-url "$ROCM_INDEX"
+pip install torch==2.3.1+rocm5.7 torchvision==0.18.1+rocm5.7 --index-url "$ROCM_INDEX"
"""
    )
    code, found = report(project, capsys)
    assert (code, found.findings) == (0, ())
    assert run(["pins", "set", *versions, "--project", str(project), "--documents"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "every pin admits it already" in err
    assert sorted(path for path in project.rglob("*") if path.is_file()) == sorted(before)


def test_what_cannot_be_changed_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "Dockerfile").write_text("FROM pytorch/pytorch:2.2.0-cuda12.1-cudnn8-runtime\n", encoding="utf-8")
    assert run(["pins", "set", "torch==2.3.1", "--project", str(project)]) == 1
    assert "left: Dockerfile:1: torch" in capsys.readouterr().err


def test_a_lock_that_holds_another_version_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = '[[package]]\nname = "torch"\nversion = "2.2.0"\n'
    (project / "poetry.lock").write_text(lock, encoding="utf-8")
    assert run(["pins", "set", "torch==2.3.1+rocm5.7", "--project", str(project)]) == 1
    assert "left: poetry.lock:3: torch 2.2.0: a lock: its own tool makes it anew" in capsys.readouterr().err
    assert (project / "poetry.lock").read_text(encoding="utf-8") == lock


@pytest.mark.parametrize("line", ["torch", "torch>=2", "torch==2.*", "torch==2; python_version>'3'", "???"])
def test_a_wish_that_names_no_version(project: Path, capsys: pytest.CaptureFixture[str], line: str) -> None:
    assert run(["pins", "set", line, "--project", str(project)]) == 2
    assert "write NAME==VERSION" in capsys.readouterr().err


def test_check_tells_the_pins_too(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    assert run(["check", str(project), "--python", sys.executable, "--format", "json"]) in (0, 1)
    found = load(capsys.readouterr().out)
    assert "pin:server-setup.sh:torch" in [one.id for one in found.findings]


def test_a_manifest_that_is_no_toml_is_read_as_far_as_it_goes(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = project / "pyproject.toml"
    manifest.write_text(manifest.read_text() + "[tool.torchlink\n")
    code, found = report(project, capsys)
    assert code == 1
    assert "pin:server-setup.sh:torch" in {one.id for one in found.findings}
    pins = next(one.content["pins"] for one in found.artifacts if one.path == "pyproject.toml")
    assert [pin["name"] for pin in pins] == ["numpy", "transformers", "torch", "torchvision"]  # type: ignore[attr-defined]
    assert any(one.artifact.startswith("pyproject.toml") and "TOML" in one.reason for one in found.undecided)
