"""Does a checkpoint load here, under this torch and NumPy, with ``weights_only`` and without, and with which code?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from torchlink.checkpoint.allow_code import allow_code
from torchlink.checkpoint.contents import Contents, Format
from torchlink.checkpoint.installed import Answer, Found, Installed, native_names
from torchlink.checkpoint.judge import Judgement, Safety
from torchlink.checkpoint.rules import Origin, allowed_names, first_releases, origins
from torchlink.checkpoint.tensors import STORAGE_DTYPES, storage_ref
from torchlink.checkpoint.values import Global
from torchlink.checkpoint.weights_only import Refusal, refusals, release_of, version_of
from torchlink.model.environment import Environment

_TORCH = (Format.TORCH_ZIP, Format.TORCH_LEGACY, Format.TORCH_TAR, Format.TORCHSCRIPT)
_GROUND = {"torch", "numpy"}
"""Their pickled names are looked up one by one; what they lack beside is not what loading needs."""
_NEEDS_NUMPY_2_GENERATOR = "numpy.random._pickle.__bit_generator_ctor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """A name in the file that this environment does not have."""

    name: str
    why: str
    mend: str = ""
    package: str = ""
    """The distribution that should have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What ``torch.load`` would do in one mode."""

    loads: bool | None
    """``None`` where it cannot be decided."""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loadability:
    """The whole answer for one file in one environment."""

    torch: str
    numpy: str
    restricted: Outcome
    """With ``weights_only=True``."""
    free: Outcome
    """With ``weights_only=False``."""
    default_is_restricted: bool
    refused: tuple[Refusal, ...]
    unresolved: tuple[Unresolved, ...]
    undecided: tuple[str, ...]
    devices: tuple[str, ...]
    """Devices other than the CPU that tensors were saved on."""
    code: str
    """Python that loads it here, where there is any that is safe."""


def loadability(
    contents: Contents, judgement: Judgement, environment: Environment, installed: Installed | None = None
) -> Loadability | None:
    """Judge a file against an environment; ``None`` where it is no file for ``torch.load``, or torch is missing.

    Args:
        contents: What the file holds.
        judgement: The verdict on it: there is no code to load a dangerous file.
        environment: Where it is to be loaded.
        installed: The environment's modules, to be handed on from file to file: it remembers what it has read.
    """
    torch = environment.distribution("torch")
    if torch is None or contents.format not in _TORCH:
        return None
    numpy = environment.distribution("numpy")
    release = release_of(torch.version)
    unresolved, undecided = _resolve_all(contents, environment, installed or Installed(environment))
    refused = _refused(contents, torch.version)
    broken = tuple(problem.detail for problem in contents.problems if problem.fatal) + _errors(contents)
    semantic = _semantic(contents, environment)
    free = _free(contents, unresolved, undecided, broken, semantic)
    restricted = _restricted(contents, refused, broken + semantic)
    devices = _devices(contents)
    code = ""
    if judgement.safety is not Safety.DANGEROUS and free.loads:
        code = allow_code(Path(contents.source.name).name, refused, release, numpy.version if numpy else "", devices)
    return Loadability(
        torch=torch.version,
        numpy=numpy.version if numpy else "",
        restricted=restricted,
        free=free,
        default_is_restricted=release.default,
        refused=refused,
        unresolved=unresolved,
        undecided=undecided,
        devices=devices,
        code=code,
    )


def _errors(contents: Contents) -> tuple[str, ...]:
    return tuple(stream.pickle.error for stream in contents.streams if stream.pickle.error)


def _refused(contents: Contents, torch: str) -> tuple[Refusal, ...]:
    release = release_of(torch)
    found: dict[str, Refusal] = {}
    if contents.format is Format.TORCH_TAR:
        return (Refusal(what="the legacy tar format", kind="form", offset=0),)
    if contents.format is Format.TORCHSCRIPT:
        # Before 2.6 torch.load handed such an archive to torch.jit.load, whatever weights_only said.
        if release.version < (2, 6):
            return ()
        return (Refusal(what="a TorchScript archive", kind="form", offset=0),)
    for stream in contents.streams:
        if contents.format is Format.TORCH_ZIP and stream is not contents.streams[contents.main]:
            continue
        for refusal in refusals(stream, release):
            found.setdefault(refusal.what, refusal)
    return tuple(found.values())


def _restricted(contents: Contents, refused: Sequence[Refusal], broken: tuple[str, ...]) -> Outcome:
    reasons = broken + tuple(refusal.what for refusal in refused)
    return Outcome(loads=not reasons and contents.main >= 0, reasons=reasons)


def _free(
    contents: Contents,
    unresolved: tuple[Unresolved, ...],
    undecided: tuple[str, ...],
    broken: tuple[str, ...],
    semantic: tuple[str, ...],
) -> Outcome:
    reasons = broken + semantic + tuple(f"{one.name}: {one.why}" for one in unresolved)
    if reasons or contents.main < 0:
        return Outcome(loads=False, reasons=reasons)
    return Outcome(loads=None if undecided else True, reasons=undecided)


def _semantic(contents: Contents, environment: Environment) -> tuple[str, ...]:
    """What fails although every name is there."""
    found: list[str] = []
    numpy = environment.distribution("numpy")
    windows = environment.interpreter.platform.startswith("win")
    torch = environment.distribution("torch")
    for stream in contents.streams:
        for name in stream.pickle.globals:
            old_torch = torch is not None and version_of(torch.version) < (2, 1)
            if name.name == "_rebuild_sparse_tensor" and old_torch and any(_has_four(call.args) for call in name.calls):
                found.append("a sparse tensor of torch 2.1 or later, which has a part that older ones do not expect")
            old_numpy = numpy is not None and version_of(numpy.version) < (2, 0)
            if name.path == _NEEDS_NUMPY_2_GENERATOR and old_numpy and any(_by_class(call.args) for call in name.calls):
                found.append("a NumPy generator of NumPy 2: older ones say 'is not a known BitGenerator module'")
            if windows and name.name in ("PosixPath",) and name.calls:
                found.append("a PosixPath, which cannot be made on Windows")
            if not windows and name.name == "WindowsPath" and name.calls:
                found.append("a WindowsPath, which can only be made on Windows")
    return tuple(dict.fromkeys(found))


def _has_four(args: object) -> bool:
    """Whether a COO tensor comes with four parts: torch 2.0 unpacks three."""
    if type(args) is not tuple or len(args) != 2 or type(args[1]) is not tuple or len(args[1]) != 4:
        return False
    return type(args[1][3]) is bool or args[1][3] is None


def _by_class(args: object) -> bool:
    return type(args) is tuple and bool(args) and type(args[0]) is Global


def _devices(contents: Contents) -> tuple[str, ...]:
    refs = (storage_ref(found) for stream in contents.streams for found in stream.pickle.persistent)
    return tuple(sorted({ref.location for ref in refs if ref is not None and ref.location not in ("cpu", "meta")}))


def _resolve_all(
    contents: Contents, environment: Environment, installed: Installed
) -> tuple[tuple[Unresolved, ...], tuple[str, ...]]:
    unresolved: dict[str, Unresolved] = {}
    undecided: list[str] = []
    if contents.format is Format.TORCHSCRIPT:
        return (), ()
    for stream in contents.streams:
        for name in stream.pickle.globals:
            answer = _resolve(name, installed, environment)
            if answer.found in (Found.NO_MODULE, Found.NO_NAME):
                unresolved.setdefault(name.path, _explain(name, answer, environment))
            elif name.module.startswith("torch.nested._internal."):
                undecided.append("a jagged nested tensor, whose form changed between releases of torch")
            elif answer.found is Found.UNKNOWN:
                undecided.append(f"{name.path}: {answer.detail}")
    undecided.extend(_incomplete(contents, environment))
    return tuple(unresolved.values()), tuple(dict.fromkeys(undecided))


def _incomplete(contents: Contents, environment: Environment) -> Iterator[str]:
    """Packages whose modules the file needs, and that lack a requirement: their import may fail."""
    needed = {name.module.partition(".")[0] for stream in contents.streams for name in stream.pickle.globals}
    for distribution in environment.distributions:
        if distribution.name in _GROUND or not needed.intersection(distribution.top_level):
            continue
        for line in distribution.requires:
            missing = _missing(line, environment)
            if missing:
                yield f"{distribution.label} needs {missing}, which is not installed"


def _missing(line: str, environment: Environment) -> str:
    """The package that a requirement names, where it applies and is not there."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return ""
    markers = {**environment.interpreter.markers, "extra": ""}
    if requirement.marker is not None and not requirement.marker.evaluate(markers):
        return ""
    return "" if environment.distribution(canonicalize_name(requirement.name)) else requirement.name


def _resolve(name: Global, installed: Installed, environment: Environment) -> Answer:
    """A name as the unpickler finds it; torch's storages are made from their name alone."""
    if "Storage" in name.name and name.name in STORAGE_DTYPES:
        return Answer(found=Found.EXISTS)
    answer = installed.resolve(name.module, name.name)
    if answer.found is Found.EXISTS:
        return answer
    if name.module == "torch":
        return _in_torch(name, installed, answer, environment)
    known = name.path in allowed_names() and not name.module.startswith("torch.")
    if known and answer.found is Found.UNKNOWN:
        return Answer(found=Found.EXISTS, detail=answer.detail)
    return answer


def _in_torch(name: Global, installed: Installed, answer: Answer, environment: Environment) -> Answer:
    """torch's own names come from its native part: its stub lists them."""
    package = installed.module("torch")
    if package is None:
        return answer
    stub = package.parent / "_C" / "__init__.pyi"
    torch = environment.distribution("torch")
    if name.name in native_names(stub) or (torch is not None and name.path in release_of(torch.version).allowed):
        return Answer(found=Found.EXISTS, detail=str(stub))
    return Answer(found=Found.NO_NAME if stub.is_file() else Found.UNKNOWN, detail=str(stub))


def _explain(name: Global, answer: Answer, environment: Environment) -> Unresolved:
    origin = _origin(name.module)
    owner = _owner(name.module, environment)
    if answer.found is Found.NO_MODULE:
        why = f"no module {answer.detail}"
        if origin is not None:
            why += f"; it comes from {origin.what}"
        elif owner:
            why += f" in {owner}"
        return Unresolved(name=name.path, why=why, mend=origin.mend if origin else "", package=owner.split(" ")[0])
    since = first_releases(owner.split(" ")[0]).get(name.name, "")
    if since:
        why = f"it exists from {owner.split(' ')[0]} {since} on; you have {owner.split(' ')[1]}"
    else:
        why = f"{owner or name.module} has no {name.name} in {name.module}"
    return Unresolved(name=name.path, why=why, package=owner.split(" ")[0])


def _origin(module: str) -> Origin | None:
    for origin in origins():
        if any(module == known or module.startswith(f"{known}.") for known in origin.modules):
            return origin
    return None


def _owner(module: str, environment: Environment) -> str:
    """The installed distribution that has a module's top-level package."""
    top = module.partition(".")[0]
    for distribution in environment.distributions:
        if top in distribution.top_level:
            return distribution.label
    return ""
