"""Installed distributions in every form."""

from __future__ import annotations

import os
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.installs import install, make_venv, read, read_with_tree, write
from torchlink.model.environment import Distribution, DistributionKind
from torchlink.read.distributions import distribution_digest

PKG_INFO = "Metadata-Version: 1.1\nName: {}\nVersion: {}\n\n"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return tmp_path / "env"


@pytest.fixture
def site(prefix: Path) -> Path:
    return make_venv(prefix)


def found(prefix: Path, name: str) -> Distribution:
    distribution = read(prefix).distribution(name)
    assert distribution is not None
    return distribution


def test_a_wheel(prefix: Path, site: Path) -> None:
    files: dict[str, str | bytes] = {
        "demo/__init__.py": "",
        "demo/__pycache__/__init__.cpython-311.pyc": "",
        "demo/data.json": "{}",
        "demo.libs/libx-1.so.3": b"",
        "_demo_c.cpython-311-x86_64-linux-gnu.so": b"",
        "tool.py": "",
        "only-data/x.txt": "",
    }
    write(prefix, {"bin/demo": ""})
    info = install(
        site,
        "Demo.Kit",
        "1.0+cu121",
        files=files,
        requires=["numpy<2"],
        headers=["Requires-Python: >=3.8", "Provides-Extra: gpu"],
        tags=["cp311-cp311-linux_x86_64"],
        record=["../../../bin/demo"],
    )
    demo = found(prefix, "demo-kit")
    assert demo.version == "1.0+cu121"
    assert (demo.public_version, demo.build) == ("1.0", "+cu121")
    assert demo.kind is DistributionKind.DIST_INFO
    assert demo.requires == ("numpy<2",)
    assert demo.requires_python == ">=3.8"
    assert demo.extras == ("gpu",)
    assert demo.tags == ("cp311-cp311-linux_x86_64",)
    assert demo.installer == "pip"
    assert demo.metadata_path == str(info)
    assert demo.root == str(site)
    assert demo.top_level == ("_demo_c", "demo", "tool")
    assert str(prefix / "bin" / "demo") in demo.files
    assert str(site / "demo" / "data.json") in demo.files
    assert not any(path.endswith(".pyc") for path in demo.files)
    assert demo.problems == ()


def test_record_entries_that_lead_outside_are_ignored(tmp_path: Path, prefix: Path, site: Path) -> None:
    write(tmp_path, {"secret": "", "env-twin/x": ""})
    record = ["../../../../secret", "/etc/passwd", str(prefix / "bin" / "python"), "../../../../env-twin/x", "a/\0b"]
    install(site, "demo", "1.0", record=record)
    demo = found(prefix, "demo")
    inside = [path for path in demo.files if ".dist-info" not in path]
    assert inside == [str(site / "demo/__init__.py"), str(prefix / "bin" / "python")]
    assert len(demo.problems) == 1
    assert "names 3 files outside the environment" in demo.problems[0]


def test_modules_that_are_missing_are_told(prefix: Path, site: Path) -> None:
    install(site, "demo", "1.0", record=["demo/gone.py", "demo/tests/gone.py", "demo/gone.txt"])
    assert found(prefix, "demo").problems == ("1 modules of its RECORD are missing, such as demo/gone.py",)


def test_metadata_in_latin_1(prefix: Path, site: Path) -> None:
    info = install(site, "demo", "1.0")
    (info / "METADATA").write_bytes(b"Name: demo\nAuthor: Andr\xe9\nVersion: 2.0\nRequires-Dist: numpy\n\n")
    demo = found(prefix, "demo")
    assert (demo.version, demo.requires) == ("2.0", ("numpy",))


def test_long_headers_are_read_to_their_end(prefix: Path, site: Path) -> None:
    info = install(site, "demo", "1.0")
    licence = "License: x\n" + "        a line of a licence\n" * 5_000
    (info / "METADATA").write_text(f"Name: demo\nVersion: 1.0\n{licence}Requires-Dist: numpy\n\nbody\n")
    assert found(prefix, "demo").requires == ("numpy",)


def test_broken_metadata_is_told_and_named_by_its_folder(prefix: Path, site: Path) -> None:
    write(site, {"empty-1.2.dist-info/RECORD": "", "junk-3.4.dist-info/METADATA": bytes(range(256)) * 30})
    (site / "pipe-5.6.dist-info").mkdir()
    os.mkfifo(site / "pipe-5.6.dist-info" / "METADATA")
    write(site, {"~alf-1.0.dist-info/METADATA": PKG_INFO.format("half", "1.0")})
    environment = read(prefix)
    for name, version in (("empty", "1.2"), ("junk", "3.4"), ("pipe", "5.6")):
        distribution = environment.distribution(name)
        assert distribution is not None
        assert distribution.version == version
        assert distribution.problems
    assert environment.distribution("half") is None
    assert any("left behind by an interrupted pip" in problem for problem in environment.problems)


def test_control_characters_do_not_reach_a_terminal(prefix: Path, site: Path) -> None:
    info = install(site, "demo", "1.0")
    (info / "METADATA").write_text("Name: demo\x1b[31m\nVersion: 1.0\x07\n\n")
    labels = [distribution.label for distribution in read(prefix).distributions]
    assert labels == ["demo?[31m 1.0?"]


def test_more_requirements_than_anybody_has(prefix: Path, site: Path) -> None:
    info = install(site, "demo", "1.0")
    (info / "METADATA").write_text("Name: demo\nVersion: 1\n" + "Requires-Dist: x\n" * 9_000 + "\n")
    demo = found(prefix, "demo")
    assert len(demo.requires) == 5_000
    assert "9000 requirements" in demo.problems[0]


def test_egg_info_folder(prefix: Path, site: Path) -> None:
    write(
        site,
        {
            "Old_Kit-1.0-py3.11.egg-info/PKG-INFO": PKG_INFO.format("Old_Kit", "1.0"),
            "Old_Kit-1.0-py3.11.egg-info/requires.txt": "numpy\n[gpu]\ncupy\n",
            "Old_Kit-1.0-py3.11.egg-info/top_level.txt": "oldkit\n",
            "Old_Kit-1.0-py3.11.egg-info/installed-files.txt": "../oldkit/__init__.py\n../../../../bin/old\nPKG-INFO\n",
            "oldkit/__init__.py": "",
            "oldkit/unlisted.py": "",
        },
    )
    old = found(prefix, "old-kit")
    assert old.kind is DistributionKind.EGG_INFO
    assert old.requires == ("numpy", 'cupy; extra == "gpu"')
    assert old.extras == ("gpu",)
    assert old.top_level == ("oldkit",)
    assert str(site / "oldkit/__init__.py") in old.files
    assert str(site / "oldkit/unlisted.py") not in old.files


def test_egg_info_file(prefix: Path, site: Path) -> None:
    write(
        site,
        {
            "older-0.9-py3.11.egg-info": PKG_INFO.format("older", "0.9"),
            "older/__init__.py": "",
            "older/deep/x.py": "",
        },
    )
    older = found(prefix, "older")
    assert (older.version, older.top_level) == ("0.9", ("older",))
    assert str(site / "older/deep/x.py") in older.files


def egg_files(name: str) -> dict[str, str]:
    return {
        f"{name}/__init__.py": "X = 1\n",
        "EGG-INFO/PKG-INFO": PKG_INFO.format(name, "2.0"),
        "EGG-INFO/requires.txt": "numpy\n",
        "EGG-INFO/top_level.txt": f"{name}\n",
    }


def test_eggs(prefix: Path, site: Path) -> None:
    write(site / "wide-2.0-py3.11.egg", dict(egg_files("wide")))
    with zipfile.ZipFile(site / "tight-2.0-py3.11.egg", "w") as archive:
        for name, content in egg_files("tight").items():
            archive.writestr(name, content)
    write(site, {"easy-install.pth": "./wide-2.0-py3.11.egg\n./tight-2.0-py3.11.egg\n"})
    environment, tree = read_with_tree(prefix)
    for name in ("wide", "tight"):
        egg = environment.distribution(name)
        assert egg is not None
        assert egg.kind is DistributionKind.EGG
        assert (egg.version, egg.requires, egg.top_level) == ("2.0", ("numpy",), (name,))
        assert egg.files == (f"{egg.root}/{name}/__init__.py",)
        assert tree.has_file(egg.files[0])


def test_a_broken_egg_is_no_error(prefix: Path, site: Path) -> None:
    write(site, {"bad-1.0.egg": b"PK\x03\x04 not a zip", "bad.pth": "./bad-1.0.egg\n"})
    assert read(prefix).distributions == ()


def test_a_development_install(tmp_path: Path, prefix: Path, site: Path) -> None:
    write(
        tmp_path,
        {
            "src/devel.egg-info/PKG-INFO": PKG_INFO.format("devel", "3.0"),
            "src/devel.egg-info/top_level.txt": "devel\n",
            "src/devel/__init__.py": "",
        },
    )
    write(site, {"easy-install.pth": f"{tmp_path / 'src'}\n", "devel.egg-link": f"{tmp_path / 'src'}\n."})
    devel = found(prefix, "devel")
    assert devel.editable
    assert devel.files == (str(tmp_path / "src/devel/__init__.py"),)


def test_conda(prefix: Path, site: Path) -> None:
    install(site, "numpy", "1.26.4")
    install(site, "torch", "2.1.2", files={"torch/__init__.py": ""})
    version = site.parent.name
    write(
        prefix,
        {
            "conda-meta/history": "",
            "conda-meta/numpy-1.26.4-py311_0.json": "{}",
            "conda-meta/mkl-2023.1.0-h213fc3f_46344.json": '{"name": "mkl", "version": "2023.1.0",'
            ' "files": ["lib/libmkl_rt.so.2"]}',
            "conda-meta/pytorch-2.1.2-py3.11_cpu_0.json": '{"name": "pytorch", "version": "2.1.2", "files": '
            f'["lib/{version}/site-packages/torch-2.1.2.dist-info/METADATA"]}}',
            "conda-meta/bare-1.0-0.json": '{"name": "bare", "version": "1.0", "files": '
            f'["lib/{version}/site-packages/bare.py"]}}',
            "conda-meta/broken-1.0-0.json": "{",
        },
    )
    write(site, {"bare.py": ""})
    environment = read(prefix)
    kinds = {distribution.name: distribution.kind for distribution in environment.distributions}
    assert kinds == {
        "numpy": DistributionKind.DIST_INFO,
        "torch": DistributionKind.DIST_INFO,
        "mkl": DistributionKind.CONDA,
        "bare": DistributionKind.CONDA,
    }
    assert found(prefix, "mkl").files == (str(prefix / "lib/libmkl_rt.so.2"),)
    assert not environment.unowned
    assert any("broken-1.0-0.json" in problem for problem in environment.problems)


def test_a_distributions_digest_sees_its_own_files_alone(prefix: Path, site: Path) -> None:
    install(site, "demo", "1.0", files={"demo/__init__.py": "", "demo/deep/x.py": "", "tool.py": ""})
    install(site, "other", "1.0")

    def digests() -> dict[str, str]:
        environment, tree = read_with_tree(prefix)
        return {one.name: distribution_digest(one, tree) for one in environment.distributions}

    seen = [digests()]
    changes = {"demo/deep/x.py": "patched", "demo/added.py": "", "tool.py": "x", "demo-1.0.dist-info/RECORD": ""}
    for path, content in changes.items():
        write(site, {path: content})
        seen.append(digests())
    assert len({one["demo"] for one in seen}) == len(seen)
    assert len({one["other"] for one in seen}) == 1


def test_two_installs_are_both_there(prefix: Path, site: Path) -> None:
    install(site, "demo", "1.0")
    install(site, "demo", "2.0")
    assert [distribution.version for distribution in read(prefix).distributions] == ["1.0", "2.0"]


def test_folders_reached_by_two_names_are_read_once(prefix: Path, site: Path) -> None:
    install(site, "demo", "1.0")
    (prefix / "alias").symlink_to(site)
    write(site, {"alias.pth": f"{prefix / 'alias'}\n"})
    environment = read(prefix)
    assert len(environment.distributions) == 1
    assert not environment.copies


def test_modules_without_metadata(prefix: Path, site: Path) -> None:
    install(site, "demo", "1.0")
    write(site, {"stray/__init__.py": "", "single.py": "", "data/x.txt": "", "space/part/x.py": ""})
    assert read(prefix).unowned == (str(site / "single.py"), str(site / "stray"))


def test_the_names_and_versions_are_those_that_importlib_finds() -> None:
    prefix = Path(sys.prefix)
    environment = read(prefix)
    ours = {(one.name, one.version) for one in environment.distributions}
    folders = [entry.path for entry in environment.search_path]
    theirs = {
        (one.metadata["Name"].lower().replace("_", "-").replace(".", "-"), one.version)
        for one in distributions(path=folders)
    }
    assert ours == theirs
