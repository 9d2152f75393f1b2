"""Pins of one project against each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchlink.link.pins import link_pins
from torchlink.link.ranges import admits, exclude
from torchlink.model.reference import Broken, Severity
from torchlink.read.pins.survey import read_pins


def broken(root: Path, files: dict[str, str]) -> list[Broken]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return list(link_pins(read_pins(root)).broken)


@pytest.mark.parametrize(
    ("one", "other", "excluded"),
    [
        ("==2.3.1", "==2.3.0", True),
        ("==2.3.1", "==2.3.1+rocm5.7", False),
        ("==2.3.1+cu121", "==2.3.1+rocm5.7", True),
        (">=2.3", "<2.3", True),
        (">=2.3", "<=2.3", False),
        (">2.3,<2.4", "==2.3.*", False),
        (">2.3.0,<2.3.1", "==2.3.0", True),
        ("<2", ">=2.0.dev0", True),
        ("<2", ">=1.26", False),
        ("~=2.2.0", ">=2.3", True),
        ("!=2.3.1", "==2.3.1", True),
        ("nonsense", "==1", False),
    ],
)
def test_ranges_exclude_each_other(one: str, other: str, excluded: bool) -> None:
    assert exclude(one, other) is excluded
    assert exclude(other, one) is excluded


def test_a_range_admits_a_build_of_its_version() -> None:
    assert admits("==2.3.1", "2.3.1+rocm5.7")
    assert not admits("<2", "2.0")


def test_a_forgotten_file(tmp_path: Path) -> None:
    (one,) = broken(
        tmp_path,
        {
            "pyproject.toml": '[project.optional-dependencies]\nrocm = ["torch==2.3.1+rocm5.7"]\n',
            "setup.sh": "pip install torch==2.2.0+rocm5.7 --index-url https://download.pytorch.org/whl/rocm5.7\n",
            "models.py": 'REQUIRED = ["torch>=2.3.0", "numpy"]\n',
        },
    )
    assert one.severity is Severity.RISK
    assert (one.needer.name, one.provider.name) == ("setup.sh", "torch")
    assert one.cause == (
        "setup.sh:1 wants torch==2.2.0+rocm5.7, and pyproject.toml:2 wants torch==2.3.1+rocm5.7: no version is both"
    )


@pytest.mark.parametrize(
    "files",
    [
        {"requirements-cpu.txt": "torch==2.3.1\n", "requirements-cuda.txt": "torch==2.2.0\n"},
        {"pyproject.toml": '[project.optional-dependencies]\na = ["torch==2.3.1"]\nb = ["torch==2.2.0"]\n'},
        {"requirements.txt": 'numpy<2; python_version < "3.12"\nnumpy>=2; python_version >= "3.12"\n'},
        {"a.sh": 'if [ "$GPU" = amd ]; then pip install torch==2.2.0; else pip install torch==2.3.1; fi\n'},
        {"a.sh": "pip install torch==2.2.0\npip install torch==2.3.1\n"},
        {"requirements.txt": "torch>=2.0\nnumpy\n", "a.sh": "pip install torch==2.3.1 'numpy<2'\n"},
        {"uv.lock": '[[package]]\nname = "torch"\nversion = "2.3.1"\n', "pyproject.toml": "[project]\nname = 'x'\n"},
        {"a.sh": "pip install torch==2.3.1+cu121 --index-url https://download.pytorch.org/whl/cu121\n"},
    ],
    ids=["machines", "extras", "markers", "branches", "sequence", "ranges", "lock", "served"],
)
def test_what_cannot_hold_together_is_not_compared(tmp_path: Path, files: dict[str, str]) -> None:
    assert broken(tmp_path, files) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"model/requirements.txt": "torch>=2.0\n"}, {"docker/Dockerfile": "RUN pip install torch==1.13.1\n"}),
        ({"requirements.txt": "torch==2.10.0\n"}, {"Dockerfile": "ARG TORCH_VERSION=2.0.1\nRUN pip install torch\n"}),
        ({"requirements.txt": "torch==2.3.1\n"}, {"examples/a/requirements.txt": "torch==2.2.0\n"}),
    ],
    ids=["side by side", "a default", "another manifest"],
)
def test_what_lies_apart_is_a_note(tmp_path: Path, one: dict[str, str], other: dict[str, str]) -> None:
    assert [each.severity for each in broken(tmp_path, {**one, **other})] == [Severity.NOTE]


def test_a_test_of_what_is_there_is_not_compared(tmp_path: Path) -> None:
    files = {"requirements.txt": "torch==2.10.0\n", "a.py": 'OLD = RequirementCache("torch<2.6.0")\n'}
    assert broken(tmp_path, files) == []


@pytest.mark.parametrize("file", ["README.md", ".github/workflows/ci.yml"])
def test_documents_and_ci_are_notes(tmp_path: Path, file: str) -> None:
    text = (
        "`torch==2.2.0`\n"
        if file.endswith(".md")
        else "jobs:\n  a:\n    steps:\n      - run: pip install torch==2.2.0\n"
    )
    (one,) = broken(tmp_path, {"requirements.txt": "torch==2.3.1\n", file: text})
    assert (one.severity, one.needer.name) == (Severity.NOTE, file)


def test_a_lock_that_its_manifest_no_longer_admits(tmp_path: Path) -> None:
    (one,) = broken(
        tmp_path,
        {
            "pyproject.toml": '[project]\ndependencies = ["torch>=2.3"]\n',
            "uv.lock": '[[package]]\nname = "torch"\nversion = "2.2.0"\n',
        },
    )
    assert one.cause == "uv.lock holds torch 2.2.0, which pyproject.toml:2 no longer admits: it wants torch>=2.3"


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("torch==2.3.1+cu12.1", "no build is named +cu12.1"),
        ("torch==2.3.1+rocm5.7.1", "no build is named +rocm5.7.1"),
        ("torch==2.3.1+rocm5.7 --index-url https://download.pytorch.org/whl/rocm6.0", "serves +rocm6.0"),
        ("torch==2.3.1+rocm5.7", "PyPI takes no local versions"),
        ("torch==2.3.1+cpu torchvision==0.18.1+cu121 -f https://example.org", "a cu121 build of torchvision"),
    ],
)
def test_tags(tmp_path: Path, line: str, cause: str) -> None:
    causes = [one.cause for one in broken(tmp_path, {"a.sh": f"pip install {line}\n"})]
    assert any(cause in one for one in causes), causes


@pytest.mark.parametrize("tag", ["rocm5.4.2", "rocm6.2.4", "rocm6.1.3", "rocm5.7"])
def test_tags_of_rocm_with_a_third_number_that_there_are(tmp_path: Path, tag: str) -> None:
    line = f"torch==2.3.1+{tag} --index-url https://download.pytorch.org/whl/{tag}"
    assert broken(tmp_path, {"a.sh": f"pip install {line}\n"}) == []


def test_a_bound_that_the_shell_takes_away(tmp_path: Path) -> None:
    (one,) = broken(tmp_path, {"a.sh": "pip install torch>=2.0\n"})
    assert "redirection" in one.cause
