"""What an environment held before a change, and what the change left."""

from __future__ import annotations

import os
from dataclasses import replace

from tests.scenarios.conftest import world
from tests.scenarios.world import World
from torchlink.apply.moves import Moves
from torchlink.apply.snapshot import Snapshot, followed, take
from torchlink.model.environment import Environment
from torchlink.read.environment import read_environment

__all__ = ["world"]


def read(world: World) -> Environment:
    return read_environment(world.python, os.environ)[0]


def files(world: World) -> set[str]:
    return {str(path.relative_to(world.environment)) for path in world.site.rglob("*") if path.is_file()}


def timeless(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, taken="")


def test_what_a_change_left_is_known_from_what_it_moved(world: World) -> None:
    world.install("lamp", "1.0", {"lamp.py": ""})
    world.install("shelf", "1.0", {"shelf/__init__.py": "", "shelf/old.py": ""})
    before, found = take(read(world)), files(world)
    for path in found:
        if "shelf" in path:
            (world.environment / path).unlink()
    world.install("shelf", "2.0", {"shelf/__init__.py": "# new", "shelf/new.py": ""})
    new = {path for path in files(world) if "shelf" in path}
    old = {path for path in found if "shelf" in path}
    moves = Moves(out=tuple(sorted(old)), into=tuple(sorted(new)), made=(), fixed=frozenset())
    environment = read(world)
    assert timeless(followed(before, environment, moves)) == timeless(take(environment))
