"""Finders of editable installs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.installs import install, make_venv, read, write
from torchlink.model.errors import UnreadableError
from torchlink.read.editable import read_finder

SETUPTOOLS = """
from __future__ import annotations
import sys
MAPPING: dict[str, str] = {'demo': '/src/demo', 'demo_tool': '/src/demo_tool.py'}
NAMESPACES: dict[str, list[str]] = {'spaced': ['/src/spaced']}
PATH_PLACEHOLDER = '__editable__.demo-1.0.finder' + ".__path_hook__"
class _EditableFinder: ...
def install(): ...
"""


def finder(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "finder.py"
    path.write_text(text)
    return path


def test_setuptools(tmp_path: Path) -> None:
    read = read_finder(str(finder(tmp_path, SETUPTOOLS)))
    assert dict(read.mapping) == {"demo": "/src/demo", "demo_tool": "/src/demo_tool.py"}
    assert dict(read.namespaces) == {"spaced": ("/src/spaced",)}


def test_editables(tmp_path: Path) -> None:
    text = (
        "from editables.redirector import RedirectingFinder as F\n"
        "F.install()\nF.map_module('demo', '/src/demo/__init__.py')\nF.map_module('one', '/src/one.py')\n"
    )
    assert dict(read_finder(str(finder(tmp_path, text))).mapping) == {"demo": "/src/demo", "one": "/src/one.py"}


def test_scikit_build_core(tmp_path: Path) -> None:
    text = (
        "def install(*args): ...\n"
        "install({'demo': '/src/demo/__init__.py', 'demo.x': '/src/demo/x.py'}, {'demo._c': 'demo/_c.so'}, None, True)"
    )
    mapping = dict(read_finder(str(finder(tmp_path, text))).mapping)
    assert mapping == {"demo": "/src/demo", "demo.x": "/src/demo/x.py", "demo._c": str(tmp_path / "demo/_c.so")}


MESON = "def install(*args): ...\ninstall('demo', {{'demo'}}, {!r}, ['ninja'], False)\n"
MESON_0_18 = """
def init():
    finder = MesonpyMetaFinder('demo', {{'demo'}}, {!r}, ['/usr/bin/ninja'], False)
    sys.meta_path.insert(0, finder)
"""


@pytest.mark.parametrize("text", [MESON, MESON_0_18])
def test_meson_python_is_read_by_its_install_plan(tmp_path: Path, text: str) -> None:
    path = str(finder(tmp_path, text.format(str(tmp_path / "build"))))
    assert dict(read_finder(path).mapping) == {"demo": ""}, "only a build shows the files"
    plan = {
        "python": {"/src/demo/__init__.py": {"destination": "{py_purelib}/demo/__init__.py"}},
        "targets": {
            "/build/_c.cpython-311-x86_64-linux-gnu.so": {"destination": "{py_platlib}/demo/_c.cpython-311-x.so"},
            "/build/tool": {"destination": "{bindir}/tool"},
        },
        "odd": ["x"],
        "install_subdirs": {"/src/demo/data": {"destination": "{py_purelib}/demo/data"}},
    }
    write(tmp_path, {"build/meson-info/intro-install_plan.json": json.dumps(plan)})
    assert dict(read_finder(path).mapping) == {
        "demo": "/src/demo",
        "demo._c": "/build/_c.cpython-311-x86_64-linux-gnu.so",
        "demo.data": "/src/demo/data",
    }


@pytest.mark.parametrize("text", ["x = 1", "MAPPING = make()", "def (", "\0", "MAPPING = " + "[" * 3000])
def test_what_is_not_understood_is_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableError):
        read_finder(str(finder(tmp_path, text)))


def test_an_editable_install_is_read_by_its_finder(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    write(tmp_path, {"src/demo/__init__.py": "", "src/demo/deep/x.py": ""})
    name = "__editable___demo_1_0_finder"
    install(
        site,
        "demo",
        "1.0",
        files={
            f"{name}.py": SETUPTOOLS.replace("/src", str(tmp_path / "src")),
            "__editable__.demo-1.0.pth": f"import {name}; {name}.install()\n",
        },
        extra_metadata={"direct_url.json": '{"dir_info": {"editable": true}, "url": "file:///src"}'},
    )
    environment = read(tmp_path / "env")
    demo = environment.distribution("demo")
    assert demo is not None
    assert demo.editable
    assert demo.top_level == ("demo", "demo_tool", "spaced")
    assert demo.direct_url == "file:///src"
    assert environment.finders[0].path == str(site / f"{name}.py")
    assert not environment.problems
    assert not environment.unowned


def test_an_editable_install_by_a_path(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    write(tmp_path, {"src/demo_kit/__init__.py": ""})
    install(
        site,
        "demo-kit",
        "1.0",
        files={"_demo_kit.pth": f"{tmp_path / 'src'}\n"},
        extra_metadata={"direct_url.json": '{"dir_info": {"editable": true}, "url": "file:///src"}'},
    )
    environment = read(tmp_path / "env")
    demo = environment.distribution("demo-kit")
    assert demo is not None
    assert demo.editable
    assert demo.top_level == ("demo_kit",)
    assert environment.search_path[-1].path == str(tmp_path / "src")


def test_a_copy_in_site_packages_hides_an_editable_install(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    write(tmp_path, {"src/demo/__init__.py": "", "src/demo_tool.py": ""})
    name = "__editable___demo_1_0_finder"
    files = {
        f"{name}.py": SETUPTOOLS.replace("/src", str(tmp_path / "src")),
        "x.pth": f"import {name}; {name}.install()\n",
    }
    install(site, "demo", "1.0", files=files)
    write(site, {"demo/__init__.py": ""})
    copies = read(tmp_path / "env").copies
    assert [(one.name, one.paths) for one in copies] == [("demo", (str(site / "demo"), str(tmp_path / "src/demo")))]
