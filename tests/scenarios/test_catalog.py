"""``torchlink catalog`` and ``torchlink matrix`` on wheels that the test makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.compiled import compile_library, needs_gcc
from tests.scenarios.test_what_if import shop
from tests.scenarios.world import World
from tests.wheels import make_wheel
from torchlink.cli.main import run

__all__ = ["shop"]

EXTENSION = """
extern void *PyCapsule_GetPointer(void *, const char *);
const char *name = "%s";
void *f(void) { return PyCapsule_GetPointer((void *)name, name); }
"""


def numpy_user(folder: Path, version: str, asks_for: str) -> None:
    library = compile_library(folder / "build" / f"{version}.so", EXTENSION % asks_for)
    make_wheel(folder, "user", version, {"user/__init__.py": "", "user/x.so": library.read_bytes()})


def printed(world: World, *arguments: str) -> str:
    assert run(arguments) == 0
    return world.capture.readouterr()[0]


@needs_gcc
def test_a_matrix_rests_on_the_bytes(world: World, shop: Path) -> None:
    numpy_user(shop, "1.0", "numpy.core._multiarray_umath")
    numpy_user(shop, "1.1", "numpy._core._multiarray_umath")
    for version in ("1.26.4", "2.0.2"):
        make_wheel(shop, "numpy", version)
    (matrix,) = json.loads(printed(world, "matrix", "user", "numpy", "--format", "json"))["matrices"]
    fits = {(cell["row"], cell["column"]): cell["fit"] for cell in matrix["cells"]}
    assert fits[("1.0", "1.26.4")] == "works" and fits[("1.0", "2.0.2")] == "breaks"
    assert fits[("1.1", "1.26.4")] == "works" and fits[("1.1", "2.0.2")] == "works"
    assert "user-1.0-py3-none-any.whl: user/x.so" in matrix["cells"][1]["evidence"]


def test_where_no_byte_speaks_pairs_are_linked(world: World, shop: Path) -> None:
    make_wheel(shop, "reader", "1.1", {"reader/__init__.py": "from shelf import keep\n"}, requires=("shelf>=1",))
    make_wheel(shop, "reader", "1.2", {"reader/__init__.py": "from shelf import keep\n"}, requires=("shelf>=2",))
    make_wheel(shop, "reader", "1.3", {"reader/__init__.py": "import nothing\n"}, requires=("shelf",))
    (matrix,) = json.loads(printed(world, "matrix", "reader", "shelf>=1", "--format", "json"))["matrices"]
    cells = {(cell["row"], cell["column"]): cell for cell in matrix["cells"]}
    assert {pair: cell["fit"] for pair, cell in cells.items()} == {
        ("1.0", "1.0"): "imports",
        ("1.0", "2.0"): "breaks",
        ("1.1", "1.0"): "breaks",
        ("1.1", "2.0"): "imports",
        ("1.2", "1.0"): "refused",
        ("1.2", "2.0"): "imports",
        ("1.3", "1.0"): "unknown",
        ("1.3", "2.0"): "unknown",
    }
    assert "reader/__init__.py:1: needs shelf.store" in cells["1.0", "2.0"]["evidence"]
    assert "fails for another reason" in cells["1.3", "2.0"]["evidence"]


def test_a_range_that_nothing_lies_in_is_told(world: World, shop: Path) -> None:
    assert run(["matrix", "reader>=7", "shelf"]) == 2
    assert "reader has no release within >=7" in world.capture.readouterr()[1]
    assert run(["matrix", "reader=7", "shelf"]) == 2
    assert "'reader=7' names no package" in world.capture.readouterr()[1]


def test_a_matrix_of_one_package_or_of_none_that_is_known(world: World, shop: Path) -> None:
    assert run(["matrix", "shelf", "shelf"]) == 2
    assert "two packages" in world.capture.readouterr()[1]
    assert run(["matrix", "shelf", "no-such-thing"]) == 2
    assert "no-such-thing has no release" in world.capture.readouterr()[1]


@needs_gcc
def test_a_wheel_is_shown_with_the_bytes_it_is_known_from(world: World, shop: Path) -> None:
    numpy_user(shop, "1.0", "numpy.core._multiarray_umath")
    shown = printed(world, "catalog", "show", "User", "1.0")
    assert "user-1.0-py3-none-any.whl" in shown and "built for NumPy 1" in shown
    document = json.loads(printed(world, "catalog", "show", "user", "1.0", "--format", "json"))
    assert len(document["sha256"]) == 64 and document["natives"][0]["numpy"] == "numpy-1"


def test_a_list_of_releases_is_read_into_the_cache(world: World, shop: Path) -> None:
    world.source("list.txt", "shelf==1.0\nshelf==2.0\nghost==1.0\n")
    lines = printed(world, "catalog", "build", str(world.project / "list.txt")).splitlines()
    assert [line.split(":")[0] for line in lines] == ["shelf 1.0", "shelf 2.0", "ghost 1.0"]
    assert "no index that is configured has ghost 1.0" in lines[2]


@pytest.mark.parametrize(("platform", "fit"), [("manylinux_2_28_x86_64", "works"), ("win_amd64", "breaks")])
def test_what_ships_answers_offline_and_wheels_of_one_version_differ(world: World, platform: str, fit: str) -> None:
    options = ("--offline", "--all", "--python-version", "3.11", "--platform", platform, "--format", "json")
    (matrix,) = json.loads(printed(world, "matrix", "torch", "numpy", *options))["matrices"]
    fits = {(cell["row"], cell["column"]): cell["fit"] for cell in matrix["cells"]}
    assert fits["2.4.0", "2.0.0"] == fit
    assert fits["2.4.1", "2.0.0"] == "works" and fits["2.2.2", "2.0.0"] == "breaks"
    assert fits["2.4.0", "1.26.4"] == "works"
