"""Files that name an exact set."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchlink.model.errors import TorchlinkError
from torchlink.read.frozen import read_frozen

MARKERS = {
    "sys_platform": "linux",
    "python_version": "3.11",
    "python_full_version": "3.11.7",
    "platform_system": "Linux",
}


def pins(path: Path, text: str) -> dict[str, str]:
    path.write_text(text)
    return {pin.name: pin.version for pin in read_frozen(path, MARKERS).pins}


def test_what_pip_freeze_prints(tmp_path: Path) -> None:
    text = """# a comment
-i https://index.example/simple
Torch==2.1.2+cu121
two.words==1.0 ; sys_platform == "win32"
six==1.17.0 \\
    --hash=sha256:aa
here @ https://x.example/here-3.1-py3-none-any.whl#sha256=00
-e git+https://x.example/y#egg=y
"""
    path = tmp_path / "frozen.txt"
    assert pins(path, text) == {"torch": "2.1.2+cu121", "six": "1.17.0", "here": "3.1"}
    assert read_frozen(path, MARKERS).unclear == ("frozen.txt:8: -e git+https://x.example/y#egg=y",)


def test_lock_files(tmp_path: Path) -> None:
    lock = '[[packages]]\nname = "a"\nversion = "1"\n[[packages]]\nname = "b"\nversion = "2"\n'
    assert pins(tmp_path / "pylock.toml", lock + "marker = \"sys_platform == 'win32'\"\n") == {"a": "1"}
    poetry = '[[package]]\nname = "a"\nversion = "1"\n[[package]]\nname = "t"\nversion = "2"\ngroups = ["dev"]\n'
    assert pins(tmp_path / "poetry.lock", poetry) == {"a": "1"}


def test_a_lock_of_extras_and_groups_is_read_as_it_is_installed_by_default(tmp_path: Path) -> None:
    markers = {"a": "", "b": "'gpu' in extras", "c": "'dev' in dependency_groups", "d": "'doc' in dependency_groups"}
    tables = "".join(
        f'[[packages]]\nname = "{name}"\nversion = "1"\nmarker = "{one}"\n' for name, one in markers.items()
    )
    head = 'lock-version = "1.0"\ncreated-by = "x"\nextras = ["gpu"]\ndependency-groups = ["dev", "doc"]\n'
    assert pins(tmp_path / "pylock.toml", f'{head}default-groups = ["dev"]\n{tables}') == {"a": "1", "c": "1"}
    assert pins(tmp_path / "pylock.toml", f"{head}default-groups = 3\n{tables}") == {"a": "1"}


@pytest.mark.parametrize("text", ["torch>=2\n", "torch\n", "torch==2.*\n", "\n"])
def test_an_open_set_is_told_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(TorchlinkError, match="exact version"):
        pins(tmp_path / "r.txt", text)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_no_text_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    for name in ("frozen.txt", "pylock.toml"):
        path = tmp_path_factory.mktemp("f") / name
        path.write_text(text, encoding="utf-8")
        with suppress(TorchlinkError):
            read_frozen(path, MARKERS)
