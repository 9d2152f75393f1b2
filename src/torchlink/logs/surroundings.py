"""A log and the environment at hand: whether the one is of the other, and what the linker's findings say of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from torchlink.link.cause import ARROW
from torchlink.logs.answer import Answer
from torchlink.logs.context import Context
from torchlink.logs.log import Log
from torchlink.logs.packages import import_name
from torchlink.model.environment import Environment
from torchlink.model.finding import Finding
from torchlink.model.plan import Plan
from torchlink.model.reference import PartyType, Severity

_SITE = re.compile(
    r"""([^\s"'(:]{1,300}?[/\\](?:site|dist)-packages)(?:[/\\]([\w.]{1,80}(?:[/\\][\w.]{1,80}){0,12}))?"""
)
_MODULE = re.compile(r"[A-Za-z_]\w*(?:[/\\][A-Za-z_]\w*)*\.py$")
_MOST_MODULES = 12
_MOST_EVIDENCE = 3
_MOST_CULPRITS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Whether a log was written in an environment."""

    fits: bool
    reason: str


SOURCE = "imports.py"
"""The file that holds the imports which the linker follows."""


def fit(log: Log, found: Answer, environment: Environment) -> Fit:
    """Judge by the folders that the log names, and where it names none, by the versions and packages that it tells."""
    sites = {match[1].replace("\\", "/") for match in _SITE.finditer(log.digest.text) if "..." not in match[1]}
    own = {entry.path.replace("\\", "/") for entry in environment.search_path}
    if sites & own:
        return Fit(fits=True, reason="the log names its folders")
    if any(site.startswith(("/", "~")) or site[1:2] == ":" for site in sites):
        return Fit(fits=False, reason=f"the log is of another environment: it names {min(sites)}")
    versions = installed(environment)
    for name, version in log.context.versions.items():
        if name in versions and _public(versions[name]) != _public(version):
            said = f"the log is of another environment: it has {name} {version}, and {versions[name]} is installed"
            return Fit(fits=False, reason=said)
    python = ".".join(environment.interpreter.version.split(".")[:2])
    if log.context.python and log.context.python != python:
        return Fit(fits=False, reason=f"the log is of Python {log.context.python}, the environment of {python}")
    named = _packages(found)
    if named and not any(environment.distribution(name) for name in named):
        return Fit(fits=False, reason=f"it has none of the packages that the log speaks of ({', '.join(named)})")
    return Fit(fits=True, reason="nothing in the log speaks against it")


def installed(environment: Environment) -> Mapping[str, str]:
    """Versions by name; of two installs of one name, that which Python would find."""
    return {one.name: one.version for one in reversed(environment.distributions)}


def with_versions(context: Context, environment: Environment) -> Context:
    """What the log tells, and where it is silent, what the environment has."""
    python = ".".join(environment.interpreter.version.split(".")[:2])
    return replace(context, versions={**installed(environment), **context.versions}, python=context.python or python)


def failing_imports(log: Log, found: Answer, environment: Environment) -> str:
    """Source that imports what failed in the log, for the linker to follow."""
    modules = dict.fromkeys([*_modules_of_frames(log), *_modules_of_parties(found, environment)])
    return "".join(f"import {module}\n" for module in list(modules)[:_MOST_MODULES])


def _modules_of_frames(log: Log) -> Iterator[str]:
    for match in _SITE.finditer(log.digest.text):
        path = match[2] or ""
        if _MODULE.match(path):
            yield re.sub(r"[/\\]", ".", path.removesuffix(".py")).removesuffix(".__init__")


def _modules_of_parties(found: Answer, environment: Environment) -> Iterator[str]:
    for name in _packages(found):
        distribution = environment.distribution(name)
        if distribution is not None:
            module = import_name(name)
            tops = distribution.top_level
            yield module if module in tops or not tops else tops[0]


def _packages(found: Answer) -> tuple[str, ...]:
    parties = (party for finding in found.findings for party in (finding.needer, finding.provider))
    return tuple(dict.fromkeys(party.name for party in parties if party.type is PartyType.PACKAGE))


def joined(found: Answer, linked: Iterable[Finding], plans: Iterable[Plan], log: Log) -> Answer:
    """The log's findings with what the linker has seen of the same parties in the environment, and its plans for them.

    A linked finding whose own symptom stands in the log, and that no signature knows, comes first.
    """
    seen = [one for one in linked if one.severity is not Severity.NOTE]
    used: set[str] = set()
    findings: list[Finding] = []
    for finding in found.findings:
        same = next((one for one in seen if _is_same(finding, one)), None)
        if same is not None:
            used.add(same.id)
        findings.append(finding if same is None else _linked(finding, same))
    shown = [_shown(one) for one in seen if one.id not in used and _is_in(one, log.digest.text)]
    told = sorted([*shown, *findings], key=lambda one: one.severity.rank)
    wanted = {plan for finding in told for plan in finding.plans}
    every = (*(plan for plan in plans if plan.id in wanted), *found.plans)
    return replace(found, findings=tuple(told), plans=tuple(replace(one, rank=at) for at, one in enumerate(every, 1)))


def _shown(finding: Finding) -> Finding:
    return replace(finding, reached_from=tuple(filter(None, map(_without_source, finding.reached_from))))


def _is_same(finding: Finding, linked: Finding) -> bool:
    """Whether both speak of one broken pair."""
    ours = {finding.needer.name, finding.provider.name}
    theirs = {linked.needer.name, linked.provider.name}
    if ours == theirs:
        return True
    named = ours | set(finding.culprits)
    return finding.kind is linked.kind and theirs <= named


def _linked(finding: Finding, linked: Finding) -> Finding:
    chains = tuple(chain for one in linked.reached_from if (chain := _without_source(one)))
    culprits = tuple(dict.fromkeys((*linked.culprits, *finding.culprits)))[:_MOST_CULPRITS]
    return replace(
        finding,
        kind=linked.kind,
        id=linked.id,
        certainty=linked.certainty,
        needer=linked.needer,
        provider=linked.provider,
        culprits=culprits,
        affects=linked.affects,
        title=linked.title,
        cause=f"{linked.cause}. {finding.cause}",
        evidence=tuple(dict.fromkeys((*finding.evidence[:1], *linked.evidence)))[:_MOST_EVIDENCE],
        reached_from=finding.reached_from or chains,
        plans=(*linked.plans, *finding.plans),
        # What the linker has seen decides among the causes.
        advice=replace(finding.advice, tell="", alternatives=()),
    )


def _without_source(chain: str) -> str:
    """A chain without its first step, the file of imports that was made for the linker."""
    first, _, rest = chain.partition(ARROW)
    return rest if first.startswith(f"{SOURCE}:") else chain


def _is_in(finding: Finding, text: str) -> bool:
    """Whether a log holds a linked finding's symptom, and a file of the package that shows it."""
    lines = [line.strip() for line in finding.symptom.splitlines() if len(line.strip()) > 20]
    module = import_name(finding.needer.name)
    return bool(lines) and lines[0] in text and any(f"packages{sign}{module}" in text for sign in "/\\")


def _public(version: str) -> str:
    return version.partition("+")[0]
