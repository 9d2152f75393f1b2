"""What a change has to fetch before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torchlink.model.errors import TorchlinkError
from torchlink.solve.fetching import Tell
from torchlink.solve.network import silent_indexes
from torchlink.solve.uv import Uv


def fetch(uv: Uv, pins: Sequence[str], folder: Path, tell: Tell) -> None:
    """Install exact pins below a folder. Only uv knows what of them it has fetched before, so it tries first.

    Raises:
        TorchlinkError: some cannot be had; where that is because an index does not answer, it says so.
    """
    try:
        uv.install(pins, folder, tell)
    except TorchlinkError as error:
        silent = () if uv.offline else silent_indexes(uv.settings, pins[0].partition("==")[0])
        if not silent:
            raise
        every = "no index answers" if len(silent) == len(uv.settings.indexes) else "an index does not answer"
        raise TorchlinkError(
            f"the change needs packages that are not here ({', '.join(pins[:4])}), and {every}: {'; '.join(silent)}",
            mend="mend the network, or name an index that answers with --index-url; nothing was changed",
        ) from error
