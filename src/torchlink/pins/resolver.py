"""uv, set to answer for plain releases, and command by command."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from torchlink.model.errors import TorchlinkError
from torchlink.model.pins import Indexes
from torchlink.model.question import Question
from torchlink.model.store import ByteStore
from torchlink.read.http import UnreachableError, open_url
from torchlink.read.index_settings import IndexSettings
from torchlink.solve.means import Means, means_of
from torchlink.solve.uv import Uv, Wish


def means_for_plain(
    question: Question,
    python: Path | None,
    variables: Mapping[str, str],
    store: ByteStore,
    tell: Callable[[str, int, int], None],
) -> Means:
    """What resolves plain releases: the indexes are the user's, not a project's own, for an index of builds with tags
    need not be reachable for that.

    Raises:
        TorchlinkError: as `torchlink.solve.means.means_of`.
    """
    means = means_of(question, None, python, variables, store, tell)
    return replace(means, uv=replace(means.uv, folder=Path(tempfile.gettempdir())))


@dataclass(slots=True)
class UvCommands:
    """Answers pip's and uv's commands one by one, each with the indexes that it names."""

    uv: Uv
    _reached: dict[str, bool] = field(default_factory=dict)

    def resolve(self, wish: Wish, indexes: Indexes) -> dict[str, str]:
        """The versions that a command leads to; see `torchlink.pins.play.Resolver`."""
        settings = self.uv.settings
        asked = IndexSettings(
            # pip takes the best version over all of its indexes; uv is told to.
            indexes=(*indexes.extra, indexes.index) if indexes.index else (*indexes.extra, *settings.indexes),
            find_links=(*indexes.find_links, *settings.find_links),
            merged=True,
        )
        return {one.name: one.version for one in replace(self.uv, settings=asked).resolve(wish) if one.version}

    def reaches(self, url: str) -> bool:
        """Whether an index answers; asked once."""
        if url not in self._reached:
            self._reached[url] = not self.uv.offline and _answers(url)
        return self._reached[url]


def _answers(url: str) -> bool:
    try:
        open_url(f"{url.rstrip('/')}/torch/").close()
    except UnreachableError:
        return False
    except TorchlinkError:
        return True  # it says no, which is an answer
    return True
