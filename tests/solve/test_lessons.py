"""What a refuted pair teaches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from torchlink.model.finding import Certainty, Finding
from torchlink.model.reference import Kind, Party, PartyType, Severity
from torchlink.solve.lessons import by_trying, from_facts

RELEASES = [f"1.{number}" for number in range(40)]


def finding(kind: Kind, needer: tuple[str, str], provider: tuple[str, str]) -> Finding:
    parties = [Party(type=PartyType.PACKAGE, name=name, version=version) for name, version in (needer, provider)]
    return Finding(
        id="x",
        kind=kind,
        severity=Severity.BREAK,
        certainty=Certainty.LINKED,
        needer=parties[0],
        provider=parties[1],
        culprits=(),
        affects=(),
        title="it fails",
        cause="",
        symptom="",
        evidence=(),
        reached_from=(),
        count=1,
    )


@given(first_good=st.integers(0, 39), last_good=st.integers(0, 39), present=st.integers(0, 39))
def test_only_what_fails_is_excluded(first_good: int, last_good: int, present: int) -> None:
    """Where releases fail in one stretch, what is excluded lies within it, and the present one is in it."""
    low, high = sorted((first_good, last_good))
    if not low <= present <= high:
        return
    failing = {f"1.{number}" for number in range(low, high + 1)}
    lesson = by_trying("shelf", f"1.{present}", RELEASES, lambda version: version in failing, "why")
    allowed = SpecifierSet(lesson.specifier)
    excluded = {version for version in RELEASES if version not in allowed}
    assert f"1.{present}" in excluded and excluded <= failing


def test_few_releases_are_tried() -> None:
    tried: list[str] = []

    def fails(version: str) -> bool:
        tried.append(version)
        return int(version.partition(".")[2]) >= 17

    lesson = by_trying("shelf", "1.39", RELEASES, fails, "why")
    assert "1.17" not in SpecifierSet(lesson.specifier) and "1.16" in SpecifierSet(lesson.specifier)
    assert len(tried) <= 10
    assert lesson.excluded == "shelf 1.17 to 1.39 (23 releases)"


def test_numpys_bound_is_the_rule_of_its_c_api() -> None:
    lesson = from_facts(finding(Kind.NUMPY_ABI, ("torch", "2.1.2"), ("numpy", "2.4.6")), None)
    assert lesson is not None and (lesson.name, lesson.specifier) == ("numpy", "<2")


def test_torchs_interface_excludes_its_minor_release() -> None:
    lesson = from_facts(finding(Kind.SYMBOL, ("torchaudio", "2.11.0"), ("torch", "2.9.0")), None)
    assert lesson is not None and lesson.specifier == "!=2.9.*"
    assert from_facts(finding(Kind.IMPORT, ("reader", "1.0"), ("shelf", "2.0")), None) is None
