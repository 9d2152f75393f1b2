"""One wheel, described."""

from __future__ import annotations

from torchlink.catalog.wheels import Pin, Wheels
from torchlink.model.errors import UnreadableError
from torchlink.model.names import normalise
from torchlink.model.wheel_description import WheelDescription
from torchlink.read.wheel import Wheel
from torchlink.read.wheel_environment import Placed


def describe(name: str, version: str, wheels: Wheels) -> WheelDescription:
    """Read the wheel of a release, or remember it, and say what it holds.

    Raises:
        UnreadableError: there is no wheel of it for this interpreter.
        UnreachableError: no index answers, and it was not read before.
    """
    placed, wheel = _placed(name, version, wheels)
    core = wheel.core
    natives = wheel.natives()
    return WheelDescription(
        name=placed.name,
        version=placed.version,
        filename=wheel.filename,
        sha256=wheel.sha256,
        size=placed.size,
        inferred_from=placed.inferred_from,
        yanked=placed.yanked,
        requires=core.requires,
        requires_python=core.requires_python,
        modules=_modules(wheel),
        sources=sum(member.endswith(".py") for member in wheel.sizes),
        natives=tuple(natives.values()),
        exports=tuple(len(wheel.exports(member)) for member in natives),
        problems=tuple(f"{member}: {reason}" for member, reason in wheel.problems.items()),
    )


def mined(name: str, version: str, wheels: Wheels) -> str:
    """Read the wheel of a release into the cache, and say in a line what it is or why there is none."""
    try:
        _, wheel = _placed(name, version, wheels)
    except UnreadableError as error:
        return error.what
    unread = f", {len(wheel.problems)} members could not be read" if wheel.problems else ""
    return f"{wheel.filename} sha256 {wheel.sha256[:12]}…: {len(wheel.natives())} native libraries{unread}"


def _placed(name: str, version: str, wheels: Wheels) -> tuple[Placed, Wheel]:
    (placed,) = wheels.place([Pin(name=normalise(name), version=version)])
    if placed.wheel is None:
        where = f"{placed.name} {version}"
        raise UnreadableError(placed.reason, where="" if where in placed.reason else where)
    return placed, placed.wheel


def _modules(wheel: Wheel) -> tuple[str, ...]:
    tops = (name.partition("/") for name in wheel.sizes if name.endswith((".py", ".so", ".pyd")))
    found = {top if inside else top.partition(".")[0] for top, inside, _ in tops}
    return tuple(sorted(name for name in found if name.isidentifier()))
