"""How the checkpoints that a project's source names answer to ``torch.load(..., weights_only=True)`` here."""

from __future__ import annotations

from pathlib import Path

from torchlink.checkpoint.allow_code import allow_list
from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.installed import Installed
from torchlink.checkpoint.judge import judge
from torchlink.checkpoint.loadability import Loadability, loadability
from torchlink.checkpoint.reader import read_contents
from torchlink.checkpoint.source import open_source
from torchlink.checkpoint.weights_only import release_of
from torchlink.model.environment import Environment
from torchlink.model.errors import TorchlinkError
from torchlink.model.uses import FileAnswer


class CheckpointFiles:
    """Implements ``model.uses.CheckpointReader`` over the files of this machine."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._installed: Installed | None = None
        self._answers: dict[str, FileAnswer | None] = {}
        self._looked_for: dict[str, bool] = {}

    @property
    def asked(self) -> frozenset[str]:
        """The paths that were asked for, whether a file is there or not."""
        return frozenset((*self._answers, *self._looked_for))

    def restricted(self, path: str) -> FileAnswer | None:
        """Look into a file; ``None`` where it is not there, or is no whole file of ``torch.save``."""
        if path not in self._answers:
            self._answers[path] = _answer(self._look(path)) if Path(path).is_file() else None
        return self._answers[path]

    def is_there(self, path: str) -> bool:
        """Whether there is such a file."""
        if path not in self._looked_for:
            self._looked_for[path] = Path(path).is_file()
        return self._looked_for[path]

    def _look(self, path: str) -> Loadability | None:
        if self._installed is None:
            self._installed = Installed(self._environment)
        allowance = Allowance()
        try:
            source = open_source(path)
        except TorchlinkError:
            return None
        try:
            contents = read_contents(source, allowance)
            return loadability(contents, judge(contents, allowance), self._environment, self._installed)
        except TorchlinkError:
            return None
        finally:
            source.close()


class UnreadCheckpoints:
    """Implements ``model.uses.CheckpointReader`` where no environment is installed that files could be held against."""

    asked: frozenset[str] = frozenset()

    def restricted(self, path: str) -> FileAnswer | None:  # noqa: ARG002 -- the protocol's signature
        """Return ``None``: not known."""
        return None

    def is_there(self, path: str) -> bool:  # noqa: ARG002 -- the protocol's signature
        """Return False: not known."""
        return False


def _answer(found: Loadability | None) -> FileAnswer | None:
    if found is None or found.restricted.loads is None:
        return None
    # Without code that loads it there is a reason not to: it is dangerous, or lacks a module.
    listed = allow_list(found.refused, release_of(found.torch), found.numpy) if found.refused and found.code else None
    imports, entries = listed or ((), ())
    return FileAnswer(loads=found.restricted.loads, reasons=found.restricted.reasons, imports=imports, entries=entries)


def allowed_by_default(environment: Environment) -> frozenset[str]:
    """The globals that the installed torch takes under ``weights_only=True``; none without torch."""
    torch = environment.distribution("torch")
    return frozenset() if torch is None else release_of(torch.version).allowed
