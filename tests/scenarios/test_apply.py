"""A fix that is carried out: kept where it links and runs, undone where it does not, and whole after any crash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.apply.test_moves import content
from tests.scenarios.test_what_if import shop
from tests.scenarios.world import World
from tests.wheels import make_wheel
from torchlink.apply.pending import interrupted
from torchlink.cli.main import run

__all__ = ["shop"]


@pytest.fixture
def broken(world: World, shop: Path) -> World:
    """``reader`` needs what ``shelf`` 2.0 no longer has; ``requirements.txt`` pins the shelf, with a comment."""
    world.install("shelf", "2.0", {"shelf/__init__.py": "def keep():\n    pass\n"})
    world.install("reader", "1.0", {"reader/__init__.py": "from shelf import store\n"}, ("shelf>=1",))
    return world


def torchlink(world: World, *arguments: str) -> tuple[int, str, str]:
    code = run([*arguments, "--python", str(world.python)])
    out, err = world.capture.readouterr()
    return code, out, err


def tree(world: World) -> dict[str, tuple[int, bytes, int]]:
    """All that matters of the environment and the project."""
    found = {**content(world.environment), **content(world.project)}
    return {path: entry for path, entry in found.items() if not path.startswith(".torchlink")}


def imports(world: World, name: str) -> bool:
    return subprocess.run([str(world.python), "-B", "-c", f"import {name}"], capture_output=True).returncode == 0


def test_it_fails_it_is_mended_and_it_is_undone(broken: World) -> None:
    assert not imports(broken, "reader")
    before = tree(broken)
    code, out, err = torchlink(broken, "fix", str(broken.project), "--apply")
    assert (code, err) == (0, "") and "shelf 2.0 → 1.0: committed" in out
    assert imports(broken, "reader") and (broken.site / "shelf-1.0.dist-info" / "RECORD").is_file()
    assert torchlink(broken, "check", str(broken.project))[0] == 0
    code, out, _ = torchlink(broken, "diff", "1:before")
    assert code == 1 and "shelf 2.0 → 1.0" in out and "reader" not in out
    code, out, err = torchlink(broken, "rollback")
    assert (code, err) == (0, "") and "rolled back" in out
    assert tree(broken) == before
    assert torchlink(broken, "diff", "1:before")[0] == 0


def test_a_program_can_follow_the_steps(broken: World) -> None:
    code, out, err = torchlink(broken, "fix", str(broken.project), "--apply", "--format", "json-lines")
    *steps, last = map(json.loads, out.splitlines())
    assert (code, err) == (0, "") and last["changes"][0]["state"] == "committed"
    wanted = [
        "fetching 1 packages with uv",
        "probing",
        "taking a snapshot",
        "changing the environment",
        "linking what was changed",
        "probing",
    ]
    assert [one["step"] for one in steps if one["step"] in wanted] == wanted


def test_pins_are_edited_with_the_environment(broken: World) -> None:
    broken.source("requirements.txt", "reader==1.0\nshelf==2.0  # never change a running system\n")
    before = tree(broken)
    code, _, err = torchlink(broken, "fix", str(broken.project), "--apply")
    assert code == 2 and "goes against shelf==2.0" in err and "--choose 1" in err
    assert tree(broken) == before
    assert torchlink(broken, "fix", str(broken.project), "--apply", "--choose", "1")[0] == 0
    text = (broken.project / "requirements.txt").read_text()
    assert text == "reader==1.0\nshelf==1.0  # never change a running system\n"
    assert torchlink(broken, "rollback")[0] == 0
    assert (broken.project / "requirements.txt").read_text().startswith("reader==1.0\nshelf==2.0 ")


def test_poetrys_table_is_edited_in_its_own_notation(broken: World) -> None:
    text = '[tool.poetry.dependencies]\npython = "^3.8"\nreader = "^1.0"\nshelf = {{ version = "^{}" }}  # stays\n'
    broken.source("pyproject.toml", text.format("2.0"))
    assert torchlink(broken, "fix", str(broken.project), "--apply", "--choose", "1")[0] == 0
    assert (broken.project / "pyproject.toml").read_text() == text.format("1.0")
    assert torchlink(broken, "rollback")[0] == 0
    assert (broken.project / "pyproject.toml").read_text() == text.format("2.0")


def test_a_lock_that_would_undo_it_is_told(broken: World) -> None:
    broken.source("pdm.lock", "version = 1\n")
    code, _, err = torchlink(broken, "fix", str(broken.project), "--apply")
    assert code == 2 and "pdm.lock stays as it is" in err and not imports(broken, "reader")
    assert torchlink(broken, "fix", str(broken.project), "--apply", "--choose", "1")[0] == 0
    assert imports(broken, "reader")


def test_without_poetry_its_lock_is_not_left_behind(broken: World, monkeypatch: pytest.MonkeyPatch) -> None:
    broken.source("poetry.lock", "version = 1\n")
    monkeypatch.setenv("PATH", str(broken.project))
    before = tree(broken)
    code, _, err = torchlink(broken, "fix", str(broken.project), "--apply", "--choose", "1")
    (line,) = err.splitlines()
    assert code == 2 and "poetry.lock would not hold the change, and poetry is not here" in line and "pipx" in line
    assert tree(broken) == before


def test_poetry_makes_no_lock_offline(broken: World) -> None:
    broken.source("poetry.lock", "version = 1\n")
    before = tree(broken)
    code, _, err = torchlink(broken, "fix", str(broken.project), "--apply", "--offline", "--choose", "1")
    (line,) = err.splitlines()
    assert code == 2 and "without a network" in line and "leave out --offline" in line
    assert tree(broken) == before


@pytest.fixture
def locked_by_uv(broken: World) -> World:
    """uv owns the set: ``pyproject.toml`` says what is wanted, and ``uv.lock`` holds shelf 2.0."""
    wanted = 'dependencies = ["reader", "shelf==2.0"]'
    broken.source("pyproject.toml", f'[project]\nname = "own"\nversion = "1"\nrequires-python = ">=3.10"\n{wanted}\n')
    lock = ["uv", "lock", "-q", "--python", str(broken.python), "--project", str(broken.project)]
    subprocess.run(lock, check=True)
    assert held(broken) == "2.0"
    return broken


def held(world: World) -> str:
    """The version of the shelf that the lock holds."""
    text = (world.project / "uv.lock").read_text()
    return text.partition('name = "shelf"\nversion = "')[2].partition('"')[0]


def test_uvs_lock_is_made_anew_with_its_manifest_and_put_back(locked_by_uv: World) -> None:
    files = [locked_by_uv.project / name for name in ("pyproject.toml", "uv.lock")]
    before = [file.read_bytes() for file in files]
    code, out, err = torchlink(locked_by_uv, "fix", str(locked_by_uv.project), "--apply", "--choose", "1")
    assert (code, err) == (0, "") and "committed" in out
    assert held(locked_by_uv) == "1.0" and "shelf==1.0" in (locked_by_uv.project / "pyproject.toml").read_text()
    check = ["uv", "lock", "-q", "--check", "--python", str(locked_by_uv.python)]
    assert subprocess.run(check, cwd=locked_by_uv.project).returncode == 0
    assert torchlink(locked_by_uv, "rollback")[0] == 0
    assert [file.read_bytes() for file in files] == before


def test_a_lock_that_would_not_hold_what_the_plan_adds_is_refused(locked_by_uv: World, shop: Path) -> None:
    """Nothing requires ``lamp``, so uv leaves it out, and its next sync would take it away."""
    make_wheel(shop, "lamp", "1.0", {"lamp.py": ""})
    plans = locked_by_uv.project.parent / "plans.json"
    torchlink(locked_by_uv, "fix", str(locked_by_uv.project), "--format", "json", "--output", str(plans))
    told = json.loads(plans.read_text())
    told["plans"][0]["steps"].append({"op": "add", "package": "lamp", "from": "", "to": "1.0"})
    plans.write_text(json.dumps(told))
    before = tree(locked_by_uv)
    words = ("fix", str(locked_by_uv.project), "--apply", "--plans", str(plans), "--choose", "1")
    code, _, err = torchlink(locked_by_uv, *words)
    assert code == 2 and "would hold lamp not at all, and the plan has 1.0" in err
    assert tree(locked_by_uv) == before


def test_a_lock_that_cannot_hold_the_plan_changes_nothing(locked_by_uv: World) -> None:
    manifest = locked_by_uv.project / "pyproject.toml"
    manifest.write_text(manifest.read_text() + '[tool.uv]\nconstraint-dependencies = ["shelf>=2"]\n')
    before = tree(locked_by_uv)
    code, _, err = torchlink(locked_by_uv, "fix", str(locked_by_uv.project), "--apply", "--choose", "1")
    assert code == 2 and err
    assert tree(locked_by_uv) == before


def test_a_probe_that_fails_afterwards_undoes_it(broken: World, shop: Path) -> None:
    check = "import shelf; assert hasattr(shelf, 'keep'), 'shelf cannot keep'"
    broken.source("pyproject.toml", f'[tool.torchlink]\nverify = ["{broken.python}", "-c", "{check}"]\n')
    before = tree(broken)
    code, out, err = torchlink(broken, "fix", str(broken.project), "--apply")
    assert (
        (code, err) == (1, "")
        and "rolled back" in out
        and "the probe verify failed" in out
        and "shelf cannot keep" in out
    )
    assert tree(broken) == before


def test_counts_of_a_test_suite_stand_side_by_side(broken: World) -> None:
    broken.source("pyproject.toml", f"[tool.torchlink]\nverify = '{broken.python} -m unittest'\n")
    tests = "    def test_a(self): import reader\n    def test_b(self): pass\n"
    broken.source("test_it.py", f"import unittest\nclass T(unittest.TestCase):\n{tests}")
    code, out, _ = torchlink(broken, "fix", str(broken.project), "--apply")
    assert code == 0 and "verify: failed 1/2 → passed 2/2" in out
    code, out, _ = torchlink(broken, "history", "--format", "json")
    (change,) = json.loads(out)["changes"]
    assert (change["before"][-1]["tests_failed"], change["after"][-1]["tests_failed"]) == (1, 0)


def test_the_incident_is_told_before_and_after(broken: World, tmp_path: Path) -> None:
    code, out, _ = torchlink(broken, "report", str(broken.project))
    assert code == 0 and "Nothing was changed yet" in out and "## Verification" not in out
    assert torchlink(broken, "fix", str(broken.project), "--apply")[0] == 0
    files = [tmp_path / f"incident.{suffix}" for suffix in ("md", "html", "json")]
    for file in files:
        assert torchlink(broken, "report", str(broken.project), "--since", "1:before", "-o", str(file))[0] == 0
    markdown, html, document = (file.read_text() for file in files)
    for words in ("## Root cause", "ImportError: cannot import name 'store'", "| import reader | failed | passed |"):
        assert words in markdown
    assert "shelf 2.0 → 1.0: committed" in markdown and "Linked now: sound" in markdown
    assert "<td>import reader</td><td>failed</td><td>passed</td>" in html
    told = json.loads(document)
    assert told["change"]["state"] == "committed" and told["difference"]["moved"][0]["package"] == "shelf"
    assert torchlink(broken, "report", str(broken.project), "-o", "incident.pdf")[0] == 2


def test_what_cannot_be_fetched_changes_nothing(broken: World, shop: Path, tmp_path: Path) -> None:
    plans = tmp_path / "plans.json"
    assert torchlink(broken, "fix", str(broken.project), "--format", "json", "--output", str(plans))[0] == 1
    (shop / "shelf-1.0-py3-none-any.whl").write_bytes(b"damaged on its way")
    before = tree(broken)
    code, _, err = torchlink(broken, "fix", str(broken.project), "--apply", "--plans", str(plans))
    assert code == 2 and "uv could not install shelf==1.0" in err
    assert tree(broken) == before
    assert "failed" in torchlink(broken, "history")[1]


def test_without_a_network_one_line_says_so(broken: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = tmp_path / "plans.json"
    torchlink(broken, "fix", str(broken.project), "--format", "json", "--output", str(plans))
    monkeypatch.delenv("UV_FIND_LINKS")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://user:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    before = tree(broken)
    code, _, err = torchlink(broken, "fix", str(broken.project), "--apply", "--plans", str(plans))
    (line,) = err.splitlines()
    assert code == 2 and "not here (shelf==1.0), and no index answers: http://127.0.0.1:9/simple" in line
    assert "--index-url" in line and "nothing was changed" in line and "secret" not in line
    code, _, err = torchlink(broken, "fix", str(broken.project), "--apply")
    (line,) = err.splitlines()
    assert code == 2 and "no fix was looked for, since no index answers: http://127.0.0.1:9/simple" in line
    assert tree(broken) == before


def test_a_plan_for_another_state_is_refused(broken: World, tmp_path: Path) -> None:
    plans = tmp_path / "plans.json"
    torchlink(broken, "fix", str(broken.project), "--format", "json", "--output", str(plans))
    assert torchlink(broken, "fix", str(broken.project), "--apply")[0] == 0
    code, _, err = torchlink(broken, "fix", str(broken.project), "--apply", "--plans", str(plans))
    assert code == 2 and "made for shelf 2.0, and here is 1.0" in err


def test_what_came_later_is_not_lost(broken: World) -> None:
    assert torchlink(broken, "fix", str(broken.project), "--apply")[0] == 0
    info = broken.site / "shelf-1.0.dist-info"
    (info / "METADATA").write_text((info / "METADATA").read_text().replace("1.0", "1.5"))
    info.rename(broken.site / "shelf-1.5.dist-info")
    code, _, err = torchlink(broken, "rollback")
    assert code == 2 and "shelf is 1.5 now" in err


def test_a_process_that_uses_the_environment_is_named(broken: World) -> None:
    script = "import time; print(1, flush=True); time.sleep(60)"
    with subprocess.Popen([str(broken.python), "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()
        code, _, err = torchlink(broken, "fix", str(broken.project), "--apply")
        assert code == 2 and f"process {process.pid}" in err and "time.sleep" in err
        assert torchlink(broken, "fix", str(broken.project), "--apply", "--in-use")[0] == 0
        process.kill()


def by_conda(world: World, name: str, *files: str) -> None:
    """A record as conda keeps it."""
    folder = world.environment / "conda-meta"
    folder.mkdir(exist_ok=True)
    site = world.site.relative_to(world.environment).as_posix()
    record = {"name": name, "version": "2.0", "files": [f"{site}/{file}" for file in files]}
    (folder / f"{name}-2.0-py_0.json").write_text(json.dumps(record))


def test_in_a_conda_environment_what_pip_installed_is_changed(broken: World) -> None:
    by_conda(broken, "python")
    by_conda(broken, "reader", "reader/__init__.py", "reader-1.0.dist-info/METADATA")
    by_conda(broken, "shelf", "shelf/__init__.py", "shelf-1.9.dist-info/METADATA")  # pip has put 2.0 over it
    code, out, err = torchlink(broken, "fix", str(broken.project), "--apply")
    assert (code, err) == (0, "") and "shelf 2.0 → 1.0: committed" in out and imports(broken, "reader")


def test_what_conda_installed_is_left_to_conda(broken: World) -> None:
    by_conda(broken, "libshelf", "shelf/__init__.py", "shelf-2.0.dist-info/METADATA")
    before = tree(broken)
    code, _, err = torchlink(broken, "fix", str(broken.project), "--apply")
    (line,) = err.splitlines()
    assert code == 2 and "conda has installed shelf 2.0 (conda's libshelf)" in line and "change that with conda" in line
    assert tree(broken) == before


def test_two_at_once(broken: World) -> None:
    from torchlink.apply.lock import locked

    with locked(broken.environment):
        code, _, err = torchlink(broken, "fix", str(broken.project), "--apply")
    assert code == 2 and f"process {os.getpid()}" in err


def test_the_base_interpreter_is_not_changed(broken: World) -> None:
    from torchlink.apply.checks import check_environment
    from torchlink.model.errors import TorchlinkError
    from torchlink.read.environment import read_environment

    environment, _ = read_environment(broken.python, os.environ)
    with pytest.raises(TorchlinkError, match="an interpreter's own"):
        check_environment(environment, environment.prefix, {"shelf"})


KILLED = """
import os, signal, sys
from torchlink.cli.main import run
count, real = int(sys.argv[1]), os.replace
def replace(source, target, **options):
    global count
    real(source, target, **options)
    count -= 1
    if not count:
        os.kill(os.getpid(), getattr(signal, sys.argv[2]))
os.replace = staticmethod(replace)  # pathlib of Python 3.10 makes it a method of its own
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
sys.exit(run(sys.argv[3:]))
"""


@pytest.mark.parametrize("end", ["rollback", "fix --continue"])
@pytest.mark.parametrize("count", [2, 4, 6, 8, 10])
def test_killed_at_some_file(broken: World, count: int, end: str) -> None:
    plans = broken.project / "plans.json"
    torchlink(broken, "fix", str(broken.project), "--format", "json", "--output", str(plans))
    before = tree(broken)
    arguments = ["fix", str(broken.project), "--apply", "--plans", str(plans), "--python", str(broken.python)]
    killed = subprocess.run([sys.executable, "-c", KILLED, str(count), "SIGKILL", *arguments], capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    (line,) = interrupted(os.environ)
    assert "was interrupted while" in line and str(broken.environment) in line
    code, _, err = torchlink(broken, "check", str(broken.project))
    assert "was interrupted" in err
    code, out, _ = torchlink(broken, *end.split())
    if end == "rollback" or code == 2:
        assert tree(broken) == before
    else:
        assert code == 0 and imports(broken, "reader") and "committed" in out
    assert interrupted(os.environ) == []


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_interrupted_by_hand_it_rolls_back_by_itself(broken: World, name: str) -> None:
    plans = broken.project / "plans.json"
    torchlink(broken, "fix", str(broken.project), "--format", "json", "--output", str(plans))
    before = tree(broken)
    arguments = ["fix", str(broken.project), "--apply", "--plans", str(plans), "--python", str(broken.python)]
    done = subprocess.run([sys.executable, "-c", KILLED, "8", name, *arguments], capture_output=True, text=True)
    assert done.returncode == 130 and "Traceback" not in done.stderr
    assert tree(broken) == before and interrupted(os.environ) == []
    assert "interrupted" in torchlink(broken, "history")[1]
