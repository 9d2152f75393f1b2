"""Wheel tags against packaging's own answer for the interpreter that runs the tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from packaging.tags import compatible_tags, cpython_tags, mac_platforms, sys_tags

from torchlink.read.interpreter import ask
from torchlink.read.wheel_tags import linux_platforms, macos_platforms, wheel_tags


@pytest.mark.skipif(sys.platform != "linux", reason="compares Linux tags")
def test_this_interpreter_has_the_tags_that_packaging_finds() -> None:
    installation = ask(Path(sys.executable), os.environ)
    # As sets: where the plain linux_x86_64 stands among them differs between packaging's releases.
    assert set(installation.interpreter.tags) == {str(tag) for tag in sys_tags()}


@pytest.mark.parametrize("version", [(3, 7), (3, 9), (3, 13)])
def test_other_interpreters(version: tuple[int, int]) -> None:
    platforms = linux_platforms("aarch64", "glibc 2.28")
    abi = f"cp{version[0]}{version[1]}"
    expected = [str(tag) for tag in cpython_tags(version, [abi], platforms)]
    expected += [str(tag) for tag in compatible_tags(version, abi, platforms)]
    assert list(wheel_tags("cpython", version, (abi,), platforms)) == expected


def test_a_free_threaded_interpreter_takes_no_stable_abi() -> None:
    tags = wheel_tags("cpython", (3, 13), ("cp313t",), ("linux_x86_64",))
    assert "cp313-cp313t-linux_x86_64" in tags
    assert not any("abi3" in tag for tag in tags)


def test_pypy() -> None:
    tags = wheel_tags("pypy", (3, 10), ("pypy310_pp73",), ("linux_x86_64",))
    assert tags[0] == "pp310-pypy310_pp73-linux_x86_64"
    assert "py3-none-any" in tags


def test_linux_platforms() -> None:
    old = linux_platforms("x86_64", "glibc 2.17")
    assert old[:2] == ("manylinux_2_17_x86_64", "manylinux2014_x86_64")
    assert "manylinux1_x86_64" in old
    assert old[-1] == "linux_x86_64"
    assert "manylinux_2_16_aarch64" not in linux_platforms("aarch64", "glibc 2.36")
    assert linux_platforms("x86_64", "musl 1.2")[:3] == (
        "musllinux_1_2_x86_64",
        "musllinux_1_1_x86_64",
        "musllinux_1_0_x86_64",
    )


def test_an_unknown_libc_refuses_no_wheel() -> None:
    platforms = linux_platforms("x86_64", "")
    assert {"manylinux_2_39_x86_64", "musllinux_1_2_x86_64", "linux_x86_64"} <= set(platforms)


def test_macos_platforms() -> None:
    assert macos_platforms("14.4", "arm64") == tuple(mac_platforms((14, 4), "arm64"))
    assert macos_platforms("", "arm64") == ()
