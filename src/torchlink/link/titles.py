"""The title of a finding: one sentence a kind of reference, written from its parties."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torchlink.link.demangle import demangle
from torchlink.model.reference import Kind, Party, PartyType

_NAMED_TARGETS = 2
_SYMBOL_VERSION = re.compile(r"[A-Z]+_[\d.]+")
"""``GLIBC_2.34``, ``GLIBCXX_3.4.32``, ``CXXABI_1.3.13``."""

_THE_SYSTEM = Party(type=PartyType.SYSTEM, name=PartyType.SYSTEM.value)

_CLAUSE_END = re.compile(r"[:;]\s")


def title(kind: Kind, needer: Party, provider: Party, targets: Sequence[str]) -> str:
    """Say in one sentence who needs what and what is there instead.

    Args:
        kind: The kind of reference.
        needer: Who needs.
        provider: Who should provide; a package without a version is not installed.
        targets: What is needed: requirements, names, symbols or sonames, best first.
    """
    who, wanted = _subject(needer), _listed(targets)
    match kind:
        case Kind.NUMPY_ABI:
            return _numpy_abi(who, provider)
        case Kind.SYMBOL:
            return _symbol(who, provider, targets)
        case Kind.GATE:
            return f"{who} refuses {_object(provider)}" if _is_present(provider) else f"{who} needs {_absent(provider)}"
        case Kind.PLATFORM:
            return _platform(who, provider, wanted)
        case Kind.REQUIRES:
            return f"{who} requires {wanted}; {_here(provider)}"
        case Kind.BEHAVIOUR:
            return f"{who} relies on {wanted}; {_object(provider)} is installed"
        case Kind.KERNEL:
            return _kernel(who, provider, wanted)
        case Kind.LIBRARY | Kind.IMPORT | Kind.GLOBAL:
            return f"{who} needs {wanted}; {_lacking(provider, targets)}"
        case _:
            return f"{who} needs {wanted} of {_object(provider)}"


def title_of_state(cause: str) -> str:
    """The title where the fault lies with neither party, but in how things were put together: the cause's first clause.

    ``torch.py hides torch 2.1.2: whatever imports torch gets this file`` becomes ``torch.py hides torch 2.1.2``.
    """
    return _CLAUSE_END.split(cause, maxsplit=1)[0]


def _subject(party: Party) -> str:
    return "The project" if party.type is PartyType.PROJECT else _object(party)


def _object(party: Party) -> str:
    match party.type:
        case PartyType.PROJECT:
            return "the project"
        case PartyType.PYTHON:
            return f"Python {party.version}".strip()
        case PartyType.DRIVER:
            return f"the driver {party.version}".strip()
        case PartyType.SYSTEM if party.name == PartyType.SYSTEM.value:
            return party.version or "the system"
        case _:
            return party.label


def _is_present(party: Party) -> bool:
    return bool(party.version) or party.type is not PartyType.PACKAGE


def _absent(party: Party) -> str:
    return f"{party.name}, which is not installed"


def _here(provider: Party) -> str:
    if not _is_present(provider):
        return f"{provider.name} is not installed"
    where = "installed" if provider.type is PartyType.PACKAGE else "here"
    return f"{_object(provider)} is {where}"


def _lacking(provider: Party, targets: Sequence[str]) -> str:
    if not _is_present(provider):
        return f"{provider.name} is not installed"
    what = "it" if len(targets) == 1 else "them"
    if provider.type is PartyType.SYSTEM and (provider.name in targets or provider == _THE_SYSTEM):
        return f"nothing here provides {what}"
    return f"{_object(provider)} does not have {what}"


def _platform(who: str, provider: Party, wanted: str) -> str:
    if provider.type is not PartyType.PYTHON:
        return f"{who} needs {wanted}; {_here(provider)}"
    here = f"{_object(provider)} is here" if provider.version else "this interpreter is for another machine"
    return f"{who} was built for {wanted}; {here}"


def _kernel(who: str, provider: Party, wanted: str) -> str:
    if provider.type is PartyType.GPU:
        verb = "has no" if wanted.startswith("code ") else "is not"
        return f"{who} {verb} {wanted}, which {provider.name} needs"
    return f"{who} needs {wanted}; {_here(provider)}"


def _symbol(who: str, provider: Party, targets: Sequence[str]) -> str:
    if not _is_present(provider):
        return f"{who} needs {_absent(provider)}"
    if provider.type is not PartyType.PACKAGE or _SYMBOL_VERSION.fullmatch(targets[0]):
        return f"{who} needs {_listed([demangle(target) for target in targets])}; {_lacking(provider, targets)}"
    releases = [target for target in targets if target.startswith(f"{provider.name} ")]
    if releases:
        return f"{who} was built for {releases[0]}; {provider.label} is installed"
    return f"{who} was built for another {provider.name} than {provider.version}{provider.build}"


def _numpy_abi(who: str, numpy: Party) -> str:
    if not _is_present(numpy):
        return f"{who} needs {_absent(numpy)}"
    major = numpy.version.partition(".")[0]
    if major.isdigit() and int(major) >= 2:
        return f"{who} was built for NumPy 1; {numpy.label} is installed"
    return f"{who} was built for a newer NumPy C API than {numpy.label} has"


def _listed(targets: Sequence[str]) -> str:
    named = targets[:_NAMED_TARGETS]
    rest = len(targets) - len(named)
    if rest:
        return f"{', '.join(named)} and {rest} more"
    return " and ".join(named)
