"""Requirements between installed distributions, in real environments on disk."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.installs import install, make_venv, read, write
from torchlink.link.requires import link_requires
from torchlink.model.reference import Broken, Links, PartyType, Severity


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return tmp_path / "env"


@pytest.fixture
def site(prefix: Path) -> Path:
    return make_venv(prefix)


def linked(prefix: Path) -> Links:
    return link_requires(read(prefix))


def only(links: Links) -> Broken:
    assert len(links.broken) == 1, links.broken
    return links.broken[0]


def test_a_sound_environment(prefix: Path, site: Path) -> None:
    install(site, "numpy", "1.26.4")
    install(site, "demo", "1.0", requires=["NumPy<2,>=1.20", 'absent; python_version < "3"', "numpy (>=1.7)"])
    links = linked(prefix)
    assert not links.broken
    assert not links.undecided
    assert links.references >= 2


def test_a_violated_range_is_a_risk(prefix: Path, site: Path) -> None:
    install(site, "numpy", "2.2.6")
    install(site, "demo", "1.0", requires=["numpy<2,>=1.20"])
    broken = only(linked(prefix))
    assert broken.severity is Severity.RISK
    assert (broken.needer.label, broken.provider.label) == ("demo 1.0", "numpy 2.2.6")
    assert broken.target == "numpy<2,>=1.20"
    assert broken.cause == "demo 1.0 declares that it needs numpy<2,>=1.20, and numpy 2.2.6 is installed"
    assert broken.symptom == "demo 1.0 has requirement numpy<2,>=1.20, but you have numpy 2.2.6."
    assert broken.evidence[0].artifact == "demo-1.0.dist-info"
    assert broken.evidence[0].detail == "Requires-Dist: numpy<2,>=1.20"


def test_a_missing_distribution(prefix: Path, site: Path) -> None:
    install(site, "demo", "1.0", requires=["huggingface_hub>=0.20"])
    broken = only(linked(prefix))
    assert (broken.provider.name, broken.provider.version) == ("huggingface-hub", "")
    assert broken.severity is Severity.RISK
    assert "no such distribution is installed" in broken.cause


def test_what_satisfies(prefix: Path, site: Path) -> None:
    install(site, "torch", "2.1.2+cu121")
    install(site, "pre", "2.0rc1")
    install(site, "post", "1.0.post3")
    requires = ["torch==2.1.2", "torch>=2.1", "pre>=1.5", "post>1.0.post1", "odd @ https://example.org/odd.whl"]
    install(site, "odd", "7")
    install(site, "demo", "1.0", requires=requires)
    assert not linked(prefix).broken


def test_extras_hold_only_where_somebody_asks_for_them(prefix: Path, site: Path) -> None:
    extra = ['absent-one; extra == "one"', 'absent-two; (python_version >= "3") and extra == "Two_X"']
    install(site, "lib", "1.0", requires=[*extra, 'absent-three; extra == "three" or extra == "four"'])
    assert not linked(prefix).broken
    install(site, "asks-two", "1.0", requires=["lib[two-x]"])
    broken = only(linked(prefix))
    assert broken.provider.name == "absent-two"
    assert broken.cause.startswith("lib 1.0 (extra two-x)")
    install(site, "asks-all", "1.0", requires=["lib[all]"])
    assert {one.provider.name for one in linked(prefix).broken} == {"absent-two"}
    install(site, "asks-four", "1.0", requires=["lib[four]"])
    assert {one.provider.name for one in linked(prefix).broken} == {"absent-two", "absent-three"}


def test_extras_of_extras_and_cycles(prefix: Path, site: Path) -> None:
    install(site, "lib", "1.0", requires=['lib[b]; extra == "a"', 'lib[a]; extra == "b"', 'gone; extra == "b"'])
    install(site, "asks", "1.0", requires=["lib[a]"])
    assert [one.provider.name for one in linked(prefix).broken] == ["gone"]


def test_a_requirement_that_holds_without_the_extra_is_told_once(prefix: Path, site: Path) -> None:
    install(site, "lib", "1.0", requires=['gone; extra == "a" or python_version >= "3"'])
    install(site, "asks", "1.0", requires=["lib[a]"])
    only(linked(prefix))


def test_lines_that_older_tools_wrote(prefix: Path, site: Path) -> None:
    install(site, "numpy", "1.26.4")
    install(site, "demo", "1.0", requires=["numpy (>=1.0.*)", "numpy>=1.2.*,<2"])
    links = linked(prefix)
    assert not links.broken
    assert not links.undecided


@pytest.mark.parametrize(
    "line",
    ["numpy = 1", "numpy; python_version ~= 'x'", "???", "numpy>=1.0;" + "(" * 5000, f"numpy>={'9' * 5000}.0"],
)
def test_lines_that_cannot_be_read_are_unknown(prefix: Path, site: Path, line: str) -> None:
    install(site, "numpy", "1.26.4")
    install(site, "demo", "1.0", requires=[line])
    links = linked(prefix)
    assert not links.broken
    assert [one.artifact for one in links.undecided] == ["demo 1.0"]


def test_a_version_that_is_none_is_unknown(prefix: Path, site: Path) -> None:
    info = install(site, "numpy", "1.26.4")
    (info / "METADATA").write_text("Name: numpy\nVersion: 2011k-final\n\n")
    install(site, "demo", "1.0", requires=["numpy>=1"])
    links = linked(prefix)
    assert not links.broken
    assert "not PEP 440" in links.undecided[0].reason


def test_another_variant_of_the_same_project_is_no_alarm(prefix: Path, site: Path) -> None:
    install(site, "opencv-python", "4.10.0.84", files={"cv2/__init__.py": ""})
    install(site, "demo", "1.0", requires=["opencv-contrib-python-headless>=4.9"])
    broken = only(linked(prefix))
    assert broken.severity is Severity.NOTE
    assert "provides cv2" in broken.cause
    install(site, "strict", "1.0", requires=["opencv-python-headless>=4.11"])
    assert {one.severity for one in linked(prefix).broken} == {Severity.NOTE, Severity.RISK}


def test_cuda_libraries_of_another_generation_are_no_variant(prefix: Path, site: Path) -> None:
    install(site, "nvidia-cudnn-cu12", "9.1", files={"nvidia/cudnn/__init__.py": ""})
    install(site, "demo", "1.0", requires=["nvidia-cudnn-cu11"])
    assert only(linked(prefix)).severity is Severity.RISK


def test_what_conda_alone_provides_is_there(prefix: Path, site: Path) -> None:
    write(prefix, {"conda-meta/libthing-1-0.json": '{"name": "libthing", "version": "1", "files": []}'})
    install(site, "demo", "1.0", requires=["libthing>=2"])
    assert not linked(prefix).broken


def test_requires_python(prefix: Path, site: Path) -> None:
    install(site, "old", "1.0", headers=["Requires-Python: <3.8"])
    install(site, "new", "1.0", headers=["Requires-Python: >=3.6.*"])
    broken = only(linked(prefix))
    assert broken.provider.type is PartyType.PYTHON
    assert broken.culprits == ("old",)
    assert f"this is Python {sys.version.split()[0]}" in broken.cause


def test_the_first_on_the_search_path_counts(tmp_path: Path, prefix: Path, site: Path) -> None:
    install(site, "numpy", "1.26.4")
    install(site, "demo", "1.0", requires=["numpy<2"])
    install(tmp_path / "extra", "numpy", "2.2.6")
    links = link_requires(read(prefix, {"PYTHONPATH": str(tmp_path / "extra")}))
    requirement = next(one for one in links.broken if one.target == "numpy<2")
    assert requirement.provider.version == "2.2.6"
