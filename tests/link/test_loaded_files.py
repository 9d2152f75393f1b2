"""Which files a project's source loads, by the paths that stand in its calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.installs import read_with_tree, write
from tests.link.importing.paper import Paper, make
from torchlink.catalog.cache import open_cache
from torchlink.link.loaded_files import MOST_PLACES, Loads, loaded_files
from torchlink.link.owners import Owners
from torchlink.read.project import read_project
from torchlink.read.sources import SourceFiles


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    return make(tmp_path)


def loads(paper: Paper, source: str, *files: str) -> dict[str, tuple[str, ...]]:
    return {path: found.places for path, found in loaded(paper, source, *files).items()}


def loaded(paper: Paper, source: str, *files: str) -> dict[str, Loads]:
    write(paper.project, {"src/run.py": source, **dict.fromkeys(files, b"x")})
    environment, tree = read_with_tree(paper.prefix)
    project = read_project(paper.project)
    sources = SourceFiles(tree, lambda path: (path,), open_cache(None, "test"))
    found = loaded_files(project, sources, Owners(environment, str(paper.project)))
    return {path.relative_to(project.root).as_posix(): one for path, one in found.items()}


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("torch.load('a.pt')\n", True),
        ("model.load_state_dict(torch.load('a.pt', weights_only=True))\n", True),
        ("torch.load('a.pt', map_location='cpu')\n", False),
        ("torch.load('a.pt', 'cpu')\n", False),
        ("torch.load('a.pt', **options)\n", False),
        ("torch.load(*['a.pt', 'cpu'])\n", False),
        ("Net.load_from_checkpoint('a.pt')\n", False),
        ("joblib.load('a.pt')\n", False),
        ("try:\n    torch.load('a.pt')\nexcept RuntimeError:\n    torch.load('a.pt', map_location='cpu')\n", False),
        ("if torch.cuda.is_available():\n    torch.load('a.pt')\n", False),
    ],
)
def test_tensors_that_go_back_to_the_devices_they_were_saved_on(paper: Paper, source: str, plain: bool) -> None:
    assert bool(loaded(paper, source, "a.pt")["a.pt"].to_saved_devices) is plain


@pytest.mark.parametrize(
    "call",
    [
        "torch.load('a.pt')",
        "torch.load(f='./a.pt', weights_only=True)",
        "load('src/../a.pt')",
        "model.load_state_dict(torch.load('a.pt'))",
        "Net.load_from_checkpoint(checkpoint_path='a.pt')",
        "pickle.load(open('a.pt', 'rb'))",
        "YOLO('a.pt')",
        "torch.load(Path('..') / 'a.pt' if x else 'a.pt')",
        "trainer.restore(['a.pt'])",
    ],
)
def test_a_path_in_the_call_that_loads_it(paper: Paper, call: str) -> None:
    assert loads(paper, f"def main():\n    {call}\n", "a.pt") == {"a.pt": ("src/run.py:2",)}


@pytest.mark.parametrize(
    "call",
    [
        "torch.save(model, 'a.pt')",
        "print('a.pt')",
        "torch.load('b.pt')",
        "torch.load(path)",
        "torch.load('a.pt\\0')",
        "torch.load(b'a.pt')",
        "'a.pt'",
    ],
)
def test_what_loads_nothing_that_is_known(paper: Paper, call: str) -> None:
    assert loads(paper, f"{call}\n", "a.pt") == {}


def test_a_path_beside_the_file_that_names_it(paper: Paper) -> None:
    assert loads(paper, "torch.load('b.pt')\n", "src/b.pt") == {"src/b.pt": ("src/run.py:1",)}


def test_the_places_are_few_and_distinct(paper: Paper) -> None:
    (places,) = loads(paper, "torch.load('a.pt'); torch.load('a.pt')\n" * 9, "a.pt").values()
    assert places == tuple(f"src/run.py:{line}" for line in range(1, MOST_PLACES + 1))
