"""``platform``: wheel tags and the names of extension modules against the interpreter.

Sources: PEP 425, 600 and 656 for tags; ``importlib.machinery.EXTENSION_SUFFIXES`` for which files are modules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from torchlink.link.parties import package, python, seen_at
from torchlink.model.environment import Distribution, Environment, Interpreter
from torchlink.model.reference import Broken, Kind, Links, Party, PartyType, Severity, Undecided

_TAGGED = re.compile(r"\.(?:cpython-\d+[a-z]*(?:-[\w]+)*|cp\d+[a-z]*-\w+|pypy\d+-pp\d+(?:-[\w]+)*)\.(?:so|pyd)$")
_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_(\w+)")
_MOST_TAGS = 500
_LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


@dataclass(frozen=True, slots=True)
class _Misfit:
    """Why a wheel does not fit: what it needs, and what there is instead."""

    needs: str
    here: str
    system: bool
    """Whether the machine and not the interpreter is what does not fit."""


def link_platform(environment: Environment) -> Links:
    """Compare what each distribution was built for with the interpreter that would load it.

    An extension module under another interpreter's name is not found by ``import``: the import linker says whether that
    is reached, so it is a risk here. A tag alone is a risk too: it is what the builder wrote, not what the files are.
    """
    supported = frozenset(environment.interpreter.tags)
    broken: list[Broken] = []
    undecided: list[Undecided] = []
    for distribution in environment.distributions:
        tags = tuple(tag for line in distribution.tags for tag in expand(line))
        if any(tag in supported and not _is_of_one_python(tag) for tag in tags):
            continue  # what it is named for another Python, it loads by itself (``ctypes``, ``torch.ops.load_library``)
        orphans = list(unimportable_extensions(distribution.files, environment.interpreter.extension_suffixes))
        if orphans:
            broken.append(_orphaned(distribution, orphans, environment))
            continue
        misfit = _tag_misfit(tags, supported, environment.interpreter)
        if misfit is not None and _has_native_files(distribution):
            broken.append(_misfitting(distribution, misfit, environment))
    if not environment.interpreter.libc and environment.interpreter.platform.startswith("linux"):
        undecided.append(_libc_unknown(environment))
    return Links(broken=tuple(broken), undecided=tuple(undecided), references=len(environment.distributions))


def expand(line: str) -> Iterator[str]:
    """Yield the single tags of a compressed one: ``cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64``."""
    parts = [part.split(".") for part in line.split("-")]
    if len(parts) == 3 and len(parts[0]) * len(parts[1]) * len(parts[2]) <= _MOST_TAGS:
        yield from ("-".join(tag) for tag in product(*parts))


def _is_of_one_python(tag: str) -> bool:
    return tag.split("-")[1] not in {"abi3", "none"}


def unimportable_extensions(files: Iterable[str], suffixes: tuple[str, ...]) -> Iterator[str]:
    """Yield the extension modules whose names only another interpreter looks for.

    A module that is there under a right name too, or as Python source, is no loss and left out.
    """
    wrong = [
        (path, match.start()) for path in files if (match := _TAGGED.search(path)) and not path.endswith(suffixes[:1])
    ]
    if not wrong:
        return
    present = frozenset(files)
    for path, end in wrong:
        stem = path[:end]
        if not any(stem + suffix in present for suffix in (*suffixes, ".py", "/__init__.py")):
            yield path


def _orphaned(distribution: Distribution, orphans: list[str], environment: Environment) -> Broken:
    tag = _TAGGED.search(orphans[0])
    built_for = tag[0].rpartition(".")[0].lstrip(".") if tag else ""
    wanted = environment.interpreter.extension_suffixes[0] if environment.interpreter.extension_suffixes else ""
    return Broken(
        kind=Kind.PLATFORM,
        severity=Severity.RISK,
        needer=package(distribution),
        provider=python(environment),
        target=built_for,
        cause=f"{distribution.label} has {_counted(orphans)} built for {built_for}, and this Python finds only names "
        f"that end in {wanted}",
        symptom="ModuleNotFoundError or ImportError: no such module, though the file is there",
        evidence=tuple(seen_at(path, f"built for {built_for}", environment) for path in orphans[:3]),
        culprits=(distribution.name,),
    )


def _counted(orphans: list[str]) -> str:
    return "an extension module" if len(orphans) == 1 else f"{len(orphans)} extension modules"


def _tag_misfit(tags: tuple[str, ...], supported: frozenset[str], interpreter: Interpreter) -> _Misfit | None:
    split = [parts for tag in tags if len(parts := tag.split("-")) == 3]
    if not split or any(tag in supported for tag in tags):
        return None
    pythons = frozenset(tag.rsplit("-", 1)[0] for tag in supported)
    fitting = [platform for interpreter_tag, abi, platform in split if f"{interpreter_tag}-{abi}" in pythons]
    if not fitting:
        return _Misfit(needs=_python_tag(split), here=f"Python {interpreter.version}", system=False)
    machine = interpreter.platform.partition("_")[2]
    if machine and not any(platform.endswith(machine) for platform in fitting):
        return _Misfit(needs=" or ".join(sorted(set(fitting))), here=interpreter.platform, system=True)
    floors = [floor for platform in fitting if (floor := _glibc_floor(platform)) is not None]
    if floors and interpreter.libc.startswith("glibc") and len(floors) == len(fitting):
        major, minor = min(floors)
        return _Misfit(needs=f"glibc >= {major}.{minor}", here=interpreter.libc, system=True)
    if all(platform.startswith("musllinux") for platform in fitting) and interpreter.libc.startswith("glibc"):
        return _Misfit(needs="musl", here=interpreter.libc, system=True)
    if floors and interpreter.libc.startswith("musl"):
        return _Misfit(needs="glibc", here=interpreter.libc, system=True)
    return _Misfit(needs=" or ".join(sorted(set(fitting))), here=interpreter.platform, system=True)


def _python_tag(split: list[list[str]]) -> str:
    return " or ".join(sorted({f"{interpreter}-{abi}" for interpreter, abi, _ in split}))


def _glibc_floor(platform: str) -> tuple[int, int] | None:
    if match := _MANYLINUX.fullmatch(platform):
        return int(match[1]), int(match[2])
    return _LEGACY.get(platform.partition("_")[0])


def _has_native_files(distribution: Distribution) -> bool:
    """A pure wheel with a wrong tag works: what its tag says was a slip of its builder."""
    return any(path.endswith((".so", ".pyd", ".dylib")) or ".so." in path for path in distribution.files)


def _misfitting(distribution: Distribution, misfit: _Misfit, environment: Environment) -> Broken:
    interpreter = environment.interpreter
    system = Party(type=PartyType.SYSTEM, name="system", version=misfit.here)
    return Broken(
        kind=Kind.PLATFORM,
        severity=Severity.RISK,
        needer=package(distribution),
        provider=system if misfit.system else python(environment),
        target=misfit.needs,
        cause=f"the wheel of {distribution.label} is for {misfit.needs}, and this is {misfit.here}"
        + ("" if interpreter.executed else " (as far as its folder shows)"),
        evidence=(seen_at(distribution.metadata_path, f"Tag: {distribution.tags[0]}", environment),),
        culprits=(distribution.name,),
    )


def _libc_unknown(environment: Environment) -> Undecided:
    return Undecided(
        kind=Kind.PLATFORM,
        artifact=environment.prefix,
        reason="the C library of the machine that runs it is not known, so no wheel's floor was compared with it",
        reached=False,
    )
