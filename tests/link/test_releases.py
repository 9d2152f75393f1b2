"""Released wheels against each other, by their facts."""

from __future__ import annotations

import pytest

from torchlink.link.releases import fit_of
from torchlink.model.matrix import Fit
from torchlink.model.native import NumpyAbi
from torchlink.model.release import ReleaseFact

MARKERS = {"python_version": "3.11", "sys_platform": "linux"}


def fact(name: str, version: str, **values: object) -> ReleaseFact:
    base = {"filename": f"{name}-{version}.whl", "sha256": "", "size": 1}
    return ReleaseFact(name=name, version=version, **{**base, **values})  # type: ignore[arg-type]


OLD = fact("torch", "2.2.2", numpy=NumpyAbi.NUMPY_1, numpy_seen="torch/lib/libtorch_python.so")
NEW = fact("torch", "2.3.0", numpy=NumpyAbi.NUMPY_2, numpy_level="1.23", numpy_seen="torch/lib/libtorch_python.so")


@pytest.mark.parametrize(
    ("torch", "numpy", "fit"),
    [
        (OLD, "1.26.4", Fit.WORKS),
        (OLD, "2.0.0", Fit.BREAKS),
        (NEW, "2.4.6", Fit.WORKS),
        (NEW, "1.22.4", Fit.BREAKS),
    ],
)
def test_numpys_generation_is_the_wheels(torch: ReleaseFact, numpy: str, fit: Fit) -> None:
    for pair in ((torch, fact("numpy", numpy)), (fact("numpy", numpy), torch)):
        cell = fit_of(*pair, MARKERS)
        assert cell.fit is fit
        assert "torch/lib/libtorch_python.so" in cell.evidence and torch.filename in cell.evidence


def test_metadata_speaks_where_bytes_do_not_forbid() -> None:
    pinned = fact("torch", "2.3.0", numpy=NumpyAbi.NUMPY_2, numpy_seen="x.so", requires=("numpy<2",))
    assert fit_of(pinned, fact("numpy", "2.0.0"), MARKERS).fit is Fit.REFUSED
    elsewhere = fact(
        "torch", "2.3.0", numpy=NumpyAbi.NUMPY_2, numpy_seen="x.so", requires=('numpy<2; sys_platform=="win32"',)
    )
    assert fit_of(elsewhere, fact("numpy", "2.0.0"), MARKERS).fit is Fit.WORKS


def test_torchs_interface_is_of_one_minor_release() -> None:
    vision = fact("torchvision", "0.19.1", torch="2.4", torch_seen="_C.so")
    assert fit_of(vision, fact("torch", "2.4.0"), MARKERS).fit is Fit.WORKS
    assert fit_of(vision, fact("torch", "2.5.1"), MARKERS).fit is Fit.BREAKS
    silent = fact("torchaudio", "2.11.0", torch_seen="lib.so")
    assert fit_of(silent, fact("torch", "2.9.0"), MARKERS).fit is Fit.UNKNOWN


@pytest.mark.parametrize(
    ("exporting", "torch", "fit"),
    [
        (("2.9.0", "2.9.1"), "2.9.1+cu128", Fit.WORKS),
        (("2.9.0", "2.9.1"), "2.8.0", Fit.BREAKS),
        (("2.9.0", "2.9.1"), "2.10.0", Fit.UNKNOWN),  # its wheel was not read
        (("2.8.0", "2.9.0", "2.9.1"), "2.9.1", Fit.UNKNOWN),  # a symbol does not tell a changed layout
    ],
)
def test_without_a_pin_the_exports_of_torch_speak(exporting: tuple[str, ...], torch: str, fit: Fit) -> None:
    lacking = tuple(one for one in ("2.7.0", "2.8.0") if one not in exporting)
    ao = fact("torchao", "0.14.1", torch_seen="_C.so", torch_exporting=exporting, torch_lacking=lacking)
    assert fit_of(ao, fact("torch", torch), MARKERS).fit is fit


def test_where_nothing_is_known_it_is_said() -> None:
    cell = fit_of(fact("a", "1"), fact("b", "1"), MARKERS)
    assert cell.fit is Fit.UNKNOWN and "neither" in cell.evidence
