"""Write docs/behaviour-rules.md from the rules. ``--check`` only says whether it is as it should be (exit code 1)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from torchlink.model.rules import Fix, Rule
from torchlink.rules.behaviour import behaviour_rules

PAGE = Path(__file__).parent.parent / "docs" / "behaviour-rules.md"

_HEAD = """# Behaviour rules

Written by `scripts/behaviour_rules.py` from `src/torchlink/rules/behaviour`. Each rule names what is used, the versions
before and after the change, where the change is to be seen in released wheels, and code that shows it there
(`uv run pytest -m lab tests/rules` runs it). [What a finding means](findings/behaviour.md).

| rule | package | from | what a use relies on |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rules = behaviour_rules()
    rows = "".join(
        f"| [{rule.code}](#{rule.code}) | {rule.package} | {_code(rule.after) or 'all'} | {rule.relies_on} |\n"
        for rule in rules
    )
    return _HEAD + rows + "".join(f"\n{part}" for rule in rules for part in _section(rule))


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _section(rule: Rule) -> Iterator[str]:
    yield f"## {rule.code}\n"
    yield f"{rule.changes}\n"
    before = f", before: {_code(rule.before)}" if rule.before else ""
    also = "".join(f", with {name} {_code(versions)}" for name, versions in rule.where.items())
    yield f"Versions: {rule.package} {_code(rule.after) or 'all'}{also}{before}. Symptom: `{rule.symptom}`\n"
    yield from _uses(rule)
    yield "".join(_fix(fix) for fix in rule.fixes)
    yield "".join(f"- Seen in {seen.release}, `{seen.file}`: {seen.detail}\n" for seen in rule.evidence)


def _uses(rule: Rule) -> Iterator[str]:
    used = (*rule.calls, *rule.methods)
    if used:
        yield f"Calls: {', '.join(map(_code, used))}\n"
    if rule.builds:
        yield f"Requirements: {', '.join(map(_code, rule.builds))}\n"
    if rule.names:
        yield "| name | instead |\n|---|---|\n" + "".join(
            f"| `{name}` | {_code(instead)} |\n" for name, instead in rule.names.items()
        )


def _fix(fix: Fix) -> str:
    security = f" *{fix.security}*" if fix.security else ""
    return f"- {fix.kind.value}: {fix.text}.{security}\n"


def main() -> int:
    """Write the page, or compare it."""
    text = page()
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
