"""``Pipfile``. Source: Pipenv's documentation of the Pipfile format."""

from __future__ import annotations

from torchlink.model.pins import FileKind, Notation
from torchlink.read.pins import toml
from torchlink.read.pins.entries import begins
from torchlink.read.pins.interface import Contents, Format, named
from torchlink.read.pins.pyproject import read_table


def read(contents: Contents) -> None:
    """Read a ``Pipfile``: every table but its own settings is a category of packages."""
    if problem := toml.problem(contents.document.whole.text):
        contents.cannot_read(None, f"it is not valid TOML ({problem}); what could be read was")
    entries = list(toml.strings(contents.document.whole))
    categories = dict.fromkeys(str(entry.path[0]) for entry in entries)
    for category in categories:
        found = [entry for entry in entries if begins(entry.path, (category,))]
        if category == "source":
            contents.extra_indexes.extend(entry.value.text for entry in found if entry.path[-1] == "url")
        elif category not in ("requires", "scripts", "pipenv"):
            context = "" if category == "packages" else f"category {category}"
            read_table(contents, found, 1, context=context, notation=Notation.PEP440)


FORMAT = Format(name="Pipfile", kind=FileKind.MANIFEST, matches=named("Pipfile"), read=read)
