"""What is documented is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from torchlink.cli.check import check
from torchlink.model.reference import Kind
from torchlink.report.formats import FORMATS

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"), *(PROJECT / "examples").rglob("*.md")])
KINDS = (
    Kind.REQUIRES,
    Kind.IMPORT,
    Kind.GATE,
    Kind.SYMBOL,
    Kind.LIBRARY,
    Kind.NUMPY_ABI,
    Kind.PLATFORM,
    Kind.BEHAVIOUR,
    Kind.PIN,
    Kind.KERNEL,
)
"""The kinds that are linked today."""

_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def test_the_readme_names_every_option_of_the_main_command() -> None:
    options = {option for parameter in check.params if isinstance(parameter, click.Option) for option in parameter.opts}
    options |= {"--no-cache"}
    hidden = {"--cache", "--debug"}
    assert [option for option in sorted(options - hidden) if option not in README] == []
    assert "|".join(FORMATS) in README


def test_ci_runs_the_tests_with_the_command_of_the_readme() -> None:
    command = 'uv run pytest -m "not lab"'
    assert command in README
    assert command in (PROJECT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_every_kind_has_its_page(kind: Kind) -> None:
    page = (PROJECT / "docs" / "findings" / f"{kind.value}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {kind.value}\n")
    for part in (
        "```",
        "**What it means.**",
        "**How it is decided.**",
        "**How to mend it.**",
        "**How to silence it.**",
    ):
        assert part in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    links = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
