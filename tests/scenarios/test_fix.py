"""Fixes by the loop, on wheels that the test makes: what uv answers is refuted until it links."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tests.compiled import compile_library, needs_gcc
from tests.scenarios.test_what_if import shop
from tests.scenarios.world import World
from tests.wheels import make_wheel, serve
from torchlink.cli.main import run
from torchlink.model.plan import Plan
from torchlink.model.report import Report
from torchlink.report.json import load

__all__ = ["shop"]


def fixed(world: World, *options: str, project: bool = True) -> Report:
    code = run(["fix", *([str(world.project)] if project else []), *options, "--format", "json"])
    out, err = world.capture.readouterr()
    assert code in (0, 1), err
    return load(out)


def moves(plan: Plan) -> dict[str, str]:
    return {step.package: step.new for step in plan.steps if step.op in {"set", "add"}}


def ask_for(world: World, *lines: str) -> str:
    world.source("requirements.txt", "".join(f"{line}\n" for line in lines))
    return str(world.project / "requirements.txt")


def test_an_undeclared_bound_is_found_and_proven(world: World, shop: Path) -> None:
    report = fixed(world, "-r", ask_for(world, "reader"))
    (plan,) = report.plans
    assert moves(plan) == {"shelf": "1.0"}
    assert (plan.certainty, plan.violates, plan.unknown) == ("proven", (), 0)
    assert plan.resolves == ("import:reader:shelf",)
    assert report.findings[0].plans == ("p1",)


def test_alternatives_keep_one_side_each(world: World, shop: Path) -> None:
    make_wheel(shop, "reader", "2.0", {"reader/__init__.py": "from shelf import keep\n"}, requires=("shelf>=1",))
    report = fixed(world, "-r", ask_for(world, "reader==1.0", "shelf"))
    kept = {plan.note: moves(plan) for plan in report.plans}
    assert kept["keeps all that you ask for"] == {"shelf": "1.0"}
    assert kept["keeps shelf 2.0"] == {"reader": "2.0"}
    first, second = report.plans
    assert first.violates == () and second.violates[0].constraint == "reader==1.0"
    assert second.violates[0].line == 1 and second.violates[0].file.endswith("requirements.txt")
    assert any(step.op == "edit-pin" and step.new == "2.0" for step in second.steps)


def test_of_what_is_installed_no_wheel_is_read(world: World, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What uv is taught of the reader stands beside its wheel on the index."""
    world.install("shelf", "2.0", {"shelf/__init__.py": "def keep():\n    pass\n"})
    world.install("reader", "1.0", {"reader/__init__.py": "from shelf import store\n"}, ("shelf>=1",))
    with serve(shop) as index:
        index.metadata = "right"
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.simple)
        monkeypatch.delenv("UV_FIND_LINKS")
        report = fixed(world, "--python", str(world.python))
        assert {"shelf": "1.0"} in [moves(plan) for plan in report.plans]
        read = {path.rpartition("/")[2] for path, _, _ in index.requests if path.endswith(".whl")}
    assert read == {"shelf-1.0-py3-none-any.whl"}


def test_what_an_extra_and_a_group_ask_for_is_kept(world: World, shop: Path) -> None:
    world.source(
        "pyproject.toml",
        """[project]
name = "mine"
version = "1"
dependencies = ["reader"]
[project.optional-dependencies]
more = ["shelf==2.0"]
[dependency-groups]
dev = ["reader==1.0"]
""",
    )
    file = str(world.project / "pyproject.toml")
    report = fixed(world, "-r", file, "--extra", "more", "--group", "dev")
    assert [(moves(plan), plan.violates[0].constraint) for plan in report.plans] == [({"shelf": "1.0"}, "shelf==2.0")]


def test_plans_against_poetrys_table(world: World, shop: Path) -> None:
    text = (
        '[tool.poetry.dependencies]\npython = ">=3.8"\nreader = "^1.0"\nshelf = { version = "~2.0", python = ">=3" }\n'
    )
    world.source("pyproject.toml", text)
    report = fixed(world, "-r", str(world.project / "pyproject.toml"))
    (plan,) = report.plans
    assert (moves(plan), plan.certainty) == ({"shelf": "1.0"}, "proven")
    assert [(one.constraint, one.line) for one in plan.violates] == [("shelf ~2.0", 4)]


def test_what_exists_only_as_source_stands_beside_a_fix(world: World, shop: Path) -> None:
    with tarfile.open(shop / "flash-1.5.tar.gz", "w:gz") as archive:
        (shop / "setup.py").write_text("raise SystemExit('executed')\n", encoding="utf-8")
        archive.add(shop / "setup.py", "flash-1.5/setup.py")
    report = fixed(world, "-r", ask_for(world, "reader", "flash==1.5"))
    (plan,) = report.plans
    assert (moves(plan), plan.certainty, plan.violates) == ({"shelf": "1.0"}, "proven", ())


def test_options_of_a_requirements_file_hold_for_every_turn(
    world: World, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where wheels lie, and what bounds them, stands in the file alone."""
    monkeypatch.setenv("UV_FIND_LINKS", "")
    make_wheel(shop, "shelf", "1.1", {"shelf/__init__.py": "def store():\n    pass\n"})
    world.source("bounds.txt", "shelf!=1.1\n")
    report = fixed(world, "-r", ask_for(world, f"--find-links {shop}", "-c bounds.txt", "reader"))
    assert [moves(plan) for plan in report.plans] == [{"shelf": "1.0"}]


@pytest.mark.parametrize(
    "manifest",
    [
        '[project]\nname = "mine"\nversion = "1"\ndependencies = ["reader==1.0", "shelf"]\n',
        '[tool.poetry]\nname = "mine"\nversion = "1"\n[tool.poetry.dependencies]\nreader = "1.0"\nshelf = "*"\n',
    ],
)
def test_what_the_project_itself_requires_is_not_lost(world: World, shop: Path, manifest: str) -> None:
    """``-e .`` installs the project, and its own pins hold."""
    make_wheel(shop, "reader", "2.0", {"reader/__init__.py": "from shelf import keep\n"}, requires=("shelf>=1",))
    world.source("pyproject.toml", manifest)
    report = fixed(world, "-r", ask_for(world, "-e ."))
    against = {tuple(sorted(moves(plan).items())): len(plan.violates) for plan in report.plans}
    assert against == {(("shelf", "1.0"),): 0, (("reader", "2.0"),): 1}


def test_one_turn_is_not_enough_where_the_answer_breaks_elsewhere(world: World, shop: Path) -> None:
    make_wheel(
        shop, "shelf", "1.0", {"shelf/__init__.py": "import tools\ndef store():\n    pass\n"}, requires=("tools",)
    )
    for minor in range(8):
        body = "import relic\n" if minor >= 3 else ""
        make_wheel(shop, "tools", f"1.{minor}", {"tools/__init__.py": body})
    report = fixed(world, "-r", ask_for(world, "reader"))
    (plan,) = report.plans
    assert moves(plan) == {"shelf": "1.0", "tools": "1.2"}
    assert plan.certainty == "proven"


def test_pins_that_uv_refuses_are_judged_and_mended(world: World, shop: Path) -> None:
    make_wheel(shop, "reader", "2.0", {"reader/__init__.py": "from shelf import keep\n"}, requires=("shelf==2.0",))
    report = fixed(world, "-r", ask_for(world, "reader==2.0", "shelf==1.0"))
    assert "uv finds no set of versions" in report.target.note
    assert "import:reader:shelf" in {one.id for one in report.findings}
    assert [moves(plan) for plan in report.plans] == [{"shelf": "2.0"}, {"reader": "1.0"}] or [
        moves(plan) for plan in report.plans
    ] == [{"reader": "1.0"}, {"shelf": "2.0"}]
    assert all(plan.violates for plan in report.plans)


def test_where_nothing_helps_it_is_said_why(world: World, shop: Path) -> None:
    (shop / "shelf-1.0-py3-none-any.whl").unlink()
    report = fixed(world, "-r", ask_for(world, "reader"))
    assert report.plans == ()
    assert "none that keeps all that you ask for" in report.target.note


def test_an_installed_environment_moves_as_little_as_it_can(world: World, shop: Path) -> None:
    world.install("shelf", "2.0", {"shelf/__init__.py": "def keep():\n    pass\n"})
    world.install("reader", "1.0", {"reader/__init__.py": "from shelf import store\n"}, ("shelf>=1",))
    make_wheel(shop, "reader", "1.1", {"reader/__init__.py": "from shelf import keep\n"}, requires=("shelf>=1",))
    report = fixed(world, "--python", str(world.python))
    assert {tuple(moves(plan).items()) for plan in report.plans} == {(("shelf", "1.0"),), (("reader", "1.1"),)}
    assert (world.site / "shelf-2.0.dist-info").is_dir()


def test_a_sound_set_needs_no_plan(world: World, shop: Path) -> None:
    world.source("main.py", "import shelf\n")
    assert run(["fix", str(world.project), "-r", ask_for(world, "shelf")]) == 0
    out, _ = world.capture.readouterr()
    assert "Verdict sound" in out and "PLAN" not in out


def test_plans_are_shown_with_what_they_break(world: World, shop: Path) -> None:
    make_wheel(shop, "reader", "2.0", {"reader/__init__.py": "from shelf import keep\n"}, requires=("shelf>=1",))
    requirements = ask_for(world, "reader==1.0", "shelf>=2")
    assert run(["fix", str(world.project), "-r", requirements]) == 1
    out, _ = world.capture.readouterr()
    assert all(
        words in out for words in ("PLAN      shelf 2.0 → 1.0", "against reader==1.0", "proven, keeps reader 1.0")
    )


@needs_gcc
def test_an_answer_that_brings_a_risk_is_suggested_and_says_so(world: World, shop: Path) -> None:
    source = "extern int nowhere(void); int f(void) { return nowhere(); }"
    library = compile_library(shop / "build" / "x.so", source).read_bytes()
    files: dict[str, str | bytes] = {"shelf/__init__.py": "def store():\n    pass\n", "shelf/x.abi3.so": library}
    make_wheel(shop, "shelf", "1.0", files)
    (plan,) = fixed(world, "-r", ask_for(world, "reader")).plans
    assert moves(plan) == {"shelf": "1.0"}
    assert plan.certainty == "suggested" and "new risk: " in plan.note


def test_what_is_tied_to_a_release_moves_with_it(world: World, shop: Path) -> None:
    make_wheel(shop, "reader", "2.0", {"reader/__init__.py": "from shelf import keep\n"}, requires=("shelf>=1",))
    for version in ("1.0", "2.0"):
        make_wheel(shop, "lamp", version, {"lamp/__init__.py": ""}, requires=(f"reader=={version}",))
    report = fixed(world, "-r", ask_for(world, "reader==1.0", "lamp==1.0", "shelf"))
    kept = {plan.note: plan for plan in report.plans}
    assert moves(kept["keeps shelf 2.0"]) == {"reader": "2.0", "lamp": "2.0"}
    assert {(one.constraint, one.line) for one in kept["keeps shelf 2.0"].violates} == {
        ("reader==1.0", 1),
        ("lamp==1.0", 2),
    }


def test_one_finding_is_mended_and_the_other_left(world: World, shop: Path) -> None:
    make_wheel(shop, "lamp", "1.0", {"lamp/__init__.py": "from bulb import glow\n"}, requires=("bulb",))
    make_wheel(shop, "bulb", "1.0", {"bulb/__init__.py": ""})
    world.source("other.py", "import lamp\n")
    lines = ask_for(world, "reader", "lamp")
    assert fixed(world, "-r", lines).plans == ()
    (plan,) = fixed(world, "import:reader:shelf", "-r", lines).plans
    assert moves(plan) == {"shelf": "1.0"} and plan.resolves == ("import:reader:shelf",)
    assert run(["fix", str(world.project), "import:no:such", "-r", lines]) == 2
    assert "there is no finding 'import:no:such' here" in world.capture.readouterr().err
