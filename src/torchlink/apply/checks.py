"""What must hold before anything of an environment is changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from torchlink.apply.conda import FOLDER, owned_by_conda
from torchlink.apply.processes import users_of
from torchlink.model.environment import Environment
from torchlink.model.errors import TorchlinkError
from torchlink.model.plan import Plan

SPARE_BYTES = 64 * 2**20
UNPACKED = 4
"""A wheel unpacks to about this many times its size (torch 2.9.0+cpu: 3.6 times), if uv has to unpack it at all."""
CARRIED_OUT = frozenset({"set", "add", "remove", "edit-pin", "edit-source", "relock"})


def check_plan(plan: Plan, environment: Environment) -> None:
    """Hold a plan against the environment that it is for.

    Raises:
        TorchlinkError: it has a step that nobody but the user can take, or was made for another state of things.
    """
    beyond = [step.op for step in plan.steps if step.op not in CARRIED_OUT]
    if beyond:
        raise TorchlinkError(
            f"plan {plan.id} has a step that is not carried out by torchlink ({beyond[0]})",
            mend="take the steps that torchlink fix shows by hand, or choose another plan",
        )
    for step in plan.steps:
        if step.op not in {"set", "add", "remove"}:
            continue
        found = environment.distribution(step.package)
        version = "" if found is None else found.version
        if version != step.old:
            raise TorchlinkError(
                f"plan {plan.id} was made for {step.package} {step.old or '(not installed)'}, and here is "
                f"{version or 'none'}",
                mend="run torchlink fix again",
            )


def check_environment(environment: Environment, base_prefix: str, changed: Collection[str]) -> None:
    """Refuse an environment that is not ours to change.

    Raises:
        TorchlinkError: it is an interpreter's own, managed by something else, on several disks, or not writable.
    """
    prefix = Path(environment.prefix)
    conda = (prefix / FOLDER).is_dir()
    stdlib = [Path(folder) for folder in environment.interpreter.stdlib]
    if any((folder / "EXTERNALLY-MANAGED").is_file() for folder in stdlib if folder.is_relative_to(prefix)):
        raise _not_ours(prefix, "its packages are managed by the system (EXTERNALLY-MANAGED)")
    if environment.prefix == base_prefix and not conda:
        raise _not_ours(prefix, "it is an interpreter's own installation")
    if owned := owned_by_conda(environment, changed):
        raise TorchlinkError(
            f"the change is not pip's alone: conda has installed {', '.join(owned)}",
            where=str(prefix),
            mend="change that with conda, then run torchlink fix again; nothing was changed",
        )
    _check_folders(prefix, {Path(one.root) for one in environment.distributions})


def _not_ours(prefix: Path, why: str) -> TorchlinkError:
    return TorchlinkError(f"{why}, and torchlink changes only environments", where=str(prefix), mend="make a venv")


def _check_folders(prefix: Path, roots: Iterable[Path]) -> None:
    disk = prefix.stat().st_dev
    for folder in (prefix, *sorted(root for root in roots if root.is_relative_to(prefix) and root.is_dir())):
        if not os.access(folder, os.W_OK | os.X_OK):
            raise TorchlinkError("not writable", where=str(folder), mend="change it as the user who owns it")
        if folder.stat().st_dev != disk:
            mend = "files are changed by renaming them, which works on one disk alone"
            raise TorchlinkError("lies on another disk than its environment", where=str(folder), mend=mend)


def check_disk(prefix: Path, plan: Plan) -> None:
    """Refuse to begin where the disk cannot hold what comes.

    Raises:
        TorchlinkError: it is too full.
    """
    needed = SPARE_BYTES + plan.download_bytes * UNPACKED
    free = shutil.disk_usage(prefix).free
    if free < needed:
        raise TorchlinkError(
            f"{free // 2**20:,} MB are free, and {needed // 2**20:,} MB may be needed",
            where=str(prefix),
            mend="make room first",
        )


def check_processes(prefix: Path) -> None:
    """Refuse where processes use the environment.

    Raises:
        TorchlinkError: some do; they are named.
    """
    users = users_of(prefix)
    if users:
        named = "; ".join(f"process {one.pid} ({one.command}) {one.how}" for one in users[:3])
        more = f"; and {len(users) - 3} more" if len(users) > 3 else ""
        raise TorchlinkError(
            f"it is in use: {named}{more}",
            where=str(prefix),
            mend="stop them, or add --in-use",
        )
