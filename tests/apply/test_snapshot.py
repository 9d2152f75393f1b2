"""What an environment held before a change, and what the change left."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from tests.scenarios.conftest import world
from tests.scenarios.world import World
from torchlink.apply.moves import carry_forward, plan_moves
from torchlink.apply.snapshot import arriving, left, take
from torchlink.model.environment import Environment
from torchlink.read.environment import read_environment

__all__ = ["world"]


def read(world: World) -> Environment:
    return read_environment(world.python, os.environ)[0]


def test_what_a_change_left_is_known_from_what_it_moved(world: World, tmp_path: Path) -> None:
    world.install("lamp", "1.0", {"lamp.py": ""})
    world.install("shelf", "1.0", {"shelf/__init__.py": "", "shelf/old.py": ""})
    world.install("Gone_Soon", "1.0", {"gone.py": ""})
    environment = read(world)
    before, staged, changed = take(environment), tmp_path / "staged", {"shelf", "gone-soon"}
    other = replace(world, environment=staged)
    other.install("shelf", "2.0", {"shelf/__init__.py": "# new", "shelf/new.py": "", "../../../bin/shelf": "#!"})
    moves = plan_moves(environment, changed, staged)
    arrived = arriving(before, environment, changed, moves, staged)
    carry_forward(world.environment, moves, staged, tmp_path / "saved")
    after = take(read(world))
    assert left(before, arrived, moves, after.taken) == after
    assert after.versions["shelf"] == "2.0" and "gone-soon" not in after.versions
    assert after.files["bin/shelf"].owner == "shelf"
