"""A folder of checkpoints as people need it: which is whole, which is the latest, which the best."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.inspect import progress_of
from torchlink.checkpoint.reader import ForeignError, read_contents
from torchlink.checkpoint.source import open_source
from torchlink.checkpoint.tree import tree
from torchlink.checkpoint.verify import read_index
from torchlink.model.errors import TorchlinkError, UnreadableError

_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".pkl", ".tar")
_AUXILIARY = re.compile(
    r"(optimizer|scheduler|scaler|rng_state|random_states|training_args|trainer_state)", re.IGNORECASE
)
_EPOCH = re.compile(r"epoch[=_-]?0*(\d+)", re.IGNORECASE)
_STEP = re.compile(r"(?:global_?step|step|iter|checkpoint)[=_-]?0*(\d+)", re.IGNORECASE)
_LOSS = re.compile(r"(?:val_|valid_|test_|train_)?(?:loss|metric|acc|map)\w*[=_-](\d+\.\d+)", re.IGNORECASE)
_MOST_JSON = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One checkpoint: a file, or a folder that belongs together."""

    path: str
    step: int | None
    epoch: int | None
    losses: dict[str, float]
    modified: float
    """Seconds since 1970."""
    size: int
    torn: str
    """Why it is not whole; empty for a complete one."""
    latest: bool = False
    best: bool = False


def list_checkpoints(folder: Path) -> tuple[Listed, ...]:
    """The checkpoints of a folder, oldest first, without reading a single tensor.

    Raises ``TorchlinkError`` where it is no folder.
    """
    if not folder.is_dir():
        raise TorchlinkError("no such folder", where=str(folder))
    found = sorted(_found(folder), key=_order)
    return _marked(found)


def _found(folder: Path) -> Iterator[Listed]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            listed = _folder(path)
            if listed is not None:
                yield listed
        elif path.suffix in _SUFFIXES and not path.is_symlink():
            try:
                yield _file(path)
            except ForeignError:
                continue


def _order(listed: Listed) -> tuple[int, int, float, str]:
    step = -1 if listed.step is None else listed.step
    epoch = -1 if listed.epoch is None else listed.epoch
    return (step, epoch, listed.modified, listed.path)


def _file(path: Path) -> Listed:
    status = path.stat()
    progress: dict[str, object] = {}
    torn = ""
    try:
        progress, torn = _look(path)
    except ForeignError as error:
        torn = error.what
    except UnreadableError as error:
        torn = error.what
    return _listed(path, progress, status.st_mtime, status.st_size, torn)


def _look(path: Path) -> tuple[dict[str, object], str]:
    source = open_source(path)
    try:
        contents = read_contents(source, Allowance())
    finally:
        source.close()
    torn = [problem.detail for problem in contents.problems if problem.fatal]
    torn.extend(stream.pickle.error for stream in contents.streams if stream.pickle.error)
    return progress_of(tree(contents)), torn[0] if torn else ""


def _folder(path: Path) -> Listed | None:
    """A checkpoint folder of transformers, Accelerate, DCP or Lightning."""
    names = {child.name for child in path.iterdir() if child.is_file()}
    weights = sorted(name for name in names if name.endswith(_SUFFIXES) and not _AUXILIARY.search(name))
    dcp = ".metadata" in names or any(name.endswith(".distcp") for name in names)
    if not weights and not dcp:
        return None
    torn = "its .metadata is missing: saving was not finished" if dcp and ".metadata" not in names else ""
    for name in sorted(names):
        if not torn:
            torn = _torn(path / name)
    progress = _trainer_state(path / "trainer_state.json")
    files = [child.stat() for child in path.iterdir() if child.is_file()]
    newest = max((status.st_mtime for status in files), default=path.stat().st_mtime)
    return _listed(path, progress, newest, sum(status.st_size for status in files), torn)


def _torn(path: Path) -> str:
    if path.name.endswith(".index.json"):
        try:
            weight_map, _ = read_index(path)
        except UnreadableError as error:
            return f"{path.name}: {error.what}"
        missing = [
            shard for shard in sorted(set(weight_map.values())) if not (path.parent / Path(shard).name).is_file()
        ]
        return f"shard {missing[0]} is missing" if missing else ""
    if path.suffix not in _SUFFIXES:
        return ""
    try:
        _, torn = _look(path)
    except TorchlinkError as error:
        torn = error.what
    return f"{path.name}: {torn}" if torn else ""


def _trainer_state(path: Path) -> dict[str, object]:
    """Step, epoch and losses of transformers' Trainer."""
    try:
        if path.stat().st_size > _MOST_JSON:
            return {}
        document: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    found: dict[str, object] = {"step": document.get("global_step"), "epoch": document.get("epoch")}
    history = document.get("log_history")
    for entry in history if isinstance(history, list) else []:
        if isinstance(entry, dict):
            found.update((key, value) for key, value in entry.items() if "loss" in str(key))
    return found


def _listed(path: Path, progress: dict[str, object], modified: float, size: int, torn: str) -> Listed:
    losses = {key: float(value) for key, value in progress.items() if _is_loss(key) and isinstance(value, (int, float))}
    named = _LOSS.search(path.name)
    if named and not losses:
        losses["in its name"] = float(named.group(1))
    return Listed(
        path=str(path),
        step=_number(progress, _STEP, ("global_step", "step", "iteration", "iter"), path.name),
        epoch=_number(progress, _EPOCH, ("epoch", "current_epoch"), path.name),
        losses=losses,
        modified=modified,
        size=size,
        torn=torn,
    )


def _is_loss(key: str) -> bool:
    lowered = key.lower()
    return "loss" in lowered or "metric" in lowered or lowered in ("best", "best_fitness", "acc", "accuracy")


def _number(progress: dict[str, object], pattern: re.Pattern[str], keys: tuple[str, ...], name: str) -> int | None:
    """A counter from what the checkpoint holds, else from its name."""
    for key in keys:
        value = progress.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return int(value)
    match = pattern.search(name)
    return int(match.group(1)) if match else None


def _marked(found: list[Listed]) -> tuple[Listed, ...]:
    """Mark the latest whole one, and the one with the lowest loss."""
    from dataclasses import replace

    whole = [one for one in found if not one.torn]
    latest = whole[-1].path if whole else ""
    scored = [(_score(one), one.path) for one in whole if _score(one) is not None]
    best = min(scored, key=lambda item: (item[0] or 0.0, item[1]))[1] if scored else ""
    return tuple(replace(one, latest=one.path == latest, best=one.path == best) for one in found)


def _score(listed: Listed) -> float | None:
    """The validation loss where there is one, else any loss."""
    ranked = sorted(
        ("val" not in key and "eval" not in key, key) for key in listed.losses if "loss" in key or key == "in its name"
    )
    return listed.losses[ranked[0][1]] if ranked else None
