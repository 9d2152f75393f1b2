"""Install commands played through, with an index on paper."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from torchlink.model.errors import TorchlinkError
from torchlink.model.names import normalise
from torchlink.model.pins import Indexes, PinFile
from torchlink.pins.faults import link_play
from torchlink.pins.play import Outcome, Play, play, read_one, together
from torchlink.read.pins.survey import read_pins
from torchlink.solve.uv import UnsatisfiableError, Wish

RELEASES: dict[str, dict[str, tuple[str, ...]]] = {
    "numpy": {"1.26.4": (), "2.2.6": ()},
    "torch": {"2.3.1": ("numpy",), "2.9.0": ("numpy",)},
    "torchvision": {"0.18.1": ("torch==2.3.1",), "0.24.0": ("torch==2.9.0",)},
    "bitsandbytes": {"0.43.0": ("torch",), "0.50.0": ("torch>=2.4",)},
    "pandas": {"2.0.3": ("numpy<2",), "3.0.0": ("numpy>=2",)},
    "trl": {"1.0": ("pandas",)},
    "unsloth": {"1.0": ("torch",)},
}


@dataclass(slots=True)
class Paper:
    """Takes the newest release that fits, an installed one before it, without ever going back."""

    unreachable: frozenset[str] = frozenset()
    asked: list[Wish] = field(default_factory=list)

    def reaches(self, url: str) -> bool:
        return url not in self.unreachable

    def resolve(self, wish: Wish, indexes: Indexes) -> dict[str, str]:
        self.asked.append(wish)
        ranges: dict[str, SpecifierSet] = {}
        for line in (*wish.held, *(text for path in wish.constraints for text in path.read_text().splitlines())):
            requirement = Requirement(line)
            ranges[normalise(requirement.name)] = requirement.specifier
        found: dict[str, str] = {}
        asked = (*wish.lines, *(text for path in wish.files for text in path.read_text().splitlines()))
        pending = [Requirement(line) for line in asked]
        for requirement in pending:
            ranges[normalise(requirement.name)] = (
                ranges.get(normalise(requirement.name), SpecifierSet()) & requirement.specifier
            )
        while pending:
            requirement = pending.pop(0)
            name = normalise(requirement.name)
            ranges[name] = ranges.get(name, SpecifierSet()) & requirement.specifier
            fitting = [one for one in RELEASES.get(name, {}) if ranges[name].contains(one)]
            if not fitting:
                raise UnsatisfiableError(f"no {name}{ranges[name]}")
            kept = wish.preferred.get(name, "")
            version = kept if kept in fitting else max(fitting, key=Version)
            if found.get(name) != version:
                found[name] = version
                pending += [Requirement(line) for line in RELEASES[name][version]]
        return found


def played(root: Path, script: str, paper: Paper | None = None, *, held: tuple[str, ...] = ()) -> tuple[PinFile, Play]:
    (root / "setup.sh").write_text(script, encoding="utf-8")
    file = read_one(read_pins(root / "setup.sh").files, "setup.sh")
    return file, play(file, root, paper or Paper(), held=held)


TRAINER = """pip install "numpy<2"
pip install torch==2.3.1 torchvision==0.18.1 --index-url https://download.pytorch.org/whl/cu121
pip install bitsandbytes
pip install triton-windows || true
pip install git+https://github.com/unslothai/unsloth.git
pip install trl
"""


def test_the_steps_that_take_bounds_away_are_named(tmp_path: Path) -> None:
    paper = Paper(unreachable=frozenset({"https://download.pytorch.org/whl/cu121"}))
    file, found = played(tmp_path, TRAINER, paper)
    assert [one.outcome for one in found.steps] == [
        Outcome.INSTALLED,
        Outcome.INFERRED,
        Outcome.INSTALLED,
        Outcome.FAILED,
        Outcome.INFERRED,
        Outcome.INSTALLED,
    ]
    assert [(one.played.number, one.bound.number, one.move.name, one.move.new) for one in found.losses] == [
        (3, 2, "torch", "2.9.0"),
        (6, 1, "numpy", "2.2.6"),
    ]
    assert found.versions["torchvision"] == "0.18.1"  # pip leaves what it does not reach
    links = link_play(file, found)
    assert links.broken[0].cause == (
        "step 3 (setup.sh:3) moves torch 2.3.1 → 2.9.0; step 2 (setup.sh:2) had asked for torch==2.3.1, "
        "which no later step remembers"
    )
    assert "the next one runs all the same" in links.broken[2].cause
    assert [one.artifact for one in links.undecided] == ["setup.sh:2", "setup.sh:5"]


def test_one_set_for_all_steps(tmp_path: Path) -> None:
    file, found = played(tmp_path, TRAINER)
    with pytest.raises(UnsatisfiableError):
        together(file, found, Paper(), tmp_path)  # the paper never goes back: bitsandbytes 0.50.0 excludes torch 2.3.1
    file, found = played(
        tmp_path, TRAINER.replace("bitsandbytes", "bitsandbytes==0.43.0").replace("trl", "pandas==2.0.3")
    )
    versions = together(file, found, Paper(), tmp_path)
    assert (versions["torch"], versions["numpy"]) == ("2.3.1", "1.26.4")
    (tmp_path / "base.txt").write_text("pandas==2.0.3\n", encoding="utf-8")
    file, found = played(tmp_path, "pip install torch==2.3.1\npip install -r base.txt\n")
    assert together(file, found, Paper(), tmp_path).keys() == {"torch", "numpy", "pandas"}
    _, again = played(tmp_path, TRAINER.replace("bitsandbytes", "bitsandbytes==0.43.0"), held=("numpy==1.26.4",))
    assert [one.outcome for one in again.steps][-1] is Outcome.FAILED  # pandas 3 needs NumPy 2: it says so


def test_what_is_installed_stays_where_it_is_admitted(tmp_path: Path) -> None:
    _, found = played(tmp_path, "pip install torch==2.3.1\npip install torch torchvision==0.18.1\npip install numpy\n")
    assert [[(move.name, move.old) for move in one.moves] for one in found.steps[1:]] == [[("torchvision", "")], []]


def test_upgrading(tmp_path: Path) -> None:
    _, found = played(tmp_path, 'pip install "numpy<2" torch==2.3.1\npip install -U torch\n')
    assert [(move.name, move.new) for move in found.steps[1].moves] == [("torch", "2.9.0")]
    eager = "pip install -U --upgrade-strategy eager torch\n"
    _, found = played(tmp_path, f'pip install "numpy<2" torch==2.3.1\n{eager}')
    assert {move.name for move in found.steps[1].moves} == {"torch", "numpy"}


def test_without_dependencies(tmp_path: Path) -> None:
    _, found = played(tmp_path, "pip install torchvision==0.18.1 --no-deps\n")
    assert dict(found.versions) == {"torchvision": "0.18.1"}


def test_constraints_and_removal(tmp_path: Path) -> None:
    (tmp_path / "limits.txt").write_text("numpy<2\n", encoding="utf-8")
    _, found = played(tmp_path, "pip install torch==2.3.1 -c limits.txt\npip uninstall -y torch\n")
    assert dict(found.versions) == {"numpy": "1.26.4"}


def test_a_constraint_of_one_step_is_lost_in_the_next(tmp_path: Path) -> None:
    (tmp_path / "limits.txt").write_text("numpy<2\ntorch<3 ; sys_platform == 'win32'\n", encoding="utf-8")
    script = "pip install -c limits.txt torch==2.3.1\npip uninstall -y numpy\npip install pandas==3.0.0\n"
    (tmp_path / "setup.sh").write_text(script, encoding="utf-8")
    survey = read_pins(tmp_path / "setup.sh")
    file = read_one(survey.files, "setup.sh")
    found = play(file, tmp_path, Paper(), beside=survey.files)
    (loss,) = found.losses
    assert (loss.move.name, loss.move.old, loss.move.new, loss.bound.number) == ("numpy", "", "2.2.6", 1)
    assert link_play(file, found).broken[0].cause == (
        "step 3 (setup.sh:3) installs numpy 2.2.6; step 1 (limits.txt:1) had asked for numpy<2, which no later step "
        "remembers"
    )


def test_what_is_only_fetched_or_not_looked_at_is_not_installed(tmp_path: Path) -> None:
    script = "pip download torch\npip install ./wheels/tool-1.0-py3-none-any.whl\npip install -e .\n"
    _, found = played(tmp_path, script)
    assert [(one.outcome, one.note) for one in found.steps] == [
        (Outcome.SKIPPED, "it installs nothing"),
        (Outcome.UNKNOWN, "./wheels/tool-1.0-py3-none-any.whl was not looked at"),
        (Outcome.UNKNOWN, "pyproject.toml is not there"),
    ]
    assert found.versions == {}


def test_a_project_without_pyproject_toml_is_read_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text(
        "from setuptools import setup\nsetup(install_requires=['pandas==2.0.3', version()], "
        "extras_require={'gpu': ['torch==2.3.1'], 'all': ['bitsandbytes']})\n",
        encoding="utf-8",
    )
    _, found = played(tmp_path, "pip install -e .[gpu]\n")
    (step,) = found.steps
    assert (step.outcome, step.note) == (
        Outcome.INFERRED,
        "setup.py is read, and not run; version() is only known when it runs",
    )
    assert found.versions == {"numpy": "1.26.4", "pandas": "2.0.3", "torch": "2.3.1"}


def test_a_build_stays_that_build(tmp_path: Path) -> None:
    paper = Paper(unreachable=frozenset({"https://example.org/whl/cu121"}))
    script = "pip install torch==2.3.1+cu121 -i https://example.org/whl/cu121\npip install torchvision==0.18.1\n"
    _, found = played(tmp_path, script, paper)
    assert found.versions["torch"] == "2.3.1+cu121"
    assert not found.losses
    assert paper.asked[0].lines == ("torch==2.3.1",)
    assert paper.asked[1].preferred["torch"] == "2.3.1"


def test_branches_and_what_is_not_played(tmp_path: Path) -> None:
    script = 'if [ "$GPU" = amd ]; then pip install torch==2.3.1; else pip install torch==2.9.0; fi\n'
    _, found = played(tmp_path, f"{script}conda install numpy\npip install $PACKAGES\nuv add pandas\n")
    outcomes = [one.outcome for one in found.steps]
    assert outcomes == [Outcome.INSTALLED, Outcome.SKIPPED, Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert found.versions["torch"] == "2.3.1"


def test_the_torch_of_an_image_is_there_first(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM pytorch/pytorch:2.3.1-cuda12.1-cudnn8-runtime\nRUN pip install bitsandbytes\n", encoding="utf-8"
    )
    file = read_one(read_pins(tmp_path).files, "")
    found = play(file, tmp_path, Paper())
    assert [(move.name, move.old, move.new) for move in found.steps[0].moves if move.old] == [
        ("torch", "2.3.1", "2.9.0")
    ]


def test_a_file_that_installs_nothing(tmp_path: Path) -> None:
    with pytest.raises(TorchlinkError, match="no install command"):
        read_one((), "x")


@pytest.mark.lab
def test_uv_chooses_as_pip_does(tmp_path: Path) -> None:
    """The same steps by real pip: a bound of the first is forgotten by the second."""
    from torchlink.model.question import Question
    from torchlink.pins.resolver import UvCommands, means_for_plain
    from torchlink.pins.store import open_store

    steps = [["numpy<2"], ["opencv-python-headless==4.12.0.88"], ["-U", "packaging"], ["pandas<3"]]
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    pip = [str(tmp_path / "venv" / "bin" / "python"), "-m", "pip"]
    for step in steps:
        subprocess.run([*pip, "install", "--quiet", *step], check=True)
    frozen = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout
    real = dict(line.split("==") for line in frozen.splitlines() if "==" in line)
    script = "".join(f"pip install {' '.join(repr(word) for word in step)}\n" for step in steps)
    (tmp_path / "setup.sh").write_text(script, encoding="utf-8")
    file = read_one(read_pins(tmp_path / "setup.sh").files, "")
    with open_store(False, "0") as store:
        means = means_for_plain(Question(), None, os.environ, store, lambda *_: None)
        found = play(file, tmp_path, UvCommands(means.uv))
    assert dict(found.versions) == {normalise(name): version for name, version in real.items()}
    assert [(one.move.name, one.played.number) for one in found.losses] == [("numpy", 2)]
