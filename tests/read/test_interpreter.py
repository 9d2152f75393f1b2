"""Asking interpreters what they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.markers import default_environment

from tests.installs import make_venv
from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.read import interpreter as interpreter_module
from torchlink.read.interpreter import ask

PYENV = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"))
OLD_ENOUGH = [path for path in PYENV if int(path.parts[-3].split(".")[1]) >= 7]


class Store:
    """Remembers in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}

    def get(self, kind: str, key: str) -> bytes | None:
        return self.kept.get((kind, key))

    def put(self, kind: str, key: str, value: bytes) -> None:
        self.kept[kind, key] = value


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_markers_are_those_that_packaging_finds() -> None:
    interpreter = ask(Path(sys.executable), os.environ).interpreter
    assert dict(interpreter.markers) == dict(default_environment())
    assert interpreter.executed
    assert interpreter.version_info == sys.version_info[:2]
    assert interpreter.extension_suffixes[-1] == ".so"
    assert "sys" in interpreter.builtin_modules


def test_a_virtual_environment_is_found_beside_the_link(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    layout = ask(tmp_path / "env" / "bin" / "python", os.environ).layout
    assert layout.prefix == str(tmp_path / "env")
    assert layout.base_prefix == sys.base_prefix
    assert layout.site_packages == (str(site),)
    assert not layout.system_site


def test_nothing_of_the_environment_is_run(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    mark = tmp_path / "ran"
    (site / "evil.pth").write_text(f"import pathlib; pathlib.Path({str(mark)!r}).touch()\n")
    (site / "sitecustomize.py").write_text(f"open({str(mark)!r}, 'w')\n")
    python = tmp_path / "env" / "bin" / "python"
    ask(python, {**os.environ, "PYTHONPATH": str(site), "PYTHONSTARTUP": str(site / "sitecustomize.py")})
    assert not mark.exists()
    subprocess.run([python, "-c", "0"], check=True)
    assert mark.exists(), "the trap itself must work"


def test_the_answer_is_remembered_until_the_environment_changes(tmp_path: Path) -> None:
    make_venv(tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    store = Store()
    first = ask(python, os.environ, store)
    ((kind, key),) = store.kept
    store.kept[kind, key] = store.kept[kind, key].replace(b'"os_name": "posix"', b'"os_name": "kept"')
    assert ask(python, os.environ, store).interpreter.markers["os_name"] == "kept"
    (tmp_path / "env" / "pyvenv.cfg").write_text("include-system-site-packages = true\n")
    again = ask(python, os.environ, store)
    assert again.interpreter == first.interpreter
    assert again.layout.system_site


def test_a_damaged_memory_is_asked_anew(tmp_path: Path) -> None:
    store = Store()
    ask(Path(sys.executable), os.environ, store)
    for key in store.kept:
        store.kept[key] = b'{"version": 7}'
    assert ask(Path(sys.executable), os.environ, store).interpreter.executed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("exit 3", "exit code 3"),
        ("kill -SEGV $$", "signal 11"),
        ("echo hello", "did not answer"),
        ("echo error while loading shared libraries >&2; exit 127", "error while loading shared libraries"),
        ("echo '{\"version\": []}'", "did not answer"),
    ],
)
def test_what_does_not_run_or_answer_is_one_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason) as error:
        ask(script(tmp_path / "python", text), os.environ)
    assert "\n" not in str(error.value)


def test_one_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter_module, "_TIMEOUT_S", 0.3)
    with pytest.raises(UnreadableError, match="did not answer within"):
        ask(script(tmp_path / "python", "sleep 20"), os.environ)


def test_python_2_is_told_apart(tmp_path: Path) -> None:
    python = script(tmp_path / "python", "echo 'Unknown option: -I' >&2; exit 2")
    with pytest.raises(TorchlinkError, match=r"this is Python 2.*--python") as error:
        ask(python, os.environ)
    assert not isinstance(error.value, UnreadableError)


def test_a_missing_interpreter_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="does not run"):
        ask(tmp_path / "python", os.environ)


@pytest.mark.skipif(not OLD_ENOUGH, reason="no other interpreters here")
@pytest.mark.parametrize("python", OLD_ENOUGH, ids=lambda path: str(path.parts[-3]))
def test_every_python_from_3_7_answers(python: Path) -> None:
    interpreter = ask(python, os.environ).interpreter
    assert interpreter.version == python.parts[-3]
    tag = f"cp3{interpreter.version_info[1]}"
    assert interpreter.tags[0].startswith(f"{tag}-{tag}")
