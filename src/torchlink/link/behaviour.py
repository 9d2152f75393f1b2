"""Behaviour rules: a call or a name resolves and still does something else than its writer relied on.

Rules come in as values (``rules/behaviour``), and so do facts of source files. In the project every use is judged; in
an installed package those of the modules that are reached, whose functions are not known to be called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from torchlink.link.behaviour_files import NOTHING, Contents, Reading, Release
from torchlink.link.behaviour_index import Index
from torchlink.link.behaviour_match import holds
from torchlink.link.behaviour_names import Place
from torchlink.link.importing.run import compact, module_name
from torchlink.link.owners import Owners, normalise
from torchlink.model.environment import Distribution, Environment, Project
from torchlink.model.reach import Reach
from torchlink.model.reference import Broken, Evidence, Kind, Links, Party, PartyType, Severity, Undecided
from torchlink.model.rules import Doubt, Is, Rule
from torchlink.model.saved import SavedValues
from torchlink.model.uses import (
    Call,
    CheckpointReader,
    FileUses,
    Form,
    Name,
    Needle,
    Use,
    UsesReader,
)

_SET = frozenset({"1", "y", "yes", "true"})
_ASKS = re.compile(
    r"(?i)version|hasattr|getattr|signature|available|installed|supports|greater|less_than|at_least|\d_\d|numpy_?[12]$"
)
"""Names in a condition that asks what is installed: what stands under it is meant for some versions only."""
_REQUIRED = re.compile(r"[A-Za-z0-9][\w.-]*")
_CLASH = {Severity.BREAK: Severity.RISK, Severity.RISK: Severity.RISK, Severity.NOTE: Severity.NOTE}


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviourInputs:
    """What the rules are applied to, and by."""

    environment: Environment
    project: Project | None
    reach: Reach
    owners: Owners
    reader: UsesReader
    checkpoints: CheckpointReader
    rules: Sequence[Rule]
    saved: SavedValues
    allowed: frozenset[str]
    """What the installed torch takes by default under ``weights_only=True``."""
    variables: Mapping[str, str]
    chosen: bool
    """Whether somebody has chosen what is imported: a project, or a question about packages that it names. Otherwise it
    is all that is installed, and what a package does inside is worth a note."""
    told: frozenset[str] = frozenset()
    """Places at which a name was found missing already."""


@dataclass(frozen=True, slots=True)
class _Hit:
    """One use to which a rule applies."""

    place: Place
    severity: Severity
    target: str
    reading: Reading = NOTHING
    call: Call | None = None


def link_behaviour(inputs: BehaviourInputs) -> Links:
    """Apply every rule that the installed versions make apply."""
    environment = inputs.environment
    rules = [rule for rule in inputs.rules if applies(rule, environment)]
    if not rules:
        return Links()
    project = Group(inputs, project_files(inputs.reader, inputs.project), in_project=True)
    packages = [Group(inputs, files, in_project=False) for files in _package_files(inputs, rules)]
    replaced = {name for group in (project, *packages) for name in group.index.replaced}
    broken: list[Broken] = []
    undecided: list[Undecided] = []
    for group in (project, *packages):
        for rule in rules:
            if group.is_judged_by(rule) and not replaced.intersection(rule.unless.replaced):
                found, doubts = group.apply(rule)
                broken.extend(found)
                undecided.extend(doubts)
    references = sum(len(group.files) for group in (project, *packages))
    return Links(broken=tuple(broken), undecided=tuple(undecided), references=references)


def applies(rule: Rule, environment: Environment) -> bool:
    """Whether the installed versions are those after the change."""
    if any(environment.distribution(name) is not None for name in rule.missing):
        return False
    others = all(_within(environment, name, specifier) for name, specifier in rule.where.items())
    return others and bool(provider_of(rule, environment))


def provider_of(rule: Rule, environment: Environment) -> str:
    """The distribution whose version makes the rule apply; empty where none does."""
    names = (rule.package, *rule.or_package)
    return next((name for name in names if _within(environment, name, rule.after)), "")


def _within(environment: Environment, name: str, specifier: str) -> bool:
    distribution = environment.distribution(name)
    if distribution is None:
        return False
    try:
        return SpecifierSet(specifier).contains(Version(distribution.public_version), prereleases=True)
    except InvalidVersion:
        return False


def project_files(reader: UsesReader, project: Project | None) -> list[FileUses]:
    """What the project's own files use."""
    if project is None:
        return []
    return [reader.uses(str(path), module_name(project, str(path))) for path in project.sources]


def _package_files(inputs: BehaviourInputs, rules: Sequence[Rule]) -> Iterator[list[FileUses]]:
    """The reached files of installed packages that mention what a rule is about, package by package."""
    wanted: dict[str, tuple[Needle, ...]] = {}
    files: dict[str, list[FileUses]] = {}
    for module, path in inputs.reach.files.items():
        owner = inputs.owners.of_path(path) if path.endswith(".py") else None
        if owner is None:
            continue
        if owner.name not in wanted:
            wanted[owner.name] = needles(rule for rule in rules if _may_use(owner, rule))
        if wanted[owner.name] and inputs.reader.mentions(path, wanted[owner.name]):
            files.setdefault(owner.name, []).append(inputs.reader.uses(path, module))
    yield from files.values()


def _may_use(owner: Distribution, rule: Rule) -> bool:
    """Whether a package says that it needs the one that a rule is about; one that says nothing may need any."""
    packages = {rule.package, *rule.or_package}
    if owner.name in packages:
        return False
    required = {normalise(found.group()) for line in owner.requires if (found := _REQUIRED.match(line))}
    return not required or bool(packages & required)


def needles(rules: Iterable[Rule]) -> tuple[Needle, ...]:
    """What a package's file must mention for one of these rules to be about it.

    Methods are judged in projects alone, and so is what would only be a note.
    """
    return tuple(
        Needle(frozenset((*rule.names, *rule.calls)), _arguments_given(rule))
        for rule in rules
        if (rule.names or rule.calls) and rule.elsewhere is not Severity.NOTE
    )


def _arguments_given(rule: Rule) -> frozenset[str]:
    """Keywords of which one stands in the call."""
    given = [test.name.split("|") for test in rule.arguments if test.test is Is.GIVEN]
    return frozenset(given[0]) if given else frozenset()


@dataclass(slots=True)
class Group:
    """The project's files, or those of one package."""

    inputs: BehaviourInputs
    files: list[FileUses]
    in_project: bool
    owner: str = field(init=False, default="")
    index: Index = field(init=False)
    contents: Contents = field(init=False)

    def __post_init__(self) -> None:
        inputs = self.inputs
        self.index = Index(self.files)
        if not self.in_project and self.files:
            party = inputs.owners.party(self.files[0].path)
            self.owner = party.name if party.type is PartyType.PACKAGE else ""
        numpy = inputs.environment.distribution("numpy")
        core = "numpy.core" if numpy is not None and numpy.version.startswith("1.") else "numpy._core"
        self.contents = Contents(
            self.index,
            inputs.checkpoints,
            inputs.saved,
            Release(inputs.allowed, core),
            [str(inputs.project.root)] if inputs.project is not None else [],
        )

    # One rule

    def is_judged_by(self, rule: Rule) -> bool:
        """Whether a rule is for these files: what would only be a note is told of projects alone."""
        if self.in_project:
            return True
        return self.owner not in (rule.package, *rule.or_package) and rule.elsewhere is not Severity.NOTE

    def apply(self, rule: Rule) -> tuple[list[Broken], list[Undecided]]:
        if self.is_excused(rule):
            return [], []
        hits: list[_Hit] = []
        doubts: list[Undecided] = []
        for place, name in self.index.places(rule):
            if guarded(rule, place.use) or (rule.names and self._where(place) in self.inputs.told):
                continue
            hit = self._judge(rule, place, name)
            if isinstance(hit, _Hit):
                hits.append(hit)
            elif hit is not None:
                doubts.append(hit)
        return [self._broken(rule, hit) for hit in hits], doubts

    def is_excused(self, rule: Rule) -> bool:
        """Whether something that is done anywhere makes the rule hold its peace."""
        unless = rule.unless
        if any(name in self.index.calls for name in unless.called):
            return True
        by_source = any(f"os.environ.{name}" in self.index.replaced for name in unless.environment)
        return by_source or any(self.inputs.variables.get(name, "").lower() in _SET for name in unless.environment)

    # One use

    def _judge(self, rule: Rule, place: Place, name: str) -> _Hit | Undecided | None:
        if place.use.form is not Form.CALL or not isinstance(place.use.value, Call):
            return _Hit(place, self._severity(rule, place), name)
        calls = self.index.code.as_called(place, self.index.code.call(place.use.value))
        hits = [hit for call in calls if isinstance(hit := self._judge_call(rule, place, call), _Hit)]
        if hits:
            return min(hits, key=lambda hit: hit.severity.rank)
        truths = [holds(rule, call, self.index.code, self.contents.saved) for call in calls]
        if rule.doubt is Doubt.UNDECIDED and None in truths and self.in_project:
            where = self._where(place)
            reason = f"{rule.relies_on}: an argument that decides it is only known at run time"
            return Undecided(kind=Kind.BEHAVIOUR, artifact=where, reason=reason, reached=True)
        return None

    def _judge_call(self, rule: Rule, place: Place, call: Call) -> _Hit | None:
        truth = holds(rule, call, self.index.code, self.contents.saved)
        if truth is False or self.is_allowed_at(rule, place):
            return None
        severity = self._severity(rule, place) if truth else _doubted(rule.doubt)
        if severity is None:
            return None
        target = rule.relies_on
        if rule.content is None or truth is None:
            return _Hit(place, severity, target, call=call)
        reading = self.contents.read(place, call, rule.content)
        if reading.loads:
            return None
        if reading.refused:
            return _Hit(place, severity, target, reading, call)
        unknown = rule.content.unknown
        if unknown is None or reading.told:
            return None
        return _Hit(place, _worse(severity, unknown), target, call=call)

    def is_allowed_at(self, rule: Rule, place: Place) -> bool:
        """Whether a context manager around a use makes the rule hold its peace."""
        contexts = (self.index.code.resolved(one) for one in place.use.contexts)
        return any(
            isinstance(one, Call) and isinstance(one.callee, Name) and one.callee.dotted in rule.unless.within
            for one in contexts
        )

    def _severity(self, rule: Rule, place: Place) -> Severity:
        if not self.in_project:
            return rule.elsewhere if self.inputs.chosen else Severity.NOTE
        return _CLASH[rule.severity] if place.use.conditional else rule.severity

    # What is told

    def _where(self, place: Place) -> str:
        return self.inputs.owners.place(place.file.path, place.use.line)

    def _broken(self, rule: Rule, hit: _Hit) -> Broken:
        inputs = self.inputs
        use, file = hit.place.use, hit.place.file
        where = self._where(hit.place)
        provider = inputs.owners.names[provider_of(rule, inputs.environment)]
        held = f" {_sentence(hit.reading)}" if hit.reading.refused else ""
        return Broken(
            kind=Kind.BEHAVIOUR,
            severity=hit.severity,
            needer=self._needer(file),
            provider=Party(
                type=PartyType.PACKAGE,
                name=provider.name,
                version=provider.public_version,
                build=provider.build,
                path=provider.metadata_path,
            ),
            target=hit.target if not rule.names else f"{hit.target}{_instead(rule, hit.target)}",
            rule=rule.code,
            cause=f"{rule.changes}{held}",
            symptom=rule.symptom,
            evidence=(
                Evidence(artifact=where, detail=f"{_cell(file, use)}column {use.column}: {file.line(use.line)}"),
                *(Evidence(artifact=seen.file, detail=f"{seen.release}: {seen.detail}") for seen in rule.evidence[:1]),
            ),
            culprits=self._culprits(rule, hit),
            chain=self._chain(file, where),
        )

    def _needer(self, file: FileUses) -> Party:
        if not self.in_project or self.inputs.project is None:
            return self.inputs.owners.party(file.path, file.module)
        root = self.inputs.project.root
        return Party(type=PartyType.PROJECT, name=root.name, path=self.inputs.owners.relative(file.path))

    def _culprits(self, rule: Rule, hit: _Hit) -> tuple[str, ...]:
        """Who would have to change: the package whose version decides, and NumPy where its values are in the file."""
        named_too = ("numpy",) if any(name.startswith("numpy.") for name in hit.reading.refused) else ()
        needer = () if self.in_project else (self.owner,)
        return tuple(dict.fromkeys(name for name in (rule.package, *rule.culprits, *named_too, *needer) if name))

    def _chain(self, file: FileUses, where: str) -> tuple[str, ...]:
        if self.in_project:
            return (where,)
        return compact((*self.inputs.reach.modules.get(file.module, ()), where))


def guarded(rule: Rule, use: Use) -> bool:
    """Whether the code around a use takes the error, or asks before for which versions it is."""
    if use.caught.intersection({*rule.raises, "Exception", "BaseException"}) and rule.raises:
        return True
    return any(_ASKS.search(name) for name in use.tests)


def _doubted(doubt: Doubt) -> Severity | None:
    return {Doubt.RISK: Severity.RISK, Doubt.NOTE: Severity.NOTE}.get(doubt)


def _worse(severity: Severity, bound: Severity) -> Severity:
    """At most as bad as ``bound``."""
    return max(severity, bound, key=lambda one: one.rank)


def _sentence(reading: Reading) -> str:
    shown = ", ".join(reading.refused[:4])
    more = len(reading.refused) - 4
    return f"{reading.told} {shown}{f' and {more} more' if more > 0 else ''}, which it refuses."


def _instead(rule: Rule, name: str) -> str:
    replacement = rule.names.get(name, "")
    return f" (now {replacement})" if replacement else ""


def _cell(file: FileUses, use: Use) -> str:
    """In a notebook, the cell and the line in it."""
    starts = [(place, before) for place, before in enumerate(file.cells, start=1) if 0 <= before < use.line]
    return f"cell {starts[-1][0]}, line {use.line - starts[-1][1]}, " if starts else ""
