"""Broken references become findings, one for each root cause."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.samples import (
    NUMPY,
    OWNERS,
    TORCH,
    TORCHVISION,
    broken,
    foreign_extension,
    links,
    numpy_bridge,
    package,
    violated_pin,
)
from torchlink.link.cause import group, judge
from torchlink.model.finding import Finding
from torchlink.model.reference import Broken, Kind, Links, Party, PartyType, Severity, Undecided
from torchlink.model.report import Verdict

DIFFUSERS = package("diffusers", "0.21.4")
TRANSFORMERS = package("transformers", "4.30.0")
HUB = package("huggingface-hub", "0.30.0")


def grouped(*references: Broken) -> tuple[Finding, ...]:
    return group([Links(broken=references)], owners=OWNERS)


def test_four_hundred_symbols_with_one_cause_are_one_finding() -> None:
    (finding,) = grouped(*(foreign_extension(number) for number in range(400)))
    assert finding.id == "symbol:torchvision:torch"
    assert finding.count == 400
    assert len(finding.evidence) == 3
    assert finding.culprits == ("torch", "torchvision")
    assert finding.reached_from == ("train.py:3 → torchvision → torchvision/extension.py:34",)


def test_the_same_reference_seen_twice_counts_once() -> None:
    (finding,) = grouped(numpy_bridge(), numpy_bridge())
    assert finding.count == 1


def test_a_reference_that_two_paths_reach_counts_once_and_shows_both() -> None:
    one, other = (replace(foreign_extension(0), chain=chain) for chain in (("a.py:1",), ("b.py:1", "torchvision")))
    (finding,) = grouped(other, one)
    assert (finding.count, finding.reached_from) == (1, ("a.py:1", "b.py:1 → torchvision"))


def test_a_violated_requirement_joins_the_finding_that_it_explains() -> None:
    (finding,) = grouped(violated_pin(), *(foreign_extension(number) for number in range(5)))
    assert (finding.kind, finding.severity, finding.count) == (Kind.SYMBOL, Severity.BREAK, 6)
    assert finding.evidence[-1].detail == "Requires-Dist: torch==2.2.0"
    assert "another torch than 2.1.2+cu121" in finding.title


def test_a_requirement_joins_the_strongest_of_several_findings_of_the_same_two() -> None:
    name = broken(Kind.IMPORT, target="torch.int1")
    findings = grouped(violated_pin(), name, foreign_extension(0))
    assert [(finding.id, finding.count) for finding in findings] == [
        ("symbol:torchvision:torch", 2),
        ("import:torchvision:torch", 1),
    ]


def test_a_requirement_that_stands_alone_keeps_its_own_severity() -> None:
    (finding,) = grouped(violated_pin())
    assert (finding.id, finding.severity) == ("requires:torchvision:torch", Severity.RISK)
    assert finding.title == "torchvision 0.17.0 requires torch==2.2.0; torch 2.1.2+cu121 is installed"


def test_a_requirement_does_not_hide_behind_something_milder() -> None:
    note = broken(Kind.PLATFORM, severity=Severity.NOTE, target="py3")
    assert [(finding.kind, finding.severity) for finding in grouped(note, violated_pin())] == [
        (Kind.REQUIRES, Severity.RISK),
        (Kind.PLATFORM, Severity.NOTE),
    ]


def test_the_worst_severity_of_a_family_is_its_own() -> None:
    mild = broken(severity=Severity.RISK, target="a")
    (finding,) = grouped(mild, broken(severity=Severity.BREAK, target="b"))
    assert finding.severity is Severity.BREAK


def test_packages_on_the_way_to_a_break_are_affected_and_not_blamed() -> None:
    (finding,) = grouped(numpy_bridge())
    assert finding.affects == ("torchvision",)
    assert finding.culprits == ("numpy", "torch")


def test_what_fails_because_a_package_on_its_chain_fails_is_a_consequence() -> None:
    root = broken(
        Kind.IMPORT,
        DIFFUSERS,
        HUB,
        target="huggingface_hub.cached_download",
        chain=("train.py:1", "diffusers", "diffusers/utils/dynamic_modules_utils.py:28"),
    )
    consequence = broken(
        Kind.IMPORT,
        TRANSFORMERS,
        DIFFUSERS,
        target="diffusers",
        chain=("train.py:2", "transformers", "transformers/extra.py:9", "diffusers", "diffusers/utils/x.py:28"),
    )
    # The chain of the consequence ends in its own provider, which is no cause beyond the reference itself.
    assert [finding.id for finding in grouped(root, consequence)] == [
        "import:diffusers:huggingface-hub",
        "import:transformers:diffusers",
    ]
    through = broken(
        Kind.IMPORT,
        TRANSFORMERS,
        HUB,
        target="huggingface_hub.cached_download",
        chain=("train.py:2", "transformers", "transformers/extra.py:9", "diffusers", "diffusers/utils/x.py:28"),
    )
    (finding,) = grouped(root, through)
    assert finding.id == "import:diffusers:huggingface-hub"
    assert finding.affects == ("transformers",)
    assert finding.culprits == ("huggingface-hub", "diffusers")


def test_a_module_that_is_there_for_another_python_is_missing_because_of_its_wheel() -> None:
    python = Party(type=PartyType.PYTHON, name="python", version="3.11.7")
    lxml = package("lxml", "5.3.0")
    wheel = broken(
        Kind.PLATFORM,
        lxml,
        python,
        severity=Severity.RISK,
        target="cp310",
        evidence=(("lxml/etree.cpython-310-x86_64-linux-gnu.so", "built for cp310"),),
        culprits=("lxml",),
    )
    missing = broken(Kind.IMPORT, DIFFUSERS, lxml, target="lxml.etree", symptom="ImportError", chain=("a.py:1",))
    (finding,) = grouped(wheel, missing)
    assert (finding.id, finding.severity, finding.symptom) == ("platform:lxml:python", Severity.BREAK, "ImportError")
    assert (finding.reached_from, finding.affects) == (("a.py:1",), ("diffusers",))
    assert finding.culprits == ("lxml",)
    other = broken(Kind.IMPORT, DIFFUSERS, lxml, target="lxml.objectify")
    assert [finding.kind for finding in grouped(wheel, other)] == [Kind.IMPORT, Kind.PLATFORM]


def test_two_that_seem_to_follow_from_each_other_both_stay() -> None:
    one = broken(Kind.IMPORT, DIFFUSERS, HUB, chain=("a.py:1", "diffusers", "transformers"))
    other = broken(Kind.IMPORT, TRANSFORMERS, HUB, chain=("a.py:1", "transformers", "diffusers"))
    assert len(grouped(one, other)) == 2


def test_culprits_are_at_most_three_and_come_from_the_best_reference() -> None:
    blamed = broken(culprits=("a", "b"), chain=("x.py:1",))
    others = [broken(target=f"t{number}", culprits=("c", "d", "e")) for number in range(9)]
    (finding,) = grouped(*others, blamed)
    assert finding.culprits == ("a", "b", "c")


def test_parties_that_are_no_packages_are_blamed_by_their_role() -> None:
    glibc = Party(type=PartyType.SYSTEM, name="glibc", version="2.31")
    project = Party(type=PartyType.PROJECT, name="demo")
    (platform,) = grouped(broken(Kind.PLATFORM, TORCH, glibc, target="GLIBC_2.34"))
    assert platform.culprits == ("system", "torch")
    assert platform.title == "torch 2.1.2+cu121 needs GLIBC_2.34; glibc 2.31 is here"
    (missing,) = grouped(broken(Kind.IMPORT, project, package("timm"), target="timm"))
    assert (missing.id, missing.culprits) == ("import:project:timm", ("timm", "project"))
    assert missing.title == "The project needs timm; timm is not installed"


def test_the_way_things_lie_is_said_in_the_words_of_its_cause() -> None:
    twice = broken(
        Kind.REQUIRES,
        TORCH,
        TORCH,
        cause="torch is installed twice in lib, as 2.1 and 2.2: its files may be a mixture of both",
        culprits=("install",),
    )
    (finding,) = grouped(twice)
    assert finding.title == "torch is installed twice in lib, as 2.1 and 2.2"
    hides = broken(
        Kind.IMPORT,
        Party(type=PartyType.PROJECT, name="demo"),
        TORCH,
        cause="torch.py hides torch 2.1.2: whatever imports torch gets this file",
        culprits=("project",),
    )
    assert grouped(hides)[0].title == "torch.py hides torch 2.1.2"


def test_an_interpreter_and_a_system_are_named_as_people_do() -> None:
    python = Party(type=PartyType.PYTHON, name="python", version="3.11.7")
    (built,) = grouped(broken(Kind.PLATFORM, TORCH, python, target="cp310-cp310"))
    assert built.title == "torch 2.1.2+cu121 was built for cp310-cp310; Python 3.11.7 is here"
    system = Party(type=PartyType.SYSTEM, name="system", version="glibc 2.31")
    (needs,) = grouped(broken(Kind.PLATFORM, TORCH, system, target="glibc >= 2.34"))
    assert needs.title == "torch 2.1.2+cu121 needs glibc >= 2.34; glibc 2.31 is here"


def test_libraries_that_the_system_lacks_are_one_finding() -> None:
    names = ("libavcodec.so.58", "libavcodec.so.59", "libsox.so")
    wanted = (
        broken(Kind.LIBRARY, provider=Party(type=PartyType.SYSTEM, name=name), severity=Severity.RISK, target=name)
        for name in names
    )
    (finding,) = grouped(*wanted)
    assert (finding.id, finding.count, finding.provider.name) == ("library:torchvision:system", 3, "system")
    assert finding.title.endswith("needs libavcodec.so.58, libavcodec.so.59 and 1 more; nothing here provides them")


def test_evidence_comes_from_different_artifacts_first() -> None:
    (finding,) = grouped(
        broken(target="a", evidence=(("one.so", "x"), ("one.so", "y"), ("two.so", "z"), ("three.so", "z"))),
    )
    assert [piece.artifact for piece in finding.evidence] == ["one.so", "two.so", "three.so"]


def test_a_reference_without_evidence_shows_what_is_needed() -> None:
    (finding,) = grouped(broken(Kind.REQUIRES, TORCH, NUMPY, target="numpy<2"))
    assert [(piece.artifact, piece.detail) for piece in finding.evidence] == [
        ("torch 2.1.2+cu121", "requires numpy<2"),
    ]


def test_numpy_older_than_an_extension_was_built_for_is_said_differently() -> None:
    (finding,) = grouped(broken(Kind.NUMPY_ABI, TORCHVISION, package("numpy", "1.19.5")))
    assert finding.title == "torchvision 0.17.0 was built for a newer NumPy C API than numpy 1.19.5 has"


def test_breaks_come_first_and_reached_ones_before_the_others() -> None:
    ranks = [(finding.severity.rank, not finding.reached_from) for finding in group([links()], owners=OWNERS)]
    assert ranks == sorted(ranks)


@given(st.permutations(links().broken[:6] + links().broken[-4:]))
def test_the_order_of_the_references_does_not_matter(references: list[Broken]) -> None:
    assert grouped(*references) == grouped(*sorted(references, key=repr))


def test_verdicts() -> None:
    unknown = Undecided(kind=Kind.IMPORT, artifact="a.py:1", reason="computed", reached=True)
    (a_break,) = grouped(numpy_bridge())
    (a_risk,) = grouped(violated_pin())
    assert judge((a_break, a_risk), (unknown,)) is Verdict.BROKEN
    assert judge((a_risk,), (unknown,)) is Verdict.UNDECIDED
    assert judge((a_risk,), ()) is Verdict.RISKY
    assert judge((), ()) is Verdict.SOUND


NAMES = ("torch", "torchvision", "diffusers", "transformers", "numpy")
ANY_BROKEN = st.builds(
    broken,
    kind=st.sampled_from((Kind.REQUIRES, Kind.IMPORT, Kind.SYMBOL)),
    needer=st.sampled_from(NAMES).map(package),
    provider=st.sampled_from(NAMES).map(package),
    severity=st.sampled_from(Severity),
    target=st.sampled_from("ab"),
    chain=st.lists(st.sampled_from(("train.py:1", *NAMES, "torch/x.py:3")), max_size=4).map(tuple),
    affects=st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
)


@given(st.lists(ANY_BROKEN, max_size=12))
def test_whatever_is_broken_is_told_once_and_blames_nobody_who_is_affected(references: list[Broken]) -> None:
    findings = grouped(*references)
    assert len({finding.id for finding in findings}) == len(findings)
    assert sum(finding.count for finding in findings) <= len(references)
    assert any(one.severity is Severity.BREAK for one in references) == any(
        finding.severity is Severity.BREAK for finding in findings
    )
    for finding in findings:
        assert 1 <= len(finding.culprits) <= 3
        assert 1 <= len(finding.evidence) <= 3
        assert finding.title
        assert not {finding.needer.name, *finding.culprits} & set(finding.affects)
