"""What of an environment conda has installed: it keeps a list of every file in ``conda-meta``, a record a package."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from torchlink.model.environment import Environment
from torchlink.model.errors import UnreadableError
from torchlink.read.bounded import read_bounded
from torchlink.read.metadata import CondaRecord, parse_conda_record

MAX_BYTES = 64 * 2**20
FOLDER = "conda-meta"


def owned_by_conda(environment: Environment, names: Collection[str]) -> tuple[str, ...]:
    """Those of some distributions that are conda's, each with the name that conda has for it.

    Most of what conda installs has a ``.dist-info`` folder as what pip installs has; conda's record then lists it. What
    pip has put over it since has another one.
    """
    prefix = Path(environment.prefix)
    wanted = {Path(one.metadata_path): one.label for one in environment.distributions if one.name in names}
    found: dict[str, None] = {}
    for path, record in _records(prefix) if wanted else ():
        places = {path, *((prefix / file).parent for file in record.files if file.endswith(("/METADATA", "/PKG-INFO")))}
        for place in places & wanted.keys():
            found[f"{wanted[place]} (conda's {record.name})"] = None
    return tuple(found)


def _records(prefix: Path) -> Iterator[tuple[Path, CondaRecord]]:
    for path in sorted((prefix / FOLDER).glob("*.json")):
        try:
            record = parse_conda_record(read_bounded(path, MAX_BYTES))
        except UnreadableError:
            continue
        if record is not None:
            yield path, record
