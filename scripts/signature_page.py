"""Write ``docs/signatures.md`` from the signatures themselves. The tests see to it that it is up to date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from torchlink.rules.signatures import Signature, entries_of, files

PAGE = Path(__file__).parent.parent / "docs" / "signatures.md"
_FACT = re.compile(r"\{(\w+)\}")

_HEAD = """# Error signatures

What [torchlink explain](explain.md) knows. Each is an entry of a TOML file in `src/torchlink/rules/signatures/`, and
is about a *mechanism*: the general shape of a message that Python, torch, NumPy, the dynamic linker or an installer
prints, never one incident. This page is written by `scripts/signature_page.py`.

## How one is written

```toml
[[signature]]
code = "numpy-copy-keyword"
mechanism = "NumPy 2 gave `copy=False` another meaning."
kind = "behaviour"                      # of the finding: see docs/findings
needer = "{needer}"                     # who asks, and
provider = "numpy"                      # who is asked
anchors = ["Unable to avoid copy"]      # literal texts; a log without one is never searched for the patterns
patterns = ['''Unable to avoid copy while creating an array as requested''']
evidence = [{ where = "numpy 2.0 migration guide", says = "np.array(obj, copy=False) raises where a copy is needed" }]
examples = ["ValueError: Unable to avoid copy while creating an array as requested."]

[[signature.cause]]                     # the likeliest first; the one without a condition last
code = "copy-false-numpy-2"
title = "{who} relies on copy=False as NumPy 1 took it"
cause = "since NumPy 2.0, copy=False means never"
culprits = ["numpy", "{needer}", "project"]
when = { versions = { numpy = ">=2" } } # also: facts = { name = "pattern" }, text = "pattern over the whole log"
tell = "..."                            # what tells it apart from the other causes
avoid."..." = "why not"
innocent."..." = "why"
verify = ["python -c 'import numpy; print(numpy.__version__)'"]
fix = [{ summary = "install numpy<2", steps = [{ op = "set", package = "numpy", to = "<2" }] }]
```

Texts name *facts* in braces: the named groups of the pattern, and what follows from them. `file` gives `file_package`;
`symbol` gives `symbol_name` (demangled), `symbol_owner` and `symbol_abi`; `module` (with `name`) gives `module_package`
and, from `names.toml`, `name_added`, `name_removed`, `name_instead` and `name_needers`; `requirement`, `global`,
`capability`, `library` and `wheel` likewise. `needer` is the package of the file, or of the innermost frame of the
traceback that is not the provider's; `NAME_version` is a version that the log or the environment tells. A fact that is
not known is left out of a text, and excludes a cause whose condition asks for it.

Conditions know three answers: a cause that is excluded is not shown, one that holds comes first, one that stays open is
listed with what tells it apart.

The build fails on a signature without evidence, without an example (each is explained by its own signature, in the
tests), with an unknown fact or an unbounded pattern, and where this page is not up to date.
"""


def render() -> str:
    """The page."""
    return "\n".join([_HEAD, *(line for path in files() for line in _family(path))]) + "\n"


def _family(path: Path) -> Iterator[str]:
    yield f"## {path.stem.replace('_', ' ')}"
    yield ""
    for entry in entries_of(path):
        yield from _entry(entry.signature())
        yield ""


def _entry(signature: Signature) -> Iterator[str]:
    severity = "" if signature.severity.value == "break" else f" ({signature.severity.value})"
    yield f"- `{signature.code}`{severity}: {signature.mechanism}"
    for cause in signature.causes:
        yield f"    - {_FACT.sub(lambda match: f'*{match[1]}*', cause.title)}"


if __name__ == "__main__":
    PAGE.write_text(render().rstrip("\n") + "\n", encoding="utf-8")
