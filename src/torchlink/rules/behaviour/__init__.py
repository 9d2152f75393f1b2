"""Behaviour rules: data in TOML, checked when they are loaded.

Every file holds ``[[rule]]`` tables, as docs/behaviour-rules.md describes them. A rule without evidence, a fix or a
case is an error, and so is a key that is not known: the tests load them all.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from torchlink.model.errors import TorchlinkError
from torchlink.model.rules import Rule
from torchlink.model.saved import SavedValues
from torchlink.rules.behaviour.entries import Entry, rule_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent


@lru_cache(maxsize=1)
def behaviour_rules() -> tuple[Rule, ...]:
    """Every rule that ships with torchlink, by file and place.

    Raises:
        TorchlinkError: a file is not as it must be. Tests see to it that this does not happen to a user.
    """
    return tuple(rule for path in sorted(FOLDER.glob("*.toml")) for rule in rules_in(path))


def rule_codes() -> frozenset[str]:
    """The codes of all rules: a project may silence findings by them."""
    return frozenset(rule.code for rule in behaviour_rules())


def rules_in(path: Path) -> Iterator[Rule]:
    """The rules of one file.

    Raises:
        TorchlinkError: the file is no TOML, or a rule in it is not whole.
    """
    for place, table in enumerate(Entry(_document(path), path.name, {"rule"}).tables("rule"), start=1):
        yield rule_of(table, f"{path.name}, rule {place}")


def _document(path: Path) -> Mapping[str, object]:
    try:
        document: Mapping[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
        return document
    except (OSError, ValueError) as error:
        raise TorchlinkError(f"it cannot be read ({error})", where=str(path), mend="mend the file") from error


@lru_cache(maxsize=1)
def saved_values() -> SavedValues:
    """What pickles of the results of well-known calls name.

    Raises:
        TorchlinkError: the file is not as it must be.
    """
    path = FOLDER.parent / "saved_values.toml"
    root = Entry(_document(path), path.name, {"plain", "named"})
    named = Entry(root.member("named"), f"{path.name}, named", set(root.member("named")))
    return SavedValues(
        plain=frozenset(root.texts("plain", needed=True)),
        named={name: named.texts(name, needed=True) for name in named.table},
    )
