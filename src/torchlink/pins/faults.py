"""What the steps of a sequence do to each other: a bound that is lost, a step that fails, one that is not known."""

from __future__ import annotations

from torchlink.model.pins import PinFile
from torchlink.model.reference import Broken, Evidence, Kind, Links, Party, PartyType, Severity, Undecided
from torchlink.pins.play import Loss, Outcome, Play, Played


def link_play(file: PinFile, play: Play) -> Links:
    """Link the steps of a sequence with each other."""
    failed = [one for one in play.steps if one.outcome is Outcome.FAILED]
    unsure = [one for one in play.steps if one.outcome in (Outcome.UNKNOWN, Outcome.INFERRED)]
    unknown = tuple(
        Undecided(kind=Kind.PIN, artifact=one.step.place.label, reason=f"step {one.number}: {one.note}", reached=False)
        for one in unsure
    )
    broken = (*(_lost(file, loss) for loss in play.losses), *(_failed(file, one) for one in failed))
    return Links(broken=broken, undecided=unknown, references=len(play.steps))


def _lost(file: PinFile, loss: Loss) -> Broken:
    bound, step, move = loss.bound, loss.played.step, loss.move
    asked = f"{move.name}{bound.specifier}"
    done = f"moves {move.name} {move.old} → {move.new}" if move.old else f"installs {move.name} {move.new}"
    return Broken(
        kind=Kind.PIN,
        severity=Severity.RISK,
        needer=Party(type=PartyType.FILE, name=file.file),
        provider=Party(type=PartyType.PACKAGE, name=move.name, version=move.new.partition("+")[0]),
        target=asked,
        cause=f"step {loss.played.number} ({step.place.label}) {done}; "
        f"step {bound.number} ({bound.place.label}) had asked for {asked}, which no later step remembers",
        evidence=(
            Evidence(artifact=step.place.label, detail=step.command),
            Evidence(artifact=bound.place.label, detail=asked),
        ),
        culprits=("pins",),
    )


def _failed(file: PinFile, played: Played) -> Broken:
    goes_on = "the next one runs all the same" if played.step.tolerated else "what follows may not run"
    return Broken(
        kind=Kind.PIN,
        severity=Severity.RISK,
        needer=Party(type=PartyType.FILE, name=file.file),
        provider=Party(type=PartyType.INDEX, name=", ".join(pin.name for pin in played.step.pins) or "index"),
        target=played.step.command,
        cause=f"step {played.number} ({played.step.place.label}) fails here, and {goes_on}: {played.note}",
        evidence=(Evidence(artifact=played.step.place.label, detail=played.step.command),),
        culprits=("pins",),
    )
