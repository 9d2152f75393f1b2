"""What wheels were built for, against the interpreter."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from tests.installs import install, make_venv, read, write
from torchlink.link.platform import expand, link_platform
from torchlink.model.environment import Environment
from torchlink.model.reference import Broken, PartyType, Severity
from torchlink.read.wheel_tags import linux_platforms, wheel_tags

MINE = f"cpython-{sys.version_info.major}{sys.version_info.minor}-x86_64-linux-gnu"
TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="judges Linux wheels by this interpreter")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_venv(tmp_path / "env")


def with_libc(environment: Environment, libc: str, machine: str = "x86_64") -> Environment:
    platforms = linux_platforms(machine, libc)
    tags = wheel_tags("cpython", environment.interpreter.version_info, (TAG,), platforms)
    interpreter = dataclasses.replace(
        environment.interpreter,
        libc=libc,
        tags=tags,
        platform=f"linux_{machine}",
        extension_suffixes=(f".{MINE}.so", ".abi3.so", ".so"),
    )
    return dataclasses.replace(environment, interpreter=interpreter)


def broken(tmp_path: Path, libc: str = "glibc 2.31") -> list[Broken]:
    return list(link_platform(with_libc(read(tmp_path / "env"), libc)).broken)


def native(site: Path, tag: str, suffix: str = MINE) -> None:
    install(site, "demo", "1.0", files={"demo/__init__.py": "", f"demo/_c.{suffix}.so": b""}, tags=[tag])


@pytest.mark.parametrize(
    "tag",
    [
        f"{TAG}-{TAG}-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "cp37-abi3-manylinux1_x86_64",
        f"{TAG}-{TAG}-linux_x86_64",
    ],
)
def test_wheels_that_fit(tmp_path: Path, site: Path, tag: str) -> None:
    native(site, tag)
    assert not broken(tmp_path)


def test_an_extension_for_another_python(tmp_path: Path, site: Path) -> None:
    native(site, "cp36-cp36m-manylinux1_x86_64", "cpython-36m-x86_64-linux-gnu")
    (one,) = broken(tmp_path)
    assert one.severity is Severity.RISK
    assert one.target == "cpython-36m-x86_64-linux-gnu"
    assert one.provider.type is PartyType.PYTHON
    assert one.culprits == ("demo",)
    assert one.evidence[0].artifact == "demo/_c.cpython-36m-x86_64-linux-gnu.so"


def test_an_extension_for_another_libc_or_machine(tmp_path: Path, site: Path) -> None:
    native(site, f"{TAG}-{TAG}-musllinux_1_2_x86_64", MINE.replace("gnu", "musl"))
    (one,) = broken(tmp_path)
    assert one.target.endswith("linux-musl")


def test_a_module_that_is_there_under_a_right_name_too(tmp_path: Path, site: Path) -> None:
    files: dict[str, str | bytes] = {
        "demo/_c.cpython-36m-x86_64-linux-gnu.so": b"",
        f"demo/_c.{MINE}.so": b"",
        "demo/_d.cpython-36m-x86_64-linux-gnu.so": b"",
        "demo/_d.py": "",
        "demo/_e.cpython-36m-x86_64-linux-gnu.so": b"",
        "demo/_e.abi3.so": b"",
    }
    install(site, "demo", "1.0", files=files, tags=[f"{TAG}-{TAG}-linux_x86_64"])
    assert not broken(tmp_path)


def test_a_library_that_the_package_loads_by_itself(tmp_path: Path, site: Path) -> None:
    # torchao: a stable-ABI wheel whose only library is named for the Python that built it.
    native(site, "cp310-abi3-manylinux_2_24_x86_64.manylinux_2_28_x86_64", "cpython-310-x86_64-linux-gnu")
    assert not broken(tmp_path)


def test_the_libc_floor(tmp_path: Path, site: Path) -> None:
    native(site, f"{TAG}-{TAG}-manylinux_2_34_x86_64")
    (one,) = broken(tmp_path, "glibc 2.31")
    assert one.cause == "the wheel of demo 1.0 is for glibc >= 2.34, and this is glibc 2.31"
    assert one.provider.type is PartyType.SYSTEM
    assert not broken(tmp_path, "glibc 2.34")


def test_musl_and_glibc(tmp_path: Path, site: Path) -> None:
    native(site, f"{TAG}-{TAG}-manylinux_2_17_x86_64")
    (one,) = broken(tmp_path, "musl 1.2")
    assert (one.target, one.provider.version) == ("glibc", "musl 1.2")


def test_musl_wheel_on_glibc(tmp_path: Path, site: Path) -> None:
    native(site, f"{TAG}-{TAG}-musllinux_1_1_x86_64")
    (one,) = broken(tmp_path)
    assert (one.target, one.provider.version) == ("musl", "glibc 2.31")


def test_another_machine(tmp_path: Path, site: Path) -> None:
    native(site, f"{TAG}-{TAG}-manylinux_2_17_aarch64")
    (one,) = broken(tmp_path)
    assert "manylinux_2_17_aarch64" in one.cause
    assert one.provider.version == "linux_x86_64"


def test_a_pure_wheel_with_a_wrong_tag_works(tmp_path: Path, site: Path) -> None:
    install(site, "demo", "1.0", tags=["py2-none-any"])
    assert not broken(tmp_path)


def test_an_unknown_libc_is_unknown(tmp_path: Path, site: Path) -> None:
    native(site, f"{TAG}-{TAG}-manylinux_2_34_x86_64")
    links = link_platform(with_libc(read(tmp_path / "env"), ""))
    assert not links.broken
    assert len(links.undecided) == 1


def test_compressed_tags() -> None:
    assert set(expand("py2.py3-none-any")) == {"py2-none-any", "py3-none-any"}
    assert list(expand("nonsense")) == []
    assert list(expand(".".join(["a"] * 100) + "-" + ".".join(["b"] * 100) + "-c")) == []


def test_metadata_without_tags_is_judged_by_names_alone(tmp_path: Path, site: Path) -> None:
    write(
        site,
        {
            "old.egg-info/PKG-INFO": "Name: old\nVersion: 1\n",
            "old.egg-info/top_level.txt": "old\n",
            "old/_c.cpython-36m-x86_64-linux-gnu.so": b"",
        },
    )
    (one,) = broken(tmp_path)
    assert one.needer.name == "old"
