"""The linker of native libraries: what loading each of them would do, and which of that is a finding.

Four questions, in the order in which a process would fail: do its libraries and symbol versions exist, do its symbols
(`process`); was it built for this torch (`torch_abi`); does this NumPy hand it its C API (`numpy_abi`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import replace

from torchlink.link import native_causes as causes
from torchlink.link.numpy_abi import NumpyFit, numpy_fit
from torchlink.link.owners import Owners
from torchlink.link.process import BINDINGS, Faults, Process
from torchlink.link.torch_abi import (
    Built,
    Exporters,
    TorchApi,
    built_for,
    exporters,
    is_torch_library,
    other_minor,
    torch_api,
)
from torchlink.model.environment import Distribution, Environment
from torchlink.model.errors import UnreadableError
from torchlink.model.exports import Exports
from torchlink.model.native import Load, LoadOutcome, NativeFacts, NativeFiles, NumpyAbi, NumpyFailure
from torchlink.model.reach import Reach
from torchlink.model.reference import Broken, Evidence, Kind, Links, PartyType, Severity, Undecided

TORCH, NUMPY = "torch", "numpy"


class NativeLinker:
    """Judges native libraries of one environment. It is a `NativeLoader`; each library is judged once."""

    def __init__(
        self,
        environment: Environment,
        files: NativeFiles,
        natives: Sequence[str],
        *,
        owners: Owners | None = None,
        library_path: tuple[str, ...] = (),
        torch_exports: Callable[[], Exports] | None = None,
    ) -> None:
        """Prepare to link.

        Args:
            environment: what is installed.
            files: gives facts and folders.
            natives: absolute paths of the environment's native libraries.
            owners: who owns a file; made from the environment where it is not given.
            library_path: the folders of LD_LIBRARY_PATH.
            torch_exports: gives what the releases of torch export; asked where an extension uses torch's C++ interface.
        """
        self._natives = tuple(natives)
        self._files = files
        self._owners = owners or Owners(environment)
        self._torch_exports = torch_exports
        self._interpreter = environment.interpreter
        self._torch = environment.distribution(TORCH)
        self._numpy = environment.distribution(NUMPY)
        self._belongs = {path: self._owners.of_path(path) for path in self._natives}
        self._linux = self._interpreter.platform.startswith("linux")
        self._loads: dict[str, Load] = {}
        self._generations: dict[str, NumpyAbi] | None = None
        self._process = Process(
            files=files,
            natives=self._natives,
            owners={path: owner.name for path, owner in self._belongs.items() if owner},
            executable=self._interpreter.executable if self._interpreter.executed else "",
            library_path=library_path,
        )

    def load(self, path: str) -> Load:
        """Judge the library at an absolute path. Never raises: what cannot be read is ``UNKNOWN``."""
        if path not in self._loads:
            try:
                self._loads[path] = self._judge(path, self._files.facts(path))
            except UnreadableError as error:
                self._loads[path] = Load(outcome=LoadOutcome.UNKNOWN, reason=str(error))
        return self._loads[path]

    def links(self, reach: Reach, bridge_calls: tuple[Evidence, ...] = ()) -> Links:
        """All findings about native libraries, those on a reached path with their chain.

        Args:
            reach: what the target reaches.
            bridge_calls: the project's own calls that need torch's NumPy bridge, as evidence where that is dead.
        """
        if not self._linux:
            reason = f"native libraries of {self._interpreter.platform} are not read, only those of Linux"
            return Links(undecided=(Undecided(kind=Kind.LIBRARY, artifact="", reason=reason, reached=True),))
        broken: list[Broken] = []
        undecided: list[Undecided] = []
        for path in dict.fromkeys((*self._natives, *reach.libraries)):
            load, reached = self.load(path), path in reach.libraries
            if load.outcome is not LoadOutcome.UNKNOWN:
                broken.extend(self._weighed(path, load, reach, bridge_calls))
            elif reached or self._importable(path):
                artifact = self._owners.relative(path)
                undecided.append(Undecided(kind=Kind.LIBRARY, artifact=artifact, reason=load.reason, reached=reached))
        return Links(broken=tuple(broken), undecided=tuple(undecided), references=self._references())

    def _references(self) -> int:
        count = 0
        for path in self._natives:
            try:
                library = self._files.facts(path).library
            except UnreadableError:
                continue
            count += len(library.needed) + len(library.undefined) + len(library.version_needs)
        return count

    def _weighed(self, path: str, load: Load, reach: Reach, bridge_calls: tuple[Evidence, ...]) -> tuple[Broken, ...]:
        """What a load breaks, with the severity that its reach gives it."""
        if load.outcome is LoadOutcome.WARNS and path.endswith(BINDINGS):
            return self._bridge(load, reach, bridge_calls)
        found = reach.libraries.get(path)
        if found is None:
            return tuple(filter(_certain, load.broken)) if self._importable(path) else ()
        if found.optional:
            return ()
        if not found.guarded and load.outcome is not LoadOutcome.WARNS:
            return tuple(replace(one, severity=Severity.BREAK, chain=found.chain) for one in load.broken)
        severity = Severity.NOTE if all(map(_is_systems, load.broken)) else Severity.RISK
        return tuple(replace(one, severity=severity, chain=found.chain) for one in load.broken)

    def _bridge(self, load: Load, reach: Reach, calls: tuple[Evidence, ...]) -> tuple[Broken, ...]:
        """torch without its NumPy bridge: broken wherever torch is imported."""
        chain = reach.chain_to(TORCH)
        if chain is None:
            return load.broken
        return tuple(
            replace(one, severity=Severity.BREAK, chain=chain, evidence=(*one.evidence[:1], *calls, *one.evidence[1:]))
            for one in load.broken
        )

    def _importable(self, path: str) -> bool:
        """Whether a file is an extension module of this interpreter, by its name.

        What is called ``libX.so`` is loaded by something else, or is a variant that nothing loads.
        """
        name, dot, suffix = posixpath.basename(path).partition(".")
        return dot + suffix in self._interpreter.extension_suffixes and not name.startswith("lib")

    def _judge(self, path: str, facts: NativeFacts) -> Load:
        if refused := self._other_machine(path, facts):
            return refused
        owner = self._owner(path)
        faults = self._process.load(path, torch=self._after_torch(facts, owner))
        api, built = self._torch_build(path, facts, owner)
        if faults.any:
            return self._fails(path, faults, built)
        if self._torch and built and api is TorchApi.UNSTABLE and other_minor(built, self._torch.version):
            shown = self._exporters(facts)
            if not shown.deny(built, self._torch.version):
                broken = causes.other_torch(self._owners, path, built, self._torch, shown)
                return Load(outcome=LoadOutcome.FAILS, exception="crash", reason=broken.cause, broken=(broken,))
        judged = self._against_numpy(path, faults)
        if judged.outcome is LoadOutcome.LOADS and faults.unknown:
            return Load(outcome=LoadOutcome.UNKNOWN, reason=faults.unknown[0])
        return judged

    def _owner(self, path: str) -> Distribution | None:
        return self._belongs[path] if path in self._belongs else self._owners.of_path(path)

    def _other_machine(self, path: str, facts: NativeFacts) -> Load | None:
        """The answer for a library of another architecture."""
        here, there = self._process.machine, facts.library.machine
        if not here or here == there:
            return None
        broken = causes.other_machine(self._owners, path, there, here)
        return Load(outcome=LoadOutcome.FAILS, exception="ImportError", reason=broken.cause, broken=(broken,))

    def _after_torch(self, facts: NativeFacts, owner: Distribution | None) -> bool:
        """Whether torch is imported before this library is loaded."""
        if torch_api(facts.library) is not TorchApi.NONE:
            return True
        if owner is None:
            return False
        return owner.name == TORCH or any(line.lower().startswith(TORCH) for line in owner.requires)

    def _torch_build(self, path: str, facts: NativeFacts, owner: Distribution | None) -> tuple[TorchApi, Built | None]:
        """What an extension uses of torch, and the torch it was built for; torch's own libraries are not asked."""
        api = torch_api(facts.library)
        if owner is None or owner.name == TORCH or api is TorchApi.NONE:
            return TorchApi.NONE, None
        return api, built_for(owner, self._files.torch_record(posixpath.dirname(path)))

    def _exporters(self, facts: NativeFacts) -> Exporters:
        return exporters(facts.library, self._torch_exports()) if self._torch_exports else Exporters()

    def _fails(self, path: str, faults: Faults, built: Built | None) -> Load:
        shown = self._exporters(self._files.facts(path)) if faults.symbols else Exporters()
        broken = causes.of_faults(self._owners, path, faults, built, self._torch, shown)
        return Load(outcome=LoadOutcome.FAILS, exception="ImportError", reason=broken[0].symptom, broken=broken)

    def _against_numpy(self, path: str, faults: Faults) -> Load:
        """What NumPy says to a library, or to one of its own package that comes with it."""
        own = [member for member in faults.closure if member == path or self._same_package(member, path)]
        verdicts = [verdict for member in own if (verdict := self._with_numpy(member))]
        verdict = verdicts[0] if verdicts else Load(outcome=LoadOutcome.LOADS)
        # torch's bindings speak for themselves: `links` weighs them by whether torch is reached.
        if verdict.outcome is LoadOutcome.WARNS and not path.endswith(BINDINGS) and self._same_package(path, TORCH):
            return replace(verdict, broken=())
        return verdict

    def _same_package(self, path: str, other: str) -> bool:
        owner, name = self._owner(path), other if other == TORCH else ""
        beside = None if name else self._owner(other)
        return owner is not None and (owner.name == name or owner is beside)

    def _with_numpy(self, path: str) -> Load | None:
        """What one library meets when it asks NumPy for its C API; ``None`` where it gets it."""
        if self._numpy is None:
            return None
        facts = self._files.facts(path)
        fit = numpy_fit(facts, self._generation(path, facts), self._numpy.version)
        if fit is NumpyFit.FITS:
            return None
        if fit is NumpyFit.UNKNOWN:
            return Load(outcome=LoadOutcome.UNKNOWN, reason="the NumPy that it was built for cannot be told")
        broken = causes.numpy_abi(self._owners, path, facts, fit, self._numpy)
        outcome = LoadOutcome.FAILS
        if fit is NumpyFit.TOO_OLD and facts.numpy_failure in (NumpyFailure.WARNING, NumpyFailure.UNKNOWN):
            outcome = LoadOutcome.WARNS
        exception = "ValueError" if facts.numpy_failure is NumpyFailure.VALUE_ERROR else "ImportError"
        return Load(outcome=outcome, exception=exception, reason=broken.symptom, broken=(broken,))

    def _generation(self, path: str, facts: NativeFacts) -> NumpyAbi:
        """The NumPy generation of a library; one that does not show it is of its distribution's."""
        if facts.numpy is not NumpyAbi.UNKNOWN:
            return facts.numpy
        owner = self._owner(path)
        return self._siblings().get(owner.name, NumpyAbi.UNKNOWN) if owner else NumpyAbi.UNKNOWN

    def _siblings(self) -> dict[str, NumpyAbi]:
        """The NumPy generation of each distribution whose extensions agree on one."""
        if self._generations is None:
            seen: dict[str, set[NumpyAbi]] = {}
            for path, owner in self._belongs.items():
                if owner is not None and (generation := self._shown(path)):
                    seen.setdefault(owner.name, set()).add(generation)
            self._generations = {name: one for name, found in seen.items() if len(found) == 1 for one in found}
        return self._generations

    def _shown(self, path: str) -> NumpyAbi | None:
        try:
            generation = self._files.facts(path).numpy
        except UnreadableError:
            return None
        return generation if generation in (NumpyAbi.NUMPY_1, NumpyAbi.NUMPY_2) else None


def _certain(broken: Broken) -> bool:
    """Whether something is wrong even with a library that nothing is seen to load.

    Packages carry variants of which they load the one that finds its libraries (FFmpeg 4, 5 or 6; CUDA 11 or 12), so a
    missing library says nothing; unless it is torch's own, of which there is one. Nor does another machine's code.
    """
    if broken.kind is Kind.LIBRARY:
        return is_torch_library(broken.target)
    return broken.kind is not Kind.PLATFORM


def _is_systems(broken: Broken) -> bool:
    """A library that the system lacks (FFmpeg, SoX): where a package does without, it is its user's choice."""
    return broken.kind is Kind.LIBRARY and broken.provider.type is PartyType.SYSTEM
