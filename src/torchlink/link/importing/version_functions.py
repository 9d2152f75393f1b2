"""Functions that tell and compare versions: ``importlib.metadata``, ``packaging``, ``pkg_resources``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from torchlink.link.importing import (
    operations,
    versions,
)
from torchlink.link.importing.failures import PackageNotFoundError, Raised, exception
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.texts import VersionText
from torchlink.link.importing.values import (
    UNKNOWN,
    ForeignObject,
    Intrinsic,
    Value,
    is_text,
)


def distribution_version(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``importlib.metadata.version(name)``."""
    name = arguments[0] if arguments else keywords.get("distribution_name")
    if not is_text(name):
        return UNKNOWN
    version = versions.installed_version(machine, name)
    if version is None:
        raise Raised(exception(PackageNotFoundError, name))
    return version


def distribution(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``importlib.metadata.distribution(name)``."""
    return ForeignObject("distribution", (distribution_version(machine, arguments, keywords), arguments[0]))


def old_distribution(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``pkg_resources.get_distribution(name)``."""
    with _old_exceptions(machine):
        return distribution(machine, arguments, keywords)


def old_require(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``pkg_resources.require(*texts)``. What the required distributions require themselves is left open."""
    for text in arguments:
        needed = requirement(machine, [text], {})
        if not isinstance(needed, ForeignObject):
            return UNKNOWN
        name, allowed, _ = needed.data
        with _old_exceptions(machine):
            version = distribution_version(machine, [name], {})
            if not isinstance(allowed, SpecifierSet) or not isinstance(version, (str, Version)):
                return UNKNOWN
            if not allowed.contains(version, prereleases=True):
                raise Raised(exception(PackageNotFoundError, f"{name} {version}"))
    return UNKNOWN


@contextmanager
def _old_exceptions(machine: Machine) -> Iterator[None]:
    """``pkg_resources`` has exceptions of its own."""
    try:
        yield
    except Raised as raised:
        module = machine.modules.get("pkg_resources")
        own = None if module is None else module.namespace.get("DistributionNotFound")
        if own is not None:
            raised.value.cls = own
        raise


def packages_distributions(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``importlib.metadata.packages_distributions()``."""
    result: dict[Value, Value] = {}
    for distribution in machine.environment.distributions:
        for name in distribution.top_level:
            known = result.setdefault(name, [])
            if isinstance(known, list):
                known.append(distribution.name)
    return result


def parse_version(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``packaging.version.parse(text)`` and its like."""
    try:
        return operations.parse_version(arguments[0])
    except InvalidVersion:
        return UNKNOWN


def specifier(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``packaging.specifiers.SpecifierSet(text)``."""
    text = arguments[0] if arguments else ""
    if not is_text(text):
        return UNKNOWN
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return UNKNOWN


def requirement(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``packaging.requirements.Requirement(text)``."""
    text = arguments[0]
    if not is_text(text):
        return UNKNOWN
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return UNKNOWN
    return ForeignObject("requirement", (requirement.name, requirement.specifier, frozenset(requirement.extras)))


def torch_version(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``torch.torch_version.TorchVersion``: a string that compares as a version."""
    text = arguments[-1]
    if not is_text(text):
        return UNKNOWN
    distribution = machine.owners.names.get("torch")
    return VersionText(text, "torch") if distribution is not None else text


PARSE_VERSION = Intrinsic("packaging.version.parse", parse_version)
