"""Sets that are not installed, judged by their wheels: the command line on wheels that the test makes."""

from __future__ import annotations

import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.scenarios.world import World
from tests.wheels import make_wheel, serve
from torchlink.cli.main import run
from torchlink.model.finding import Certainty, Finding
from torchlink.model.reference import Kind, Severity
from torchlink.model.report import Report
from torchlink.read.uv_program import find_uv
from torchlink.report.json import load


@pytest.fixture
def shop(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is the only place where packages come from."""
    for name in ("UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "shop"
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("UV_DEFAULT_INDEX", empty.as_uri())
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    make_wheel(folder, "shelf", "1.0", {"shelf/__init__.py": "def store():\n    pass\n"})
    make_wheel(folder, "shelf", "2.0", {"shelf/__init__.py": "def keep():\n    pass\n"})
    make_wheel(folder, "reader", "1.0", {"reader/__init__.py": "from shelf import store\n"}, requires=("shelf>=1",))
    world.source("main.py", "import reader\n")
    return folder


def placeless(finding: Finding) -> Finding:
    """A finding without the folder that a package lies in."""
    return replace(finding, needer=replace(finding.needer, path=""))


def what_if(world: World, *options: str) -> Report:
    code = run(["check", str(world.project), *options, "--format", "json"])
    out, err = world.capture.readouterr()
    assert code in (0, 1), err
    return load(out)


def test_a_frozen_set_breaks_as_the_installed_one_does(world: World, shop: Path) -> None:
    world.source("frozen.txt", "reader==1.0\nshelf==2.0\n")
    report = what_if(world, "--frozen", str(world.project / "frozen.txt"))
    world.install("shelf", "2.0", {"shelf/__init__.py": "def keep():\n    pass\n"})
    world.install("reader", "1.0", {"reader/__init__.py": "from shelf import store\n"}, ("shelf>=1",))
    installed = world.report()
    assert [placeless(one) for one in report.findings] == [placeless(one) for one in installed.findings]
    assert report.target.kind == "requirements"


def test_a_release_that_cannot_be_read_is_unknown_and_not_missing(world: World, shop: Path) -> None:
    world.source("main.py", "import shelf, ghost\nghost.anything()\n")
    world.source("frozen.txt", "shelf==1.0\nghost==1.0\n")
    report = what_if(world, "--frozen", str(world.project / "frozen.txt"))
    assert report.findings == ()
    assert report.verdict.value == "undecided"
    assert any("no index that is configured has ghost 1.0" in one.reason for one in report.undecided)


def test_a_sibling_builds_wheel_makes_findings_inferred(world: World, shop: Path) -> None:
    world.source("frozen.txt", "reader==1.0\nshelf==2.0+cu121\n")
    report = what_if(world, "--frozen", str(world.project / "frozen.txt"))
    (finding,) = [one for one in report.findings if one.severity is Severity.BREAK]
    assert finding.certainty is Certainty.INFERRED and finding.provider.build == "+cu121"


def test_what_uv_resolves_is_judged(world: World, shop: Path) -> None:
    world.source("requirements.txt", "reader\n")
    report = what_if(world, "-r", str(world.project / "requirements.txt"))
    assert [one.kind for one in report.findings] == [Kind.IMPORT]
    world.source("constraints.txt", "shelf<2\n")
    held = what_if(world, "-r", str(world.project / "requirements.txt"), "-c", str(world.project / "constraints.txt"))
    assert held.findings == ()


def test_what_a_package_does_inside_is_a_risk_where_the_package_is_asked_for(world: World, shop: Path) -> None:
    make_wheel(shop, "torch", "2.9.0", {"torch/__init__.py": "def load(f, weights_only=None):\n    pass\n"})
    loads = "import torch\ndef model(path):\n    return torch.load(path)\n"
    make_wheel(shop, "studio", "1.0", {"studio/__init__.py": loads}, requires=("torch",))
    world.source("requirements.txt", "studio\n")
    assert run(["check", "--requirements", str(world.project / "requirements.txt"), "--format", "json"]) == 0
    (found,) = load(world.capture.readouterr().out).findings
    assert (found.severity, found.id) == (Severity.RISK, "behaviour:studio:torch:torch-load-default")


def test_what_an_install_would_change(world: World, shop: Path) -> None:
    world.install("shelf", "1.0", {"shelf/__init__.py": "def store():\n    pass\n"})
    fine = what_if(world, "--python", str(world.python), "--with", "reader")
    assert fine.findings == ()
    assert fine.coverage.distributions == 2
    assert fine.target.note == "the install would change: add reader 1.0"
    broken = what_if(world, "--python", str(world.python), "--with", "reader", "--with", "shelf==2.0")
    assert [one.severity for one in broken.findings] == [Severity.BREAK]


def test_what_exists_only_as_source_is_unknown_and_the_rest_is_answered(world: World, shop: Path) -> None:
    world.install("shelf", "1.0", {"shelf/__init__.py": "def store():\n    pass\n"})
    with tarfile.open(shop / "flash-1.5.tar.gz", "w:gz") as archive:
        (shop / "setup.py").write_text("raise SystemExit('executed')\n", encoding="utf-8")
        archive.add(shop / "setup.py", "flash-1.5/setup.py")
    asked = ("--python", str(world.python), "--with", "flash>=1", "--with", "reader")
    report = what_if(world, *asked)
    assert report.findings == ()
    assert report.target.note == "the install would change: add flash 1.5, add reader 1.0"
    (unknown,) = [one for one in report.undecided if one.artifact == "flash 1.5"]
    assert "exists only as source" in unknown.reason
    alone = what_if(world, "--python", str(world.python), "--with", "flash")
    assert alone.target.note == "the install would change: add flash 1.5"
    assert run(["check", str(world.project), "--python", str(world.python), "--with", "flash>2"]) == 2
    assert "uv finds no set" in world.capture.readouterr().err


def test_files_may_ask_for_what_exists_only_as_source(
    world: World, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(shop / "flash-1.5.tar.gz", "w:gz") as archive:
        (shop / "setup.py").write_text("raise SystemExit('executed')\n", encoding="utf-8")
        archive.add(shop / "setup.py", "flash-1.5/setup.py")
    monkeypatch.setenv("UV_FIND_LINKS", "")
    monkeypatch.chdir(tmp_path)
    world.source("main.py", "import flash, ghost, reader\nflash.anything(ghost)\n")
    world.source("bounds.txt", "shelf<2\n")
    world.source("more.txt", f"--find-links {shop}\nflash>=1\nghost @ git+https://nowhere.invalid/ghost.git\n")
    world.source(
        "requirements.txt",
        "reader\n-r more.txt\n-c bounds.txt\nnone @ git+https://x.invalid/x ; python_version < '3'\n",
    )
    report = what_if(world, "--requirements", str(world.project / "requirements.txt"))
    assert report.findings == ()
    unknown = {one.artifact: one.reason for one in report.undecided if one.artifact}
    assert set(unknown) == {"flash 1.5", "ghost 0"}


def test_a_project_without_an_environment_is_judged_by_its_requirements(world: World, shop: Path) -> None:
    world.source("requirements.txt", "reader\n")
    report = what_if(world)
    assert [one.id for one in report.findings] == ["import:reader:shelf"]
    assert "no environment was found" in report.target.note


def test_a_fresh_install_may_break_what_works_now(world: World, shop: Path) -> None:
    world.install("shelf", "1.0", {"shelf/__init__.py": "def store():\n    pass\n"})
    world.install("reader", "1.0", {"reader/__init__.py": "from shelf import store\n"}, ("shelf>=1",))
    world.source("pyproject.toml", '[project]\nname = "mine"\nversion = "1"\ndependencies = ["reader"]\n')
    assert what_if(world, "--python", str(world.python)).findings == ()
    fresh = what_if(world, "--python", str(world.python), "--fresh")
    assert [one.id for one in fresh.findings] == ["import:reader:shelf"]


POETRY = """[tool.poetry]
name = "mine"
version = "1"

[tool.poetry.dependencies]
python = "^3.8"
reader = { version = "^1.0", source = "house" }
ghost = { git = "https://nowhere.invalid/ghost.git" }

[tool.poetry.group.pinned.dependencies]
shelf = "1.*"
"""


def test_a_project_of_poetrys_is_judged_by_poetrys_table(world: World, shop: Path) -> None:
    world.source("main.py", "import ghost, reader\nghost.anything()\n")
    world.source("pyproject.toml", POETRY)
    named = ("--requirements", str(world.project / "pyproject.toml"))
    for options in ((), ("--fresh",), named):
        report = what_if(world, *options)
        assert [one.id for one in report.findings] == ["import:reader:shelf"]
        assert "reader (pyproject.toml:7): the source 'house' is not asked" in report.target.note
        assert [one.artifact for one in report.undecided if one.artifact] == ["ghost 0"]
    assert what_if(world, *named, "--group", "pinned").findings == ()
    assert run(["check", str(world.project), *named, "--extra", "none"]) == 2
    assert "has no extra 'none'; it has pinned" in world.capture.readouterr().err


def test_a_build_that_only_poetrys_source_has_is_inferred(world: World, shop: Path) -> None:
    world.source(
        "pyproject.toml", '[tool.poetry.dependencies]\nreader = "*"\nshelf = { version = "2.0+cu124", source = "t" }\n'
    )
    (finding,) = what_if(world, "--fresh").findings
    assert (finding.certainty, finding.provider.build) == (Certainty.INFERRED, "+cu124")
    code = run(["fix", str(world.project), "--fresh", "--format", "json"])
    plans = load(world.capture.readouterr().out).plans
    assert code == 1 and [[(step.package, step.new) for step in plan.steps] for plan in plans] == [
        [("shelf", "1.0"), ("shelf", "1.0")]
    ]


def test_the_release_that_broke_it_is_found(world: World, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for minor in range(1, 6):
        make_wheel(shop, "shelf", f"2.{minor}", {"shelf/__init__.py": "def keep():\n    pass\n"})
        make_wheel(shop, "shelf", f"1.{minor}", {"shelf/__init__.py": "def store():\n    pass\n"})
    world.source("requirements.txt", "reader\n")
    with serve(shop) as server:
        monkeypatch.setenv("UV_DEFAULT_INDEX", server.simple)
        monkeypatch.delenv("UV_FIND_LINKS")
        for path in shop.glob("shelf-*.whl"):
            major, minor = (int(part) for part in path.name.split("-")[1].split("."))
            server.uploads[path.name] = f"202{major}-0{minor + 1}-03T10:00:00.000000Z"
        report = what_if(world, "--fresh", "--bisect")
    assert report.target.note == "it broke on 2022-01-03: shelf 1.5 → 2.0; the set of 2021-06-03 links"
    assert [one.provider.version for one in report.findings] == ["2.0"]


def test_an_index_that_fails_is_told_and_not_that_there_is_no_set(
    world: World, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    world.source("requirements.txt", "reader\n")
    with serve(shop) as server:
        server.broken = True
        monkeypatch.setenv("UV_DEFAULT_INDEX", server.simple)
        monkeypatch.delenv("UV_FIND_LINKS")
        assert run(["check", str(world.project), "--fresh"]) == 2
    err = world.capture.readouterr().err
    assert "since an index fails" in err and "HTTP 503" in err and "check the network" in err and "no set" not in err


def test_another_platform_is_judged_from_here(world: World, shop: Path) -> None:
    world.source("frozen.txt", "reader==1.0\nshelf==2.0\n")
    frozen = str(world.project / "frozen.txt")
    report = what_if(world, "--frozen", frozen, "--python-version", "3.12", "--platform", "win_amd64")
    assert (report.target.python, report.target.platform) == ("3.12.0", "win_amd64")
    assert [one.id for one in report.findings] == ["import:reader:shelf"]


def test_extras_and_groups_of_uvs_lock(world: World, shop: Path) -> None:
    manifest = """[project]
name = "mine"
version = "1"
requires-python = ">=3.10"
[project.optional-dependencies]
more = ["reader", "shelf<2"]
[dependency-groups]
other = ["shelf<2"]
"""
    world.source("pyproject.toml", manifest)
    subprocess.run([find_uv(), "lock", "-q"], cwd=world.project, check=True, timeout=120)
    lock = ("--frozen", str(world.project / "uv.lock"))
    counts = [
        what_if(world, *lock, *options).coverage.distributions
        for options in (("--group", "other"), ("--extra", "more"), ("--extra", "more", "--group", "other"))
    ]
    assert counts == [1, 2, 2]
    assert run(["check", str(world.project), *lock, "--extra", "none"]) == 2
    assert "none" in world.capture.readouterr().err
    world.source("frozen.txt", "shelf==1.0\n")
    assert run(["check", str(world.project), "--frozen", str(world.project / "frozen.txt"), "--extra", "more"]) == 2
    assert "or from its uv.lock" in world.capture.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--frozen", "none.txt"), "does not exist"),
        (("--offline",), "needs a target"),
        (("--fresh",), "neither requirements.txt nor a pyproject.toml"),
        (("--with", "nothing-of-this-name"), "uv finds no set of versions"),
        (("--with", "reader", "--as-of", "yesterday"), "yesterday: is no day; say it as 2024-06-01"),
    ],
)
def test_a_question_that_makes_no_sense_is_one_line(
    world: World, shop: Path, options: tuple[str, ...], words: str
) -> None:
    assert run(["check", *options]) == 2
    out, err = world.capture.readouterr()
    assert words in err and err.count("\n") == 1 and out == ""
