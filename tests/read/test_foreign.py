"""Environments whose interpreter cannot run here."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.installs import VERSION, install, make_venv, read, write
from torchlink.model.errors import UnreadableError
from torchlink.read.foreign import by_layout

ELF_AARCH64 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00" + bytes(100)


def test_a_copied_environment_whose_base_is_gone(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/bin/python3")
    install(site, "demo", "1.0")
    environment = read(tmp_path / "env")
    assert not environment.interpreter.executed
    assert "does not exist here" in environment.interpreter.note
    assert environment.interpreter.version == sys.version.split()[0]
    assert environment.distribution("demo")


def test_another_machines_interpreter(tmp_path: Path) -> None:
    prefix = tmp_path / "env"
    write(prefix, {"bin/python": ELF_AARCH64, "lib/python3.10/site-packages/six.py": "", "lib/python3.10/os.py": ""})
    (prefix / "bin/python").chmod(0o755)
    environment = read(prefix)
    interpreter = environment.interpreter
    assert not interpreter.executed
    assert interpreter.version == "3.10.0"
    assert interpreter.platform == "linux_aarch64"
    assert interpreter.markers["platform_machine"] == "aarch64"
    assert interpreter.extension_suffixes[0] == ".cpython-310-aarch64-linux-gnu.so"
    assert "cp310-cp310-manylinux_2_28_aarch64" in interpreter.tags
    assert interpreter.stdlib[0] == str(prefix / "lib/python3.10")
    assert interpreter.note


def test_a_windows_environment(tmp_path: Path) -> None:
    machine = b"MZ" + bytes(58) + (128).to_bytes(4, "little") + bytes(64) + b"PE\0\0\x64\x86" + bytes(20)
    prefix = tmp_path / "env"
    write(
        prefix,
        {
            "pyvenv.cfg": "home = C:\\Python312\nversion_info = 3.12.4.final.0\n",
            "Scripts/python.exe": machine,
            "Lib/site-packages/numpy/__init__.py": "",
        },
    )
    interpreter = by_layout(prefix, "not this platform's").interpreter
    assert (interpreter.version, interpreter.platform) == ("3.12.4", "win_amd64")
    assert interpreter.markers["sys_platform"] == "win32"
    assert interpreter.extension_suffixes == (".cp312-win_amd64.pyd", ".pyd")
    assert "json" in interpreter.builtin_modules, "the standard library is not there to be looked at"


def test_extension_modules_show_the_machine(tmp_path: Path) -> None:
    site = "lib/python3.9/site-packages/"
    write(
        tmp_path,
        {
            f"{site}a/_x.cpython-39-x86_64-linux-musl.so": b"",
            f"{site}a/_y.cpython-39-x86_64-linux-musl.so": b"",
            f"{site}a/_z.cpython-310-aarch64-linux-gnu.so": b"",
        },
    )
    interpreter = by_layout(tmp_path, "no interpreter").interpreter
    assert interpreter.platform == "linux_x86_64"
    assert interpreter.extension_suffixes[0] == ".cpython-39-x86_64-linux-musl.so"
    assert interpreter.libc.startswith("musl")


def test_a_mac_environment(tmp_path: Path) -> None:
    write(tmp_path, {"lib/python3.11/site-packages/a/_x.cpython-311-darwin.so": b""})
    interpreter = by_layout(tmp_path, "no interpreter").interpreter
    assert interpreter.markers["sys_platform"] == "darwin"
    assert "cp311-cp311-macosx_11_0_arm64" in interpreter.tags


def test_a_folder_that_is_no_environment(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="is no Python environment"):
        by_layout(tmp_path, "")


def test_a_conda_prefix_without_its_interpreter(tmp_path: Path) -> None:
    write(tmp_path, {"conda-meta/python-3.10.14-h955ad1f_1.json": "{}", "lib/python3.10/site-packages/x.py": ""})
    assert by_layout(tmp_path, "").interpreter.version == "3.10.14"


def test_an_executable_that_is_no_interpreter_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    shutil.copy("/bin/true", tmp_path / "bin" / "python")
    with pytest.raises(UnreadableError, match="is no Python interpreter"):
        read(tmp_path)


def test_versions_agree(tmp_path: Path) -> None:
    make_venv(tmp_path / "env")
    assert by_layout(tmp_path / "env", "").interpreter.version_info == tuple(int(part) for part in VERSION.split("."))
