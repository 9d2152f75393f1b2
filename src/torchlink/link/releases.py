"""Two released wheels against each other, by their facts alone."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.requirements import Requirement
from packaging.version import Version

from torchlink.model.matrix import Cell, Fit
from torchlink.model.names import normalise
from torchlink.model.native import NumpyAbi
from torchlink.model.release import ReleaseFact


def fit_of(one: ReleaseFact, other: ReleaseFact, markers: Mapping[str, str]) -> Cell:
    """How two releases go together: bytes first, metadata where they do not speak against it.

    Args:
        one: a release.
        other: a release of another package.
        markers: the environment of PEP 508 markers that they are judged for.
    """
    found = [cell for pair in ((one, other), (other, one)) if (cell := _bytes_of(*pair)) is not None]
    broken = [cell for cell in found if cell.fit is Fit.BREAKS]
    if broken:
        return broken[0]
    refused = _forbidden(one, other, markers) or _forbidden(other, one, markers)
    if refused:
        return Cell(fit=Fit.REFUSED, evidence=refused)
    if found:
        return found[0]
    return Cell(fit=Fit.UNKNOWN, evidence=SILENT)


SILENT = "neither wheel's native libraries speak of the other, and metadata allows it"
"""The evidence where facts say nothing: to link the two may."""


def _bytes_of(needer: ReleaseFact, provider: ReleaseFact) -> Cell | None:
    if provider.name == "numpy":
        return _numpy(needer, Version(provider.version))
    return fit_with_torch(needer, Version(provider.version)) if provider.name == "torch" else None


def _numpy(needer: ReleaseFact, numpy: Version) -> Cell | None:
    """The rule of NumPy's C API: code for NumPy 1 is refused by NumPy 2, code for NumPy 2 runs down to its level."""
    seen = f"{needer.filename}: {needer.numpy_seen}"
    if needer.numpy is NumpyAbi.NUMPY_1:
        evidence = f"{seen} knows only numpy.core._multiarray_umath: it was built for NumPy 1"
        return Cell(fit=Fit.BREAKS if numpy.major >= 2 else Fit.WORKS, evidence=evidence)
    if needer.numpy is NumpyAbi.NUMPY_2:
        level = needer.numpy_level
        if level and numpy.release[:2] < Version(level).release[:2]:
            return Cell(fit=Fit.BREAKS, evidence=f"{seen} needs the C API of NumPy {level}")
        return Cell(fit=Fit.WORKS, evidence=f"{seen} knows numpy._core._multiarray_umath: it runs on NumPy 1 and 2")
    if needer.numpy is NumpyAbi.UNKNOWN:
        return Cell(fit=Fit.UNKNOWN, evidence=f"{seen} uses NumPy, and does not show of which generation")
    return None


def fit_with_torch(needer: ReleaseFact, torch: Version) -> Cell | None:
    """The rule of torch's C++ interface: it is another one in every minor release."""
    if not needer.torch_seen:
        return None
    evidence = f"{needer.filename}: {needer.torch_seen}"
    if needer.torch_exporting:
        return Cell(fit=_by_exports(needer, torch), evidence=evidence)
    if not needer.torch:
        return Cell(fit=Fit.UNKNOWN, evidence=evidence)
    same = ".".join(map(str, torch.release[:2])) == needer.torch
    return Cell(fit=Fit.WORKS if same else Fit.BREAKS, evidence=evidence)


def _by_exports(needer: ReleaseFact, torch: Version) -> Fit:
    """A release that lacks a symbol breaks; one that has all fits where no other minor release has them."""
    if torch.public in needer.torch_lacking:
        return Fit.BREAKS
    minors = {Version(one).release[:2] for one in needer.torch_exporting}
    return Fit.WORKS if minors == {torch.release[:2]} else Fit.UNKNOWN


def _forbidden(needer: ReleaseFact, provider: ReleaseFact, markers: Mapping[str, str]) -> str:
    """The line of metadata that does not allow the other; empty where there is none."""
    for line in needer.requires:
        requirement = Requirement(line)
        if normalise(requirement.name) != provider.name:
            continue
        applies = requirement.marker is None or requirement.marker.evaluate({**markers, "extra": ""})
        if applies and not requirement.specifier.contains(provider.version, prereleases=True):
            return f"{needer.filename}: Requires-Dist: {line}"
    return ""
