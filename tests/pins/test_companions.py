"""Companions of a package, with releases and a resolver on paper."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packaging.version import Version

from torchlink.link.pin_families import Required, link_families, pinned_releases
from torchlink.model.reference import Severity
from torchlink.pins.companions import companions
from torchlink.read.index_settings import IndexSettings
from torchlink.read.pins.survey import read_pins
from torchlink.solve.uv import Resolved, UnsatisfiableError, Uv, Wish


@dataclass(slots=True)
class Paper:
    """Releases on paper: what each requires."""

    facts: dict[tuple[str, str], tuple[str, ...]]

    def requires(self, name: str, version: str) -> Required:
        lines = self.facts.get((name, version.partition("+")[0]))
        if lines is None:
            return Required(problem="not on paper")
        return Required(lines=lines, inferred_from=version.partition("+")[0] if "+" in version else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperUv(Uv):
    """Takes the newest release on paper that is not held below it."""

    newest: dict[str, list[str]] = field(default_factory=dict)

    def resolve(self, wish: Wish) -> tuple[Resolved, ...]:
        held = {line.partition("<")[0]: line.partition("<")[2] for line in wish.held}
        answer = []
        for line in wish.lines:
            name, _, version = line.partition("==")
            below = [one for one in self.newest.get(name, []) if Version(one) < Version(held.get(name, "99"))]
            if not version and not below:
                raise UnsatisfiableError(f"no {name}")
            answer.append(Resolved(name=name, version=version or below[0]))
        return tuple(answer)


FACTS = {
    ("torch", "2.3.1"): ("numpy",),
    ("numpy", "1.26.4"): (),
    ("torchvision", "0.17.0"): ("numpy", "torch==2.2.0"),
    ("torchvision", "0.18.1"): ("numpy", "torch==2.3.1"),
    ("torchaudio", "2.2.0"): ("torch==2.2.0",),
    ("torchaudio", "2.3.1"): ("torch==2.3.1",),
    ("torchaudio", "2.11.0"): (),
    ("peft", "0.11.0"): ("torch>=1.13", "huggingface-hub>=0.20"),
}
NEWEST = {"torchvision": ["0.18.1"], "torchaudio": ["2.11.0", "2.3.1"]}


def uv() -> PaperUv:
    settings = IndexSettings(indexes=("https://example.org",))
    return PaperUv(program="", settings=settings, newest=NEWEST)


def test_companions_move_and_keep_what_they_say(tmp_path: Path) -> None:
    lines = ["torch==2.2.0+cu121", "torchvision==0.17.0+cu121", "torchaudio==2.2.0", "peft==0.11.0", "mystery==1.0"]
    (tmp_path / "requirements.txt").write_text("\n".join(lines), encoding="utf-8")
    found = companions(read_pins(tmp_path), "torch", "2.3.1+rocm5.7", Paper(FACTS), uv())
    # torchaudio 2.11.0 no longer says which torch it was built for: it is no answer.
    assert found.versions == {"torchvision": "0.18.1+rocm5.7", "torchaudio": "2.3.1"}
    assert found.unknown == {"mystery": "not on paper"}


def test_no_companion_says_that_it_goes_along(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torchaudio==2.2.0\n", encoding="utf-8")
    facts = {**FACTS, ("torchaudio", "2.3.1"): ()}
    with pytest.raises(UnsatisfiableError):
        companions(read_pins(tmp_path), "torch", "2.3.1", Paper(facts), uv())


def test_a_family_out_of_step(tmp_path: Path) -> None:
    text = "torch==2.3.1\ntorchvision==0.17.0\npeft==0.11.0\nhuggingface-hub>=0.19\nmystery==1.0\n"
    (tmp_path / "requirements.txt").write_text(text, encoding="utf-8")
    survey = read_pins(tmp_path)
    assert ("torchvision", "0.17.0") in pinned_releases(survey)
    links = link_families(survey, Paper(FACTS), {"python_version": "3.11"})
    assert [(one.needer.name, one.provider.name, one.severity) for one in links.broken] == [
        ("peft", "huggingface-hub", Severity.NOTE),
        ("torchvision", "torch", Severity.RISK),
    ]
    assert [one.reason for one in links.undecided] == ["what mystery 1.0 needs is not known: not on paper"]


def test_a_family_in_step(tmp_path: Path) -> None:
    text = "torch==2.3.1+rocm5.7\ntorchvision==0.18.1+rocm5.7\n"
    (tmp_path / "requirements.txt").write_text(text, encoding="utf-8")
    links = link_families(read_pins(tmp_path), Paper(FACTS), {})
    assert (links.broken, links.undecided) == ((), ())
