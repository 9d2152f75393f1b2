"""``pixi.toml``, and pixi's tables in ``pyproject.toml``. Source: the pixi manifest reference (0.40)."""

from __future__ import annotations

from torchlink.model.pins import FileKind, Notation
from torchlink.read.pins import toml
from torchlink.read.pins.entries import begins
from torchlink.read.pins.interface import Contents, Format, named
from torchlink.read.pins.pyproject import read_table

_TABLES = (
    (("dependencies",), "", Notation.CONDA),
    (("host-dependencies",), "", Notation.CONDA),
    (("build-dependencies",), "build", Notation.CONDA),
    (("pypi-dependencies",), "", Notation.PEP440),
    (("feature", "*", "dependencies"), "feature {1}", Notation.CONDA),
    (("feature", "*", "pypi-dependencies"), "feature {1}", Notation.PEP440),
    (("target", "*", "dependencies"), "target {1}", Notation.CONDA),
    (("target", "*", "pypi-dependencies"), "target {1}", Notation.PEP440),
)


def read(contents: Contents) -> None:
    """Read a ``pixi.toml``."""
    if problem := toml.problem(contents.document.whole.text):
        contents.cannot_read(None, f"it is not valid TOML ({problem}); what could be read was")
    entries = list(toml.strings(contents.document.whole))
    for prefix, context, notation in _TABLES:
        found = [entry for entry in entries if begins(entry.path, prefix)]
        read_table(contents, found, len(prefix), context=context, notation=notation)
    contents.extra_indexes.extend(
        entry.value.text for entry in entries if begins(entry.path, ("pypi-options", "extra-index-urls"))
    )


FORMAT = Format(name="pixi.toml", kind=FileKind.MANIFEST, matches=named("pixi.toml"), read=read)
