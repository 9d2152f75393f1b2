"""Requirements files that name indexes, read into the steps that name them."""

from __future__ import annotations

from pathlib import Path

from tests.pins.test_play import Paper
from torchlink.model.pins import PinFile
from torchlink.pins.inlined import with_files
from torchlink.pins.play import Outcome, play, read_one, together
from torchlink.read.pins.survey import read_pins

CU121 = "https://download.pytorch.org/whl/cu121"


def read(root: Path, **files: str) -> PinFile:
    for name, text in files.items():
        (root / f"{name}.txt").write_text(text, encoding="utf-8")
    (root / "setup.sh").write_text("pip install -r base.txt\npip install bitsandbytes==0.43.0\n", encoding="utf-8")
    survey = read_pins(root / "setup.sh")
    return with_files(read_one(survey.files, "setup.sh"), survey.files)


def test_an_index_of_a_file_that_is_not_reached_makes_its_step_inferred(tmp_path: Path) -> None:
    base = f"--extra-index-url {CU121}\n-r more.txt\n-c limits.txt\ntorch==2.3.1+cu121\n"
    file = read(tmp_path, base=base, more="pandas==2.0.3\n", limits="numpy<2\n")
    found = play(file, tmp_path, Paper(unreachable=frozenset({CU121})))
    first = found.steps[0]
    assert (first.outcome, first.unreached) == (Outcome.INFERRED, (CU121,))
    assert found.versions == {"bitsandbytes": "0.43.0", "numpy": "1.26.4", "pandas": "2.0.3", "torch": "2.3.1+cu121"}
    assert together(file, found, Paper(), tmp_path) == found.versions


def test_what_of_such_a_file_cannot_be_read_is_told(tmp_path: Path) -> None:
    file = read(tmp_path, base=f"-i {CU121}\ntorch==2.3.1\n???\n-r base.txt\n")
    assert file.steps[0].unread == ("line 3 of base.txt",)
    assert file.steps[0].indexes.index == CU121


def test_a_file_without_an_index_is_left_to_uv(tmp_path: Path) -> None:
    (step, _) = read(tmp_path, base="torch==2.3.1\n").steps
    assert (step.requirement_files, step.pins) == (("base.txt",), ())
