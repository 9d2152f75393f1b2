"""Thousands of broken references become a few findings: one for each root cause.

References are grouped by (kind, needer, provider). A violated requirement between two parties joins the stronger
finding that the same two have, as its evidence; a reference that fails only because a package on its own import chain
fails is a consequence, and its needer is named among the affected.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from torchlink.link.consequences import explained_by_platform, packages_before_needer, separate_consequences
from torchlink.link.titles import title, title_of_state
from torchlink.model.finding import Certainty, Finding
from torchlink.model.reference import Broken, Evidence, Kind, Links, Party, PartyType, Severity, Undecided
from torchlink.model.report import Verdict

ARROW = " → "
"""Stands between the steps of a chain in ``Finding.reached_from``."""

_MOST_EVIDENCE = 3
_MOST_CHAINS = 3
_MOST_CULPRITS = 3

_STATES = frozenset({"install", "project", "pins"})
"""Culprits that are no version of anything: the way in which things lie, or the user's own files."""

_STRENGTH = (
    Kind.UNSAFE,
    Kind.CORRUPT,
    Kind.PLATFORM,
    Kind.NUMPY_ABI,
    Kind.SYMBOL,
    Kind.LIBRARY,
    Kind.GATE,
    Kind.IMPORT,
    Kind.GLOBAL,
    Kind.KERNEL,
    Kind.BEHAVIOUR,
    Kind.PIN,
    Kind.REQUIRES,
)
"""Which kind says most about why two parties do not fit, strongest first."""

_Family = tuple[Broken, ...]


def group(links: Iterable[Links], *, owners: Mapping[str, str] | None = None) -> tuple[Finding, ...]:
    """Group broken references by root cause, worst finding first.

    Args:
        links: What the linkers returned, in any order.
        owners: The distribution (PEP 503 name) that owns each importable top-level name. Packages on an import chain
            are told by it; without it only ``Broken.affects`` says who is affected.

    Returns:
        Findings in an order that depends only on the references.
    """
    names = owners or {}
    references = explained_by_platform(dict.fromkeys(reference for part in links for reference in part.broken))
    roots, followers = separate_consequences(references, names)
    families = _absorb_requirements(_families(roots))
    findings = (_finding(identity, family, followers, names) for identity, family in families.items())
    return tuple(sorted(findings, key=_order))


def identity_of(reference: Broken) -> str:
    """The id of the finding that a reference alone would be."""
    return _identity(reference.kind, reference.needer, reference.provider, reference.rule)


def judge(findings: Sequence[Finding], undecided: Iterable[Undecided]) -> Verdict:
    """The report in one word: a break first, then what is unknown on a reached path, then a risk."""
    worst = min((finding.severity.rank for finding in findings), default=Severity.NOTE.rank)
    if worst == Severity.BREAK.rank:
        return Verdict.BROKEN
    if any(one.reached for one in undecided):
        return Verdict.UNDECIDED
    return Verdict.RISKY if worst == Severity.RISK.rank else Verdict.SOUND


def _identity(kind: Kind, needer: Party, provider: Party, rule: str) -> str:
    identity = f"{kind.value}:{_slug(needer)}:{_slug(provider)}"
    return f"{identity}:{rule}" if rule else identity


def _slug(party: Party) -> str:
    """A party's part of an id. What the system should provide has one cause, whichever of its libraries it is."""
    if party.type in (PartyType.PROJECT, PartyType.SYSTEM):
        return str(party.type.value)
    return party.name.replace(" ", "-")


def _pair(reference: Broken) -> tuple[str, str]:
    return _slug(reference.needer), _slug(reference.provider)


def _order(finding: Finding) -> tuple[int, bool, int, str]:
    return finding.severity.rank, not finding.reached_from, _STRENGTH.index(finding.kind), finding.id


def _goodness(reference: Broken) -> tuple[int, bool, int, tuple[str, ...], str, str, str]:
    """Sorts the reference that explains a family best to the front, whatever order the linkers returned it in."""
    chain = reference.chain
    seen = "".join(piece.artifact + piece.detail for piece in reference.evidence)
    return reference.severity.rank, not chain, len(chain), chain, reference.target, reference.cause, seen


# Families


def _families(references: Iterable[Broken]) -> dict[str, _Family]:
    families: defaultdict[str, list[Broken]] = defaultdict(list)
    for one in references:
        families[_identity(one.kind, one.needer, one.provider, one.rule)].append(one)
    return {identity: tuple(sorted(members, key=_goodness)) for identity, members in families.items()}


def _absorb_requirements(families: Mapping[str, _Family]) -> dict[str, _Family]:
    """Let a violated requirement join the strongest finding of the same two parties that is at least as severe."""
    hosts: dict[tuple[str, str], str] = {}
    for identity, family in sorted(families.items(), key=lambda item: _family_strength(item[1])):
        if family[0].kind is not Kind.REQUIRES:
            hosts.setdefault(_pair(family[0]), identity)
    joining = {
        identity: host
        for identity, family in families.items()
        if family[0].kind is Kind.REQUIRES
        and (host := hosts.get(_pair(family[0]))) is not None
        and families[host][0].severity.rank <= family[0].severity.rank
    }
    merged = {identity: family for identity, family in families.items() if identity not in joining}
    for identity, host in joining.items():
        merged[host] += families[identity]
    return merged


def _family_strength(family: _Family) -> tuple[int, int, str]:
    return family[0].severity.rank, _STRENGTH.index(family[0].kind), family[0].target


# Findings


def _finding(
    identity: str, family: _Family, followers: Mapping[str, frozenset[str]], owners: Mapping[str, str]
) -> Finding:
    best = family[0]
    own = tuple(one for one in family if one.kind is best.kind)
    culprits = _culprits(family)
    provider = _provider(own)
    return Finding(
        id=identity,
        kind=best.kind,
        severity=min((one.severity for one in family), key=lambda severity: severity.rank),
        certainty=Certainty.LINKED,
        needer=best.needer,
        provider=provider,
        culprits=culprits,
        affects=_affected(family, culprits, followers, owners),
        title=_title(own, provider, culprits),
        cause=best.cause,
        symptom=next((one.symptom for one in family if one.symptom), ""),
        evidence=_evidence(family),
        reached_from=_chains(family),
        count=len({_occurrence(one) for one in family}),
        rule=family[0].rule,
    )


def _occurrence(reference: Broken) -> tuple[Kind, str, str]:
    """What makes a reference one of its own: the same symbol of the same library by two paths is one."""
    return reference.kind, reference.target, _pieces(reference)[0].artifact


def _title(own: _Family, provider: Party, culprits: Sequence[str]) -> str:
    if _STATES.issuperset(culprits):
        return title_of_state(own[0].cause)
    return title(own[0].kind, own[0].needer, provider, tuple(dict.fromkeys(one.target for one in own)))


def _provider(own: _Family) -> Party:
    """The provider that a family's references have in common; the system where they name several of its parts."""
    first = own[0].provider
    if first.type is PartyType.SYSTEM and any(one.provider.name != first.name for one in own):
        return Party(type=PartyType.SYSTEM, name=PartyType.SYSTEM.value)
    return first


def _culprits(family: _Family) -> tuple[str, ...]:
    """The names that most references blame, in the order in which the best of them does."""
    blamed = [one.culprits or _parties_at_fault(one) for one in family]
    votes = Counter(name for names in blamed for name in dict.fromkeys(names))
    places = {name: place for place, name in enumerate(dict.fromkeys(name for names in blamed for name in names))}
    chosen = sorted(places, key=lambda name: (name not in blamed[0], -votes[name], places[name]))[:_MOST_CULPRITS]
    return tuple(sorted(chosen, key=lambda name: places[name]))


def _parties_at_fault(reference: Broken) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_fault(party) for party in (reference.provider, reference.needer)))


def _fault(party: Party) -> str:
    match party.type:
        case PartyType.PACKAGE:
            return party.name
        case PartyType.FILE:
            return PartyType.PROJECT.value
        case _:
            return str(party.type.value)


def _affected(
    family: _Family, culprits: Sequence[str], followers: Mapping[str, frozenset[str]], owners: Mapping[str, str]
) -> tuple[str, ...]:
    names = {name for one in family for name in one.affects}
    for one in family:
        if one.severity is Severity.BREAK:
            names |= packages_before_needer(one, owners) | followers.get(one.needer.name, frozenset())
    return tuple(sorted(names - {family[0].needer.name, *culprits}))


def _evidence(family: _Family) -> tuple[Evidence, ...]:
    """Three pieces from different artifacts where there are so many; a requirement that joined keeps one place."""
    own = [piece for one in family if one.kind is family[0].kind for piece in _pieces(one)]
    joined = [piece for one in family if one.kind is not family[0].kind for piece in _pieces(one)]
    kept = _different(joined)[:1]
    return tuple(_different(own)[: _MOST_EVIDENCE - len(kept)] + kept)


def _pieces(reference: Broken) -> tuple[Evidence, ...]:
    if reference.evidence:
        return reference.evidence
    artifact = reference.needer.path or reference.needer.label
    verb = "requires" if reference.kind is Kind.REQUIRES else "needs"
    return (Evidence(artifact=artifact, detail=f"{verb} {reference.target}"),)


def _different(pieces: Sequence[Evidence]) -> list[Evidence]:
    """Without repetition, and the first piece of each artifact before the second of any."""
    distinct = list(dict.fromkeys(pieces))
    first_of = {piece.artifact: piece for piece in reversed(distinct)}
    leading = [piece for piece in distinct if first_of[piece.artifact] is piece]
    return leading + [piece for piece in distinct if first_of[piece.artifact] is not piece]


def _chains(family: _Family) -> tuple[str, ...]:
    chains = {one.chain: one.severity.rank for one in reversed(family) if one.chain}
    best = sorted(chains, key=lambda chain: (chains[chain], len(chain), chain))
    return tuple(ARROW.join(chain) for chain in best[:_MOST_CHAINS])
