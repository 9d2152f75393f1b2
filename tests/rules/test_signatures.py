"""Every error signature is whole: schema, evidence, examples that are explained, docs, patterns that stay linear."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from torchlink.logs.facts import derived_facts, named
from torchlink.logs.log import read_log
from torchlink.logs.match import find_hits
from torchlink.rules.signatures import FOLDER, Cause, Signature, entries, entries_of, files, known_names

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGE = Path(__file__).parent.parent.parent / "docs" / "signatures.md"
SCHEMA = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
SIGNATURES = tuple(entry.signature() for entry in entries())
EVERY = [pytest.param(one, id=one.code) for one in SIGNATURES]
EXAMPLES = [
    pytest.param(one, example, id=f"{one.code}-{place}")
    for one in SIGNATURES
    for place, example in enumerate(one.examples)
]
NAMES_SCHEMA = {
    "type": "object",
    "required": ["package", "module", "evidence"],
    "additionalProperties": False,
    "properties": {
        "package": {"type": "string", "pattern": "^[a-z0-9-]+$"},
        "module": {"type": "string"},
        "names": {"type": "string", "minLength": 1},
        "added": {"type": "string", "pattern": r"^\d+(\.\d+)+$"},
        "removed": {"type": "string", "pattern": r"^\d+(\.\d+)+$"},
        "instead": {"type": "string"},
        "needers": {"type": "array", "items": {"type": "string"}},
        "evidence": {"type": "string", "minLength": 10},
    },
    "anyOf": [{"required": ["added"]}, {"required": ["removed"]}],
}


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_a_file_is_as_the_schema_has_it(path: Path) -> None:
    jsonschema.validate(tomllib.loads(path.read_text(encoding="utf-8")), SCHEMA)


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_a_file_is_cut_into_its_signatures(path: Path) -> None:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    assert [list(entry.anchors) for entry in entries_of(path)] == [one["anchors"] for one in document["signature"]]
    assert [entry.signature().code for entry in entries_of(path)] == [one["code"] for one in document["signature"]]


def test_every_known_name_has_a_release_and_evidence() -> None:
    document = tomllib.loads((FOLDER / "names.toml").read_text(encoding="utf-8"))
    for entry in document["name"]:
        jsonschema.validate(entry, NAMES_SCHEMA)
    assert len(known_names()) == sum(len(entry.get("names", "").split()) or 1 for entry in document["name"])


def test_codes_are_told_once() -> None:
    codes = Counter(one.code for one in SIGNATURES)
    causes = Counter(cause.code for one in SIGNATURES for cause in one.causes)
    assert [code for code, number in (codes + causes).items() if number > 1] == []


@pytest.mark.parametrize(("signature", "example"), EXAMPLES)
def test_an_example_is_explained_by_its_signature(signature: Signature, example: str) -> None:
    assert any(anchor in example for anchor in signature.anchors)
    log = read_log(example.encode(), "example")
    hits = find_hits(log.digest, entries(), log.context)
    telling = {hit.signature.code for hit in hits if hit.signature.weight}
    assert (telling or {hit.signature.code for hit in hits}) == {signature.code}


@pytest.mark.parametrize("signature", EVERY)
def test_texts_name_facts_that_there_are(signature: Signature) -> None:
    groups = {name for pattern in signature.patterns for name in re.compile(pattern).groupindex}
    known = groups | derived_facts()
    for cause in signature.causes:
        wrong = {fact for fact in _facts_named_by(cause) if fact not in known and not fact.endswith("_version")}
        assert wrong == set(), cause.code


def _facts_named_by(cause: Cause) -> set[str]:
    warned = [text for one in (*cause.innocent, *cause.avoid) for text in (one.what, one.why)]
    steps = [text for fix in cause.fixes for step in fix.steps for text in (step.package, step.new)]
    fixes = [text for fix in cause.fixes for text in (fix.summary, fix.note, fix.security)]
    own = [cause.title, cause.cause, cause.tell, cause.needer, cause.provider, *cause.culprits, *cause.verify]
    texts = [*own, *warned, *steps, *fixes]
    return {fact for text in texts for fact in named(text)} | set(cause.when.facts if cause.when else ())


@pytest.mark.parametrize("signature", EVERY)
def test_patterns_are_bounded(signature: Signature) -> None:
    for pattern in signature.patterns:
        assert not re.search(r"\[\^[^\]]*\][*+]", pattern), pattern
        outside = re.sub(r"\[[^\]]*\]", "C", pattern)
        assert not re.search(r"(?<!\\)\.[*+]|\\[sS][*+](?!\$)", outside), pattern


@pytest.mark.parametrize("signature", EVERY)
def test_a_cause_that_may_be_reached_comes_before_the_one_without_condition(signature: Signature) -> None:
    places = [place for place, cause in enumerate(signature.causes) if cause.when is None]
    assert places in ([], [len(signature.causes) - 1])


@pytest.mark.parametrize("signature", EVERY)
def test_a_culprit_is_not_called_innocent(signature: Signature) -> None:
    for cause in signature.causes:
        assert {one.what.removeprefix("the ") for one in cause.innocent}.isdisjoint(cause.culprits), cause.code


@pytest.mark.parametrize("signature", EVERY)
def test_a_signature_is_documented(signature: Signature) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"`{signature.code}`" in page
    assert signature.mechanism in page


def test_the_page_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location(
        "signature_page", PAGE.parent.parent / "scripts" / "signature_page.py"
    )
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert PAGE.read_text(encoding="utf-8") == script.render().rstrip("\n") + "\n"
