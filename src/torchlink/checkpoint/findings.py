"""Verdicts on files as the findings of a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from torchlink.checkpoint.inspect import Inspection, content
from torchlink.checkpoint.judge import Reason, Safety, worst
from torchlink.checkpoint.loadability import Loadability, Unresolved
from torchlink.checkpoint.model_folder import ModelFolder
from torchlink.checkpoint.scan import Scanned
from torchlink.checkpoint.verify import Verified
from torchlink.model.errors import TorchlinkError
from torchlink.model.finding import Certainty, Finding
from torchlink.model.reference import Evidence, Kind, Party, PartyType, Severity
from torchlink.model.report import Artifact, Coverage, Report, Target, Verdict

_KINDS = {
    Safety.DANGEROUS: (Kind.UNSAFE, Severity.BREAK),
    Safety.UNKNOWN_GLOBAL: (Kind.GLOBAL, Severity.RISK),
    Safety.UNREADABLE: (Kind.CORRUPT, Severity.BREAK),
}
_TITLES = {
    Safety.DANGEROUS: "loading it would run code",
    Safety.UNKNOWN_GLOBAL: "it uses a name that is not known to be harmless",
    Safety.UNREADABLE: "it could not be read",
}
_VERDICTS = {
    Safety.DANGEROUS: Verdict.BROKEN,
    Safety.UNKNOWN_GLOBAL: Verdict.RISKY,
    Safety.UNREADABLE: Verdict.UNDECIDED,
    Safety.CLEAN: Verdict.SOUND,
}
_MOST_FINDINGS = 50


def scan_report(scanned: Sequence[Scanned], *, version: str, path: str, elapsed_s: float) -> Report:
    """The report of a scan. ``scanned`` holds what was looked at, foreign files left out."""
    return Report(
        torchlink=version,
        verdict=_VERDICTS[worst([one.judgement for one in scanned])],
        elapsed_s=elapsed_s,
        target=Target(kind="checkpoint", path=path),
        findings=tuple(finding for one in scanned for finding in findings_of(one)),
        coverage=Coverage(
            references=sum(len(one.judgement.globals) for one in scanned),
            unknown=sum(one.judgement.safety is Safety.UNREADABLE for one in scanned),
        ),
        artifacts=tuple(_artifact(one) for one in scanned),
    )


def _artifact(scanned: Scanned) -> Artifact:
    content: dict[str, object] = {
        "format": scanned.format,
        "bytes": scanned.size,
        "globals": list(scanned.judgement.globals),
        "reasons": [reason.detail for reason in scanned.judgement.reasons],
    }
    return Artifact(path=scanned.path, verdict=scanned.judgement.safety.value, content=content)


def findings_of(scanned: Scanned) -> Iterator[Finding]:
    """A finding for each reason, the worst first."""
    seen: set[str] = set()
    for reason in scanned.judgement.reasons[:_MOST_FINDINGS]:
        kind, _ = _KINDS[reason.safety]
        identity = f"{kind.value}:{scanned.path}:{reason.name or reason.where}"
        if identity not in seen:
            seen.add(identity)
            yield _finding(scanned, reason, identity)


def _finding(scanned: Scanned, reason: Reason, identity: str) -> Finding:
    kind, severity = _KINDS[reason.safety]
    place = f"{reason.where} at byte {reason.offset:,}" if reason.offset >= 0 else reason.where
    return _of_file(
        identity,
        kind,
        _file(scanned.path),
        Party(type=PartyType.PYTHON, name=reason.name or "pickle"),
        severity=severity,
        title=f"{scanned.path}: {_TITLES[reason.safety]}",
        cause=reason.detail,
        evidence=(Evidence(artifact=scanned.path, detail=place or reason.detail),),
    )


def _file(path: str) -> Party:
    return Party(type=PartyType.CHECKPOINT, name=path, path=path)


def _of_file(
    identity: str,
    kind: Kind,
    needer: Party,
    provider: Party,
    *,
    title: str,
    cause: str,
    evidence: tuple[Evidence, ...],
    severity: Severity = Severity.BREAK,
    symptom: str = "",
    culprits: tuple[str, ...] = ("checkpoint",),
) -> Finding:
    """What is wrong with a checkpoint file, as far as the file itself and what it needs tell."""
    return Finding(
        id=identity,
        kind=kind,
        severity=severity,
        certainty=Certainty.LINKED,
        needer=needer,
        provider=provider,
        culprits=culprits,
        affects=(),
        title=title,
        cause=cause,
        symptom=symptom,
        evidence=evidence,
        reached_from=(),
        count=1,
    )


def inspect_report(
    inspections: Sequence[Inspection], loads: Sequence[Loadability | None], *, version: str, elapsed_s: float
) -> Report:
    """The report of an inspection: what each file holds, whether it loads, and what is to be said of its safety."""
    scanned = [Scanned(path=one.path, format=one.format, size=one.size, judgement=one.judgement) for one in inspections]
    path = inspections[0].path if len(inspections) == 1 else ""
    report = scan_report(scanned, version=version, path=path, elapsed_s=elapsed_s)
    pairs = list(zip(inspections, loads, strict=True))
    artifacts = tuple(inspect_artifact(one, load) for one, load in pairs)
    more = tuple(
        finding
        for one, load in pairs
        if load
        for finding in (*load_findings(one.path, load), *refusal_findings(one.path, load))
    )
    verdict = Verdict.BROKEN if any(one.severity is Severity.BREAK for one in more) else report.verdict
    return replace(report, verdict=verdict, artifacts=artifacts, findings=(*report.findings, *more))


def inspect_artifact(found: Inspection, load: Loadability | None) -> Artifact:
    """What a file holds and whether it loads, for the report's ``artifacts``."""
    loads = {"loadability": load_content(load)} if load else {}
    return Artifact(path=found.path, verdict=found.judgement.safety.value, content={**content(found), **loads})


def load_content(load: Loadability) -> dict[str, object]:
    """Whether a file loads, for the report's ``artifacts``."""
    return {
        "torch": load.torch,
        "numpy": load.numpy,
        "weights_only_true": {"loads": load.restricted.loads, "reasons": list(load.restricted.reasons)},
        "weights_only_false": {"loads": load.free.loads, "reasons": list(load.free.reasons)},
        "default": load.default_is_restricted,
        "refused": [{"what": one.what, "kind": one.kind} for one in load.refused],
        "unresolved": [{"name": one.name, "why": one.why, "mend": one.mend} for one in load.unresolved],
        "devices": list(load.devices),
        "code": load.code,
    }


def load_findings(path: str, load: Loadability) -> Iterator[Finding]:
    """Names that the environment does not have."""
    needer = _file(path)
    for one in load.unresolved:
        yield _global_finding(
            needer,
            _provider(one),
            name=one.name,
            cause=f"{one.name}: {one.why}{f'; {one.mend}' if one.mend else ''}",
            symptom="ModuleNotFoundError" if one.why.startswith("no module") else "AttributeError",
            title=f"{path} needs {one.name}, which is not here",
        )


def _provider(unresolved: Unresolved) -> Party:
    """The package that should have a name; where there is none, a module of somebody's own source."""
    if unresolved.package:
        return Party(type=PartyType.PACKAGE, name=unresolved.package)
    return Party(type=PartyType.PYTHON, name=unresolved.name.partition(".")[0])


def refusal_findings(path: str, load: Loadability) -> Iterator[Finding]:
    """What this torch refuses by default."""
    needer = _file(path)
    if load.default_is_restricted and load.refused and load.free.loads is not False:
        names = ", ".join(one.what for one in load.refused[:5])
        yield _global_finding(
            needer,
            Party(type=PartyType.PACKAGE, name="torch", version=load.torch.partition("+")[0]),
            name="weights_only",
            cause=f"torch.load of torch {load.torch} refuses by default: {names}",
            symptom="_pickle.UnpicklingError: Weights only load failed",
            title=f"{path} does not load with torch.load's default",
        )


def device_findings(path: str, load: Loadability) -> Iterator[Finding]:
    """Tensors that were saved on a GPU, for a torch that has none (``torch/serialization.py``: ``_deserialize``)."""
    gpus = [one for one in load.devices if one.partition(":")[0] == "cuda"]
    if gpus:
        torch, build = load.torch.partition("+")[::2]
        yield _of_file(
            f"kernel:{path}:torch",
            Kind.KERNEL,
            _file(path),
            Party(type=PartyType.PACKAGE, name="torch", version=torch, build=f"+{build}" if build else ""),
            culprits=("checkpoint", "torch"),
            title=f"{path} was saved on {gpus[0]}, and torch {load.torch} was built without CUDA",
            cause="torch.load puts every tensor back on the device that it was saved on; "
            'with map_location="cpu" it loads',
            symptom="RuntimeError: Attempting to deserialize object on a CUDA device but "
            "torch.cuda.is_available() is False",
            evidence=(
                Evidence(artifact=path, detail=f"tensors on {', '.join(gpus)}"),
                Evidence(artifact="torch/version.py", detail="cuda = None"),
            ),
        )


def _global_finding(needer: Party, provider: Party, *, name: str, cause: str, symptom: str, title: str) -> Finding:
    return _of_file(
        f"global:{needer.name}:{name}",
        Kind.GLOBAL,
        needer,
        provider,
        culprits=("checkpoint",) if provider.type is PartyType.PYTHON else (provider.name, "checkpoint"),
        title=title,
        cause=cause,
        symptom=symptom,
        evidence=(Evidence(artifact=needer.path, detail=name),),
    )


def unreadable_findings(path: str, error: TorchlinkError) -> Iterator[Finding]:
    """A file that is no checkpoint, or cannot be read as one."""
    verified = Verified(path=path, format="", size=0, problems=(error.what,), checked=())
    yield _broken(verified, error.what, 0)


def verify_report(found: Sequence[Verified], *, version: str, elapsed_s: float) -> Report:
    """The report of a verification: what is not whole."""
    findings = tuple(
        _broken(one, problem, number) for one in found for number, problem in enumerate(one.problems[:_MOST_FINDINGS])
    )
    return Report(
        torchlink=version,
        verdict=Verdict.BROKEN if findings else Verdict.SOUND,
        elapsed_s=elapsed_s,
        target=Target(kind="checkpoint", path=found[0].path if len(found) == 1 else ""),
        findings=findings,
        coverage=Coverage(references=sum(len(one.checked) for one in found)),
        artifacts=tuple(
            Artifact(
                path=one.path,
                verdict="broken" if one.problems else "whole",
                content={
                    "format": one.format,
                    "bytes": one.size,
                    "problems": list(one.problems),
                    "checked": list(one.checked),
                },
            )
            for one in found
        ),
    )


def _broken(found: Verified, problem: str, number: int) -> Finding:
    return _of_file(
        f"corrupt:{found.path}:{number}",
        Kind.CORRUPT,
        _file(found.path),
        Party(type=PartyType.FILE, name=found.path),
        title=f"{found.path} is not whole",
        cause=problem,
        evidence=(Evidence(artifact=found.path, detail=problem),),
    )


def folder_artifact(found: ModelFolder) -> Artifact:
    """A model's folder, for the report's ``artifacts``."""
    content: dict[str, object] = {
        "format": found.kind,
        "written_by": found.writers,
        "needs": [{"package": need.package, "name": need.name, "file": need.file} for need in found.needs],
        "missing": [{"name": one.need.name, "why": one.why} for one in found.missing],
        "remote_code": list(found.remote_code),
        "problems": list(found.problems),
    }
    verdict = "unknown-global" if found.remote_code else ("unreadable" if found.problems else "clean")
    return Artifact(path=found.path, verdict=verdict, content=content)


def folder_findings(found: ModelFolder) -> Iterator[Finding]:
    """Classes that the environment does not have, and shards that are not whole."""
    for one in found.missing:
        needer = Party(type=PartyType.CHECKPOINT, name=found.path, path=f"{found.path}/{one.need.file}")
        yield _global_finding(
            needer,
            Party(type=PartyType.PACKAGE, name=one.need.package),
            name=one.need.name,
            cause=one.why,
            symptom=f"{one.need.name} cannot be imported from {one.need.package}",
            title=f"{found.path} needs {one.need.package}'s {one.need.name}",
        )
    verified = Verified(path=found.path, format=found.kind, size=0, problems=found.problems, checked=())
    for number, problem in enumerate(found.problems[:_MOST_FINDINGS]):
        yield _broken(verified, problem, number)
