"""Every rule is whole, documented, and tells its own case apart: on paper here, on real wheels in the lab."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.scenarios.conftest import world
from tests.scenarios.world import World
from torchlink.cli.main import run
from torchlink.model.errors import TorchlinkError
from torchlink.model.rules import Rule
from torchlink.report.json import load
from torchlink.rules.behaviour import behaviour_rules, rules_in

__all__ = ["world"]

RULES = behaviour_rules()
PROJECT = Path(__file__).parents[2]
ENVIRONMENTS = os.environ.get("TORCHLINK_EXAM_ENVIRONMENTS", "")
"""A folder of environments that stand already: one that has what a case needs is used instead of a new one."""

per_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)


def test_codes_are_unique_and_plain() -> None:
    codes = [rule.code for rule in RULES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", code) for code in codes)


@per_rule
def test_a_rule_is_whole(rule: Rule) -> None:
    assert rule.evidence and rule.fixes and rule.case.fails
    assert not rule.symptom.endswith(".")
    assert all(re.fullmatch(r"[a-z0-9-]+ \d[\w.+]*", seen.release) for seen in rule.evidence)
    compile(rule.case.code, rule.code, "exec")


@per_rule
def test_the_evidence_lies_on_both_sides_of_the_change(rule: Rule) -> None:
    versions = [seen.release.split()[1] for seen in rule.evidence if seen.release.split()[0] == rule.package]
    if rule.after:
        assert any(version in SpecifierSet(rule.after) for version in versions)
    assert applies_to(rule, rule.case.fails)
    assert not rule.case.works or not applies_to(rule, rule.case.works)


def applies_to(rule: Rule, requirements: Iterable[str]) -> bool:
    """Whether the versions that are named are all those of after the change."""
    wanted = {rule.package: rule.after, **rule.where}
    named = [one for one in map(Requirement, requirements) if one.name in wanted]
    return all(pin.version in SpecifierSet(wanted[one.name]) for one in named for pin in one.specifier)


def test_the_page_is_what_the_rules_say() -> None:
    script = PROJECT / "scripts" / "behaviour_rules.py"
    assert subprocess.run([sys.executable, str(script), "--check"]).returncode == 0, f"run python {script.name}"


WHOLE = """
[[rule]]
code = "a-b"
package = "torch"
after = ">=2"
relies_on = "x"
changes = "x"
symptom = "x"
names = { "torch.x" = "" }
[[rule.fix]]
kind = "pin"
text = "x"
[[rule.evidence]]
release = "torch 2.0.0"
file = "x"
detail = "x"
[rule.case]
code = "x"
fails = ["torch==2.0.0"]
raises = "x"
"""


def test_a_rule_that_is_whole_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(WHOLE)
    assert [rule.code for rule in rules_in(tmp_path / "a.toml")] == ["a-b"]


@pytest.mark.parametrize(
    ("part", "instead", "said"),
    [
        ("[[rule.evidence]]", "[[rule.fix]]", "unknown key"),
        ('[[rule.evidence]]\nrelease = "torch 2.0.0"\nfile = "x"\ndetail = "x"\n', "", "evidence"),
        ('[rule.case]\ncode = "x"\nfails = ["torch==2.0.0"]\nraises = "x"\n', "", "case"),
        ('[[rule.fix]]\nkind = "pin"\ntext = "x"\n', "", "fix"),
        ('after = ">=2"', 'after = "2+"', "specifier"),
        ('names = { "torch.x" = "" }', "", "matches nothing"),
        ('symptom = "x"', 'symptoms = "x"', "unknown key"),
        ('kind = "pin"', 'kind = "hope"', "no such kind"),
        ("[[rule]]", "[[rule", "cannot be read"),
    ],
)
def test_a_rule_that_is_not_whole_is_refused(tmp_path: Path, part: str, instead: str, said: str) -> None:
    assert part in WHOLE
    (tmp_path / "a.toml").write_text(WHOLE.replace(part, instead))
    with pytest.raises(TorchlinkError, match=said):
        list(rules_in(tmp_path / "a.toml"))


def told(project: Path, python: Path, capture: pytest.CaptureFixture[str]) -> set[str]:
    run(["check", str(project), "--python", str(python), "--format", "json"])
    out, err = capture.readouterr()
    assert out, err
    findings = load(out).findings
    return {one.rule or f"{one.kind.value}:{one.provider.name}" for one in findings}


def found(rule: Rule, told: set[str]) -> bool:
    """A name that the linker sees missing in the installed files is its finding: that is the better proof."""
    return rule.code in told or (bool(rule.names) and f"import:{rule.package}" in told)


def write(project: Path, rule: Rule) -> None:
    for name, text in {"case.py": rule.case.code, **rule.case.files}.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)


def install(world: World, requirements: Iterable[str]) -> None:
    """Distributions of these versions, whose modules have every name."""
    for requirement in map(Requirement, requirements):
        (one,) = requirement.specifier
        module = requirement.name.replace("-", "_")
        world.install(requirement.name, one.version, {f"{module}/__init__.py": "def __getattr__(name): ...\n"})


@per_rule
def test_its_case_is_found_on_paper(rule: Rule, world: World) -> None:
    install(world, rule.case.fails)
    write(world.project, rule)
    assert found(rule, told(world.project, world.python, world.capture))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.case.works], ids=lambda rule: rule.code)
def test_before_the_change_nothing_is_said(rule: Rule, world: World) -> None:
    install(world, rule.case.works)
    write(world.project, rule)
    assert rule.code not in told(world.project, world.python, world.capture)


# On real wheels


def environment(requirements: tuple[str, ...], folder: Path) -> Path:
    """An interpreter with these requirements: in an environment that stands already, or in a new one."""
    for place in sorted(Path(ENVIRONMENTS).iterdir()) if ENVIRONMENTS else []:
        site = place / "lib" / "python3.11" / "site-packages"
        if (place / "bin" / "python").exists() and all(_has(site, Requirement(one)) for one in requirements):
            return place / "bin" / "python"
    subprocess.run(["uv", "venv", "--quiet", "--python", "3.11", str(folder)], check=True)
    python = folder / "bin" / "python"
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", str(python), *requirements], check=True)
    return python


def _has(site: Path, requirement: Requirement) -> bool:
    name = requirement.name.replace("-", "_")
    found = [path.name.removeprefix(f"{name}-").removesuffix(".dist-info") for path in site.glob(f"{name}-*.dist-info")]
    return any(version.split("+")[0] in requirement.specifier for version in found)


def output(python: Path, project: Path) -> str:
    """What the case prints. Some environments do not end by themselves: what they printed until then counts."""
    command = [str(python), "-u", "-W", "always", "case.py"]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
    try:
        done = subprocess.run(command, cwd=project, env=offline, capture_output=True, timeout=300)
    except subprocess.TimeoutExpired as error:
        return ((error.stdout or b"") + (error.stderr or b"")).decode(errors="replace")
    return (done.stdout + done.stderr).decode(errors="replace")


@pytest.mark.lab
@per_rule
@pytest.mark.parametrize("side", ["fails", "works"])
def test_its_case_on_real_wheels(
    rule: Rule, side: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code is run, and behaves as the rule says; and torchlink says so beforehand."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    requirements = rule.case.fails if side == "fails" else rule.case.works
    if not requirements:
        pytest.skip("there is no version before the change")
    python = environment(requirements, tmp_path / "environment")
    project = tmp_path / "project"
    project.mkdir()
    write(project, rule)
    printed = output(python, project)
    assert (rule.case.raises in printed) is (side == "fails"), printed
    assert found(rule, told(project, python, capsys)) is (side == "fails")


NAMED = [rule for rule in RULES if rule.names]
LOOK = """
import importlib, json, sys, warnings

warnings.simplefilter("ignore")


def there(name):
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for part in parts[count:]:
            try:
                found = getattr(found, part)
            except Exception:
                return False
        return True
    return False


print(json.dumps([name for name in sys.argv[1:] if there(name)]))
"""


@pytest.mark.lab
@pytest.mark.parametrize("rule", NAMED, ids=lambda rule: rule.code)
@pytest.mark.parametrize("side", ["fails", "works"])
def test_every_name_is_gone_after_the_change_and_there_before(rule: Rule, side: str, tmp_path: Path) -> None:
    requirements = rule.case.fails if side == "fails" else rule.case.works
    if not requirements:
        pytest.skip("there is no version before the change")
    python = environment(requirements, tmp_path / "environment")
    done = subprocess.run(
        [str(python), "-c", LOOK, *rule.names], capture_output=True, text=True, check=True, timeout=300
    )
    present = set(json.loads(done.stdout.splitlines()[-1]))
    assert present == (set() if side == "fails" else set(rule.names))
