"""What a refuted pair teaches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from torchlink.catalog.cache import NullCache
from torchlink.model.finding import Certainty, Finding
from torchlink.model.native import NativeFacts, NativeLibrary
from torchlink.model.reference import Kind, Party, PartyType, Severity
from torchlink.read.wheel import Wheel
from torchlink.read.wheel_environment import Placed
from torchlink.solve.lessons import by_trying, from_facts

RELEASES = [f"1.{number}" for number in range(40)]


def finding(kind: Kind, needer: tuple[str, str], provider: tuple[str, str], identity: str = "x") -> Finding:
    parties = [Party(type=PartyType.PACKAGE, name=name, version=version) for name, version in (needer, provider)]
    return Finding(
        id=identity,
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


def test_what_facts_refute_is_excluded_and_not_tried() -> None:
    tried: list[str] = []

    def fails(version: str) -> bool:
        tried.append(version)
        return False

    refuted = {"1.36", "1.37", "1.38"}
    lesson = by_trying("shelf", "1.39", RELEASES, fails, "why", refuted)
    assert tried == ["1.35"]
    assert lesson.excluded == "shelf 1.36 to 1.39 (4 releases)" and "1.37" not in SpecifierSet(lesson.specifier)


def test_numpys_bound_is_the_rule_of_its_c_api() -> None:
    lesson = from_facts(finding(Kind.NUMPY_ABI, ("torch", "2.1.2"), ("numpy", "2.4.6")), None)
    assert lesson is not None and (lesson.name, lesson.specifier) == ("numpy", "<2")


def test_torchs_interface_excludes_its_minor_release() -> None:
    lesson = from_facts(finding(Kind.SYMBOL, ("torchaudio", "2.11.0"), ("torch", "2.9.0")), None)
    assert lesson is not None and lesson.specifier == "!=2.9.*"
    assert from_facts(finding(Kind.IMPORT, ("reader", "1.0"), ("shelf", "2.0")), None) is None


def needing(symbol: str) -> Placed:
    """A wheel with an extension that needs a symbol of torch."""
    library = NativeLibrary(
        path="",
        soname="",
        machine="x86_64",
        needed=("libc10.so",),
        rpath=(),
        runpath=(),
        version_needs=(),
        undefined=(symbol,),
    )
    natives = {"reader/_C.so": NativeFacts(library=library)}
    wheel = Wheel(filename="", sha256="", sizes={}, texts={}, problems={}, store=NullCache(), _natives=natives)
    return Placed(name="reader", version="1.0", wheel=wheel)


OPTIONAL = "_ZN3c104impl3cow11cow_deleterEPv"
"""torch exports it from 2.2 on."""


def test_only_releases_of_torch_that_export_what_is_needed_are_left() -> None:
    """Whatever it is that fails: the others would lose the extension."""
    for kind in (Kind.SYMBOL, Kind.IMPORT):
        lesson = from_facts(finding(kind, ("reader", "1.0"), ("torch", "2.1.2")), needing(OPTIONAL))
        assert lesson is not None and "exported by torch 2.2.0 to " in lesson.why
        allowed = SpecifierSet(lesson.specifier)
        assert "2.1.2" not in allowed and "2.0.1" not in allowed
        assert "2.2.0" in allowed and "2.3.1+cu121" in allowed and "99.0" in allowed


def test_a_release_that_exports_what_is_needed_is_not_refuted_by_its_exports() -> None:
    finding_on = finding(Kind.IMPORT, ("reader", "1.0"), ("torch", "2.4.0"))
    assert from_facts(finding_on, needing(OPTIONAL)) is None
    assert from_facts(finding_on, needing("_ZN3c107nothingEv")) is None


def test_a_behaviour_rule_bounds_its_package() -> None:
    told = finding(Kind.BEHAVIOUR, ("reader", "1.0"), ("torch", "2.9.0"), "behaviour:reader:torch:torch-load-default")
    lesson = from_facts(told, None)
    assert lesson is not None and (lesson.name, lesson.specifier) == ("torch", "<2.6")
    told = finding(Kind.BEHAVIOUR, ("reader", "1.0"), ("torch", "2.9.0"), "behaviour:reader:torch:no-such-rule")
    assert from_facts(told, None) is None
