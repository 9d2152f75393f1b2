"""What a log tells of where it was written."""

from __future__ import annotations

import pytest

from torchlink.logs.context import frames_near, needer_of, read_context
from torchlink.logs.digest import digest


@pytest.mark.parametrize(
    ("line", "name", "version"),
    [
        ("torch==2.1.0+cu118", "torch", "2.1.0+cu118"),
        ("PyTorch version: 2.1.0+cu118", "torch", "2.1.0+cu118"),
        ("- numpy version: 1.26.4", "numpy", "1.26.4"),
        ("numpy                    1.26.4", "numpy", "1.26.4"),
        ("Successfully installed numpy-2.0.0 torch-2.2.2", "numpy", "2.0.0"),
        ("Successfully installed numpy-2.0.0 torch-2.2.2", "torch", "2.2.2"),
        ("Requirement already satisfied: numpy<2 in ./env/lib (from torch) (1.26.4)", "numpy", "1.26.4"),
        ("- `transformers` version: 4.52.3", "", ""),
        ("transformers version: 4.52.3", "transformers", "4.52.3"),
        ("YOLOv5 v4.0-14-gb75c432 torch 1.7.1 CPU", "torch", "1.7.1"),
        ("     Uninstalling torch-2.4.0+cu121:", "", ""),
        ("ERROR: No matching distribution found for torch==1.7.1", "", ""),
        ("xformers 0.0.22 requires torch==2.0.1", "", ""),
    ],
)
def test_versions(line: str, name: str, version: str) -> None:
    versions = read_context(digest(f"{line}\nRuntimeError: x")).versions
    assert versions.get(name, "") == version
    assert name or "torch" not in versions


@pytest.mark.parametrize(
    ("line", "python", "platform"),
    [
        ("/home/u/env/lib/python3.10/site-packages/torch", "3.10", "linux"),
        ("C:\\Python312\\Lib\\site-packages", "3.12", "windows"),
        ("x.cpython-39-x86_64-linux-gnu.so", "3.9", "linux"),
        ("Python version: 3.11.5", "3.11", ""),
        ("/Users/u/miniforge3/lib/python3.9/", "3.9", "macos"),
    ],
)
def test_python_and_platform(line: str, python: str, platform: str) -> None:
    context = read_context(digest(f"Error: {line}"))
    assert (context.python, context.platform) == (python, platform)


TRACEBACK = """Traceback (most recent call last):
  File "train.py", line 3, in <module>
    import realesrgan
  File "/env/lib/python3.10/site-packages/basicsr/data/degradations.py", line 8, in <module>
    from torchvision.transforms.functional_tensor import rgb_to_grayscale
  File "/usr/lib/python3.10/importlib/__init__.py", line 126, in import_module
ModuleNotFoundError: No module named 'torchvision.transforms.functional_tensor'
"""


def test_the_needer_is_the_innermost_package_that_is_not_the_provider() -> None:
    gathered = digest(TRACEBACK)
    frames = frames_near(gathered, 6, 6)
    assert [frame.package for frame in frames] == ["project", "basicsr", "python"]
    assert needer_of(frames, "torchvision") == "basicsr"
    assert needer_of(frames, "basicsr") == "project"


def test_frames_may_follow_their_message() -> None:
    gathered = digest("A module that cannot be run in\nNumPy 2.1.0\n\n" + TRACEBACK)
    assert len(frames_near(gathered, 0, 1)) == 3
