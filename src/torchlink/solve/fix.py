"""Fixes by a loop: resolve, link the answer, teach uv every pair that fails, and resolve again until nothing does.

Each alternative keeps another side as it is. What comes out is a plan only after its whole set was linked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from packaging.requirements import InvalidRequirement, Requirement

from torchlink.catalog.core_metadata import core_metadata
from torchlink.catalog.wheels import Pin
from torchlink.model.errors import UnreadableError
from torchlink.model.finding import Finding
from torchlink.model.names import normalise
from torchlink.model.plan import Plan
from torchlink.model.reference import PartyType
from torchlink.model.report import Report
from torchlink.read.environment import environment_of
from torchlink.read.http import UnreachableError
from torchlink.read.metadata import CoreMetadata, parse_core_metadata
from torchlink.solve.ask import Asked, needed, set_of
from torchlink.solve.goals import faults, is_break, left
from torchlink.solve.learning import Turn, learn
from torchlink.solve.plan import Fixes, make_plan, ranked
from torchlink.solve.releases import is_final
from torchlink.solve.resolving import pins_of
from torchlink.solve.ties import tied
from torchlink.solve.trouble import Alternative, Search, Trouble
from torchlink.solve.uv import Metadata, UnsatisfiableError, Wish
from torchlink.solve.wheel_set import WheelSet

MOST_TURNS = 8
MOST_READ = 8 * 2**30
"""Of wheels that were never read before, for one alternative: torch with its CUDA libraries is up to four gigabytes."""
MOST_KEPT = 4
_KEEPS_ALL = Alternative(title="keeps all that you ask for")


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
        found = _search(trouble, alternative, sought)
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


def sound_set(trouble: Trouble) -> WheelSet | str:
    """The set for all that is asked for that links, without a break and without a risk; or why none is found.

    Raises:
        TorchlinkError: an index does not answer.
    """
    found = _search(trouble, _KEEPS_ALL, faults(trouble.report))
    return found if isinstance(found, str) else found[0]


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
    known.update((one.name, one.wheel.core.requires) for one in asked.answer.placed if one.wheel is not None)
    return lambda name: known.get(name, ())


def _search(trouble: Trouble, alternative: Alternative, sought: Sequence[Finding]) -> tuple[WheelSet, Report] | str:
    """Turn the loop. The answer that links, else one that only brings risks, else why there is none."""
    risky: tuple[WheelSet, Report] | None = None
    search = Search(held=[f"{name}=={version}" for name, version in alternative.kept.items()])
    wanted = frozenset(one.id for one in sought)
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
        turn = Turn(trouble=trouble, alternative=alternative, answer=answer, search=search)
        learned = [learn(one, turn) for one in wrong]
        if not any(learned):
            return risky or f"{wrong[0].title} stays, and no other release of what is at fault is known to mend it"
    return risky or f"{MOST_TURNS} turns were not enough; the last answer still has: {wrong[0].title}"


def _wish(trouble: Trouble, alternative: Alternative, search: Search) -> Wish:
    asked = trouble.asked
    known = {one.name for one in asked.wish.known}
    told = (one for one in trouble.declared if one.name not in known)
    lines = [one.relaxed() if one.name in alternative.relaxed else str(one.requirement) for one in told]
    if asked.answer.beneath is not None or asked.question.frozen is not None:
        lines += [name for name in asked.present if name not in asked.local]
    taught = tuple(_metadata(name, version, extra, asked) for (name, version), extra in search.taught.items())
    preferred = {} if alternative.newest else {name: one.partition("+")[0] for name, one in asked.present.items()}
    return replace(
        asked.wish,
        lines=tuple(dict.fromkeys((*lines, *search.added))),
        files=(),
        extras=(),
        groups=(),
        held=tuple(search.held),
        preferred=preferred,
        taught=taught,
        # With every final release refuted, uv would take those that came before them.
        prereleases="explicit" if all(map(is_final, asked.present.values())) else "",
    )


def _metadata(name: str, version: str, extra: Sequence[str], asked: Asked) -> Metadata:
    """A release's own metadata, whole, with what was learned of it."""
    core = _released(name, version, asked)
    if core is not None:
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


def _released(name: str, version: str, asked: Asked) -> CoreMetadata | None:
    """What a release says of itself. Of what is installed no wheel was read, and its metadata alone is asked for."""
    placed = next((one for one in asked.answer.placed if (one.name, one.version) == (name, version)), None)
    if placed is not None and placed.wheel is not None:
        return placed.wheel.core
    try:
        file, _ = asked.wheels.chosen(Pin(name=name, version=version))
        return parse_core_metadata(core_metadata(file, asked.wheels))
    except UnreachableError:
        if not asked.wheels.offline:
            raise
        return None
    except UnreadableError:
        return None


def _is_requirement(line: str) -> bool:
    try:
        Requirement(line)
    except InvalidRequirement:
        return False
    return True


def _contradiction(search: Search, error: UnsatisfiableError) -> str:
    """Why there is no answer: what was learned, and that nothing is left; uv's own words where nothing was."""
    if not search.lessons:
        return str(error)[:400]
    learned = [f"{one.why}, and so for {one.excluded}" if one.excluded else one.why for one in search.lessons]
    return f"{'; '.join(dict.fromkeys(learned))}; with what is left, not all that is asked for can be had"
