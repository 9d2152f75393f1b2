"""Which of two sides moves: the user's own words hold one of them, so that the other must."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.test_fix import ask_for, fixed, moves
from tests.scenarios.test_what_if import shop
from tests.scenarios.world import World
from tests.wheels import make_wheel, serve

__all__ = ["shop"]

KEEPS_ALL = "keeps all that you ask for"
REFUSES = """import shelf
if shelf.__version__ != "2.0":
    raise ImportError(f"model needs shelf 2, and found {shelf.__version__}")
"""
"""A gate: it tests the version itself."""
HIDES = """import shelf
if shelf.__version__ == "2.0":
    from model.mixins import Mixin
"""
"""A guard: with another shelf, a name of its own is missing."""


@pytest.fixture
def shelves(shop: Path) -> Path:
    """Three releases of a shelf, of which the user wants the second."""
    for version in ("1.0", "1.5", "2.0"):
        make_wheel(shop, "shelf", version, {"shelf/__init__.py": f'__version__ = "{version}"\n'})
    return shop


def releases_of_model(shop: Path, newer: str, *, first: int = 6, last: int = 30) -> None:
    """Releases 1 to ``last``; those from ``first`` on have another ``__init__``, and none declares its bound."""
    for number in range(1, last + 1):
        files = {
            "model/__init__.py": newer if number >= first else "import shelf\n",
            "model/mixins.py": "class Mixin: ...\n",
            "model/use.py": "from model import Mixin\n" if newer is HIDES and number >= first else "",
        }
        make_wheel(shop, "model", f"{number}.0", files, requires=("shelf",))


def kept(world: World, *lines: str) -> dict[str, str]:
    """What moves where everything that is asked for stays."""
    world.source("main.py", "import model.use\n")
    report = fixed(world, "-r", ask_for(world, *lines))
    (plan,) = [one for one in report.plans if one.note == KEEPS_ALL]
    assert (plan.certainty, plan.violates) == ("proven", ())
    return moves(plan)


@pytest.mark.parametrize("newer", [REFUSES, HIDES, "from shelf import keep\n"])
@pytest.mark.parametrize("held", ["shelf==1.5", "shelf<2"])
def test_a_bound_is_learned_of_the_side_that_may_move(world: World, shelves: Path, newer: str, held: str) -> None:
    """Thirty releases, eight turns: they are not refuted one by one."""
    if "keep" in newer:
        make_wheel(shelves, "shelf", "2.0", {"shelf/__init__.py": "def keep(): ...\n"})
    releases_of_model(shelves, newer)
    assert kept(world, "model", held) == {"model": "5.0"}


def test_what_holds_the_other_side_may_be_somebody_elses_word(world: World, shelves: Path) -> None:
    make_wheel(shelves, "lamp", "1.0", {"lamp/__init__.py": ""}, requires=("shelf==1.5",))
    releases_of_model(shelves, REFUSES)
    assert kept(world, "model", "lamp") == {"model": "5.0"}


def test_a_patch_release_that_is_refused_by_name_says_nothing_of_the_one_before(
    world: World, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large provider is left out by whole minor releases, but for the last of them."""
    monkeypatch.setattr("torchlink.solve.trial.LARGE", -1)
    for version in ("2.8.0", "2.9.0", "2.9.1"):
        make_wheel(shop, "shelf", version, {"shelf/__init__.py": f'__version__ = "{version}"\n'})
    gate = 'if shelf.__version__ != "2.9.0":\n    raise ImportError(f"model does not go with {shelf.__version__}")\n'
    make_wheel(shop, "model", "1.0", {"model/__init__.py": f"import shelf\n{gate}", "model/use.py": ""})
    assert kept(world, "model", "shelf>=2.9,<3") == {"shelf": "2.9.0"}


def test_a_release_for_another_python_is_not_tried(
    world: World, shop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The index says which Pythons a wheel is for; nothing of it needs to be read."""
    later = "Requires-Python: >=3.99"
    for number in range(1, 6):
        files = {"model/__init__.py": "from shelf import store\n" if number > 3 else "", "model/use.py": ""}
        make_wheel(tmp_path / "index", "model", f"{number}.0", files, headers=[later] if number in (2, 4) else [])
    make_wheel(tmp_path / "index", "shelf", "2.0", {"shelf/__init__.py": ""})
    world.source("main.py", "import model.use\n")
    with serve(tmp_path / "index") as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.simple)
        monkeypatch.delenv("UV_FIND_LINKS")
        index.metadata = "right"
        index.pythons = dict.fromkeys(("model-2.0-py3-none-any.whl", "model-4.0-py3-none-any.whl"), ">=3.99")
        report = fixed(world, "-r", ask_for(world, "model", "shelf"))
        read = {path.rpartition("/")[2] for path, _, _ in index.requests if path.endswith(".whl")}
    assert moves(report.plans[0]) == {"model": "3.0"}
    assert not read & index.pythons.keys()
