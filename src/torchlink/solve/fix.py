"""Fixes by a loop: resolve, link the answer, teach uv every pair that fails, and resolve again until nothing does.

Each alternative keeps another side as it is. What comes out is a plan only after its whole set was linked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from packaging.requirements import InvalidRequirement, Requirement

from torchlink.catalog.wheels import Pin
from torchlink.model.errors import TorchlinkError
from torchlink.model.finding import Finding
from torchlink.model.names import normalise
from torchlink.model.plan import Plan
from torchlink.model.reference import PartyType
from torchlink.model.report import Report
from torchlink.read.environment import environment_of
from torchlink.read.metadata import CoreMetadata, parse_core_metadata
from torchlink.read.wheel import Wheel
from torchlink.read.wheel_environment import Placed
from torchlink.solve.ask import Asked, needed, pins_of, set_of
from torchlink.solve.declared import Declared
from torchlink.solve.goals import goals, is_break, left
from torchlink.solve.lessons import Lesson, from_facts
from torchlink.solve.plan import Fixes, make_plan, ranked
from torchlink.solve.releases import is_final
from torchlink.solve.ties import tied
from torchlink.solve.trial import Judge, Trial, other_releases
from torchlink.solve.uv import Metadata, UnsatisfiableError, Wish
from torchlink.solve.wheel_set import WheelSet

Tell = Callable[[str, int, int], None]
MOST_TURNS = 8
MOST_READ = 8 * 2**30
"""Of wheels that were never read before, for one alternative: torch with its CUDA libraries is up to four gigabytes."""
MOST_KEPT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is to be mended."""

    asked: Asked
    report: Report
    declared: tuple[Declared, ...]
    judge: Judge
    tell: Tell
    wanted: str = ""
    """The one finding that is to be mended; empty for all."""
    lessons: dict[tuple[str, ...], Lesson] = field(default_factory=dict)
    """What trying releases has taught so far, for every alternative."""
    trials: dict[tuple[str, ...], bool] = field(default_factory=dict)
    """What each trial has shown."""

    @property
    def present(self) -> Mapping[str, str]:
        """The versions as they are: installed, or resolved without any lesson."""
        return self.asked.present

    @property
    def goals(self) -> list[Finding]:
        return goals(self.report, self.wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One way to look for a fix: what stays as it is, and what may move against the user's own words."""

    title: str
    kept: Mapping[str, str] = field(default_factory=dict)
    relaxed: frozenset[str] = frozenset()
    newest: bool = False


_KEEPS_ALL = Alternative(title="keeps all that you ask for")


@dataclass(slots=True)
class _Search:
    """What was learned on the way."""

    held: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    taught: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    lessons: list[Lesson] = field(default_factory=list)
    read: int = 0
    """Bytes of wheels that were read for it."""


def fixes(trouble: Trouble) -> Fixes:
    """Look for fixes of what the report found.

    Raises:
        TorchlinkError: an index does not answer.
    """
    sought = trouble.goals
    if not sought:
        return Fixes(plans=(), without=())
    plans: list[Plan] = []
    without: list[str] = []
    seen: set[frozenset[tuple[str, str]]] = set()
    alternatives = list(_alternatives(trouble, sought))
    for number, alternative in enumerate(alternatives):
        trouble.tell(f"looking for a fix that {alternative.title}", number, len(alternatives))
        found = _search(trouble, alternative)
        if isinstance(found, str):
            without.append(f"none that {alternative.title}: {found}")
            continue
        answer, report = found
        plan = make_plan(trouble.present, answer, trouble.report, report, trouble.declared, sought, alternative.title)
        versions = frozenset((step.package, step.new) for step in plan.steps)
        if versions and versions not in seen:
            seen.add(versions)
            plans.append(plan)
    return Fixes(plans=ranked(plans), without=tuple(without))


def sound_set(trouble: Trouble) -> WheelSet | None:
    """The set for all that is asked for that links, if one is found.

    Raises:
        TorchlinkError: an index does not answer.
    """
    found = _search(trouble, _KEEPS_ALL)
    return None if isinstance(found, str) else found[0]


def _alternatives(trouble: Trouble, goals: Sequence[Finding]) -> Iterator[Alternative]:
    parties = (party for one in goals for party in (one.needer, one.provider) if party.type is PartyType.PACKAGE)
    involved = list(dict.fromkeys(party.name for party in parties if party.name in trouble.present))
    declared = {one.name for one in trouble.declared}
    requires = _requires(trouble.asked)
    if not trouble.asked.forced:  # uv has said already that it cannot be
        yield _KEEPS_ALL
    for name in involved[:MOST_KEPT]:
        version = trouble.present[name].partition("+")[0]
        others = tied(set(involved) - {name}, declared - {name}, requires)
        yield Alternative(title=f"keeps {name} {version}", kept={name: version}, relaxed=others)
    every = tied(involved, declared, requires)
    yield Alternative(title="takes the newest of everything", relaxed=every, newest=True)


def _requires(asked: Asked) -> Callable[[str], Sequence[str]]:
    """What the present release of each package requires."""
    installed = () if asked.answer.beneath is None else environment_of(asked.answer.beneath).distributions
    known = {one.name: one.requires for one in reversed(installed)}
    known.update((one.name, _core(one.wheel).requires) for one in asked.answer.placed if one.wheel is not None)
    return lambda name: known.get(name, ())


def _search(trouble: Trouble, alternative: Alternative) -> tuple[WheelSet, Report] | str:
    """Turn the loop. The answer that links, else one that only brings risks, else why there is none."""
    risky: tuple[WheelSet, Report] | None = None
    search = _Search(held=[f"{name}=={version}" for name, version in alternative.kept.items()])
    wanted = frozenset(one.id for one in trouble.goals)
    for _ in range(MOST_TURNS):
        wish = _wish(trouble, alternative, search)
        try:
            pins = pins_of(trouble.asked.uv, wish)
        except UnsatisfiableError as error:
            return risky or _contradiction(search, error)
        search.read += trouble.asked.wheels.unread(needed(trouble.asked, pins))
        if search.read > MOST_READ:
            return risky or f"more than {MOST_READ >> 30} GB of wheels would have to be read for it"
        answer = set_of(trouble.asked, pins)
        report = trouble.judge(answer)
        wrong = left(trouble.report, report, wanted)
        if not wrong:
            return answer, report
        if not any(map(is_break, wrong)) and not wanted & {one.id for one in wrong}:
            risky = risky or (answer, report)
        learned = [_learn(one, trouble, alternative, answer, search) for one in wrong]
        if not any(learned):
            return risky or f"{wrong[0].title} stays, and no other release of what is at fault is known to mend it"
    return risky or f"{MOST_TURNS} turns were not enough; the last answer still has: {wrong[0].title}"


def _wish(trouble: Trouble, alternative: Alternative, search: _Search) -> Wish:
    asked = trouble.asked
    lines = [one.relaxed() if one.name in alternative.relaxed else str(one.requirement) for one in trouble.declared]
    if asked.answer.beneath is not None or asked.question.frozen is not None:
        lines += [name for name in asked.present if name not in asked.local]
    taught = tuple(_metadata(name, version, extra, asked) for (name, version), extra in search.taught.items())
    preferred = {} if alternative.newest else {name: one.partition("+")[0] for name, one in asked.present.items()}
    return replace(
        asked.wish,
        lines=tuple(dict.fromkeys((*lines, *search.added))),
        files=(),
        held=tuple(search.held),
        preferred=preferred,
        taught=taught,
        # With every final release refuted, uv would take those that came before them.
        prereleases="explicit" if all(map(is_final, asked.present.values())) else "",
    )


def _learn(finding: Finding, trouble: Trouble, alternative: Alternative, answer: WheelSet, search: _Search) -> bool:
    """Learn from one failing pair. False where nothing new can be."""
    present = _versions(trouble, answer)
    needer, provider = finding.needer.name, finding.provider.name
    if finding.needer.type is not PartyType.PACKAGE or needer not in present:
        needer = ""
    if finding.provider.type is not PartyType.PACKAGE:
        provider = ""
    if provider and provider not in present and _add(provider, trouble, search):
        return True
    if provider in present and provider not in alternative.kept:
        lesson = from_facts(finding, _placed(answer, needer)) or _tried(finding, provider, trouble, answer)
        return _teach(lesson, needer if needer not in alternative.kept else "", present, search)
    if needer and needer not in alternative.kept:
        return _teach(_tried(finding, needer, trouble, answer), "", present, search)
    return False


def _teach(lesson: Lesson, needer: str, present: Mapping[str, str], search: _Search) -> bool:
    """Say it to uv: of this very release of the needer, or of the whole answer where the needer stays anyway."""
    line = f"{lesson.name}{lesson.specifier}"
    known = search.taught.setdefault((needer, present[needer]), []) if needer else search.held
    if line in known:
        return False
    known.append(line)
    search.lessons.append(lesson)
    return True


def _add(name: str, trouble: Trouble, search: _Search) -> bool:
    """A package that is missing altogether is asked for, where an index has one of this name."""
    wanted = _MODULE_OF.get(name, name)
    if wanted in search.added:
        return False
    try:
        if not trouble.asked.wheels.files(wanted):
            return False
    except TorchlinkError:
        return False
    search.added.append(wanted)
    return True


_MODULE_OF = {"pkg-resources": "setuptools"}
"""Distributions that provide a module under another name, where one is often missing without being declared."""


def _tried(finding: Finding, name: str, trouble: Trouble, answer: WheelSet) -> Lesson:
    """What trying other releases of a package teaches; the same pair is tried once."""
    key = (name, finding.id, finding.needer.label, finding.provider.label)
    if key not in trouble.lessons:
        trial = Trial(
            finding=finding,
            answer=answer,
            wheels=trouble.asked.wheels,
            versions=_versions(trouble, answer),
            judge=trouble.judge,
            known=trouble.trials,
        )
        trouble.lessons[key] = other_releases(trial, name)
    return trouble.lessons[key]


def _versions(trouble: Trouble, answer: WheelSet) -> dict[str, str]:
    return {**(trouble.present if answer.beneath is not None else {}), **answer.versions}


def _placed(answer: WheelSet, name: str) -> Placed | None:
    return next((one for one in answer.placed if one.name == name), None)


def _metadata(name: str, version: str, extra: Sequence[str], asked: Asked) -> Metadata:
    """A release's own metadata, whole, with what was learned of it."""
    (placed,) = asked.wheels.place([Pin(name=name, version=version)])
    if placed.wheel is not None:
        core = _core(placed.wheel)
        requires, extras, python = core.requires, core.extras, core.requires_python
    else:
        installed = None if asked.answer.beneath is None else environment_of(asked.answer.beneath).distribution(name)
        requires = () if installed is None else installed.requires
        extras, python = ((), "") if installed is None else (installed.extras, installed.requires_python)
    return Metadata(
        name=name,
        version=version.partition("+")[0],
        requires=(*filter(_is_requirement, requires), *extra),
        extras=tuple(map(normalise, extras)),
        requires_python=python,
    )


def _core(wheel: Wheel) -> CoreMetadata:
    return parse_core_metadata(wheel.text(f"{wheel.info}/METADATA"))


def _is_requirement(line: str) -> bool:
    try:
        Requirement(line)
    except InvalidRequirement:
        return False
    return True


def _contradiction(search: _Search, error: UnsatisfiableError) -> str:
    """Why there is no answer: what was learned, and that nothing is left; uv's own words where nothing was."""
    if not search.lessons:
        return str(error)[:400]
    learned = [f"{one.why}, and so for {one.excluded}" if one.excluded else one.why for one in search.lessons]
    return f"{'; '.join(dict.fromkeys(learned))}; with what is left, not all that is asked for can be had"
