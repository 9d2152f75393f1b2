"""Messages from outside: reports, and what real environments printed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from torchlink.logs.log import explain_log, read_log

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

VARIANTS = tomllib.loads(Path(__file__).with_name("variants.toml").read_text(encoding="utf-8"))["variant"]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant["source"])
def test_the_culprit_is_among_those_of_the_first_finding(variant: dict[str, str]) -> None:
    log = read_log(variant["log"].encode(), "log")
    findings = explain_log(log, log.context).answer.findings
    assert findings
    assert variant["culprit"] in findings[0].culprits
    assert variant.get("title", "") in findings[0].title
