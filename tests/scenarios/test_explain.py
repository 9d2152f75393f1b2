"""A log and the environment that it was written in."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

import torchlink.report.json as report_json
from tests.scenarios.test_what_if import shop
from tests.scenarios.world import World
from tests.wheels import make_wheel
from torchlink.cli.main import run

__all__ = ["shop"]

SCHEMA = json.loads(Path(report_json.__file__).with_name("schema.json").read_text(encoding="utf-8"))

ENVIRONMENT_LOG = """Traceback (most recent call last):
  File "run.py", line 1, in <module>
    import consumer
  File "{site}/consumer/__init__.py", line 1, in <module>
    from huggingface_hub import cached_download
ImportError: cannot import name 'cached_download' from 'huggingface_hub' ({site}/huggingface_hub/__init__.py)
"""


def test_the_linker_speaks_where_the_log_is_of_the_environment(world: World) -> None:
    world.install("huggingface_hub", "0.30.0", {"huggingface_hub/__init__.py": "def hf_hub_download(): pass\n"})
    world.install("consumer", "1.0", {"consumer/__init__.py": "from huggingface_hub import cached_download\n"})
    log = world.project / "error.log"
    log.write_text(ENVIRONMENT_LOG.format(site=world.site), encoding="utf-8")
    assert run(["explain", str(log), "--python", str(world.python), "--format", "json", "--no-cache"]) == 1
    document = json.loads(world.capture.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    finding = document["findings"][0]
    assert finding["id"] == "import:consumer:huggingface-hub"
    assert finding["certainty"] == "linked"
    assert finding["needer"]["version"] == "1.0"
    assert finding["provider"]["version"] == "0.30.0"
    assert finding["culprits"][:2] == ["huggingface-hub", "consumer"]
    assert str(world.environment) in document["target"]["note"]


def test_fixes_are_proven_where_that_is_asked_for(world: World, shop: Path) -> None:
    world.install("huggingface_hub", "0.30.0", {"huggingface_hub/__init__.py": "def hf_hub_download(): pass\n"})
    world.install("consumer", "1.0", {"consumer/__init__.py": "from huggingface_hub import cached_download\n"})
    for version, name in (("0.25.0", "cached_download"), ("0.30.0", "hf_hub_download")):
        make_wheel(shop, "huggingface_hub", version, {"huggingface_hub/__init__.py": f"def {name}(): pass\n"})
    make_wheel(
        shop,
        "consumer",
        "1.0",
        {"consumer/__init__.py": "from huggingface_hub import cached_download\n"},
        requires=("huggingface-hub",),
    )
    log = world.project / "error.log"
    log.write_text(ENVIRONMENT_LOG.format(site=world.site), encoding="utf-8")
    assert run(["explain", str(log), "--python", str(world.python), "--prove", "--format", "json"]) == 1
    document = json.loads(world.capture.readouterr().out)
    finding, (plan, *advice) = document["findings"][0], document["plans"]
    assert (plan["certainty"], finding["plans"][0]) == ("proven", plan["id"])
    assert [step["to"] for step in plan["steps"] if step["op"] == "set"] == ["0.25.0"]
    assert advice


def test_nothing_can_be_proven_without_an_environment(world: World) -> None:
    assert run(["explain", "-", "--prove", "--no-environment"]) == 2
    assert "needs an environment" in world.capture.readouterr().err


def test_an_environment_that_the_log_speaks_against_is_left_out(world: World) -> None:
    world.install("huggingface_hub", "0.30.0", {"huggingface_hub/__init__.py": "def hf_hub_download(): pass\n"})
    log = world.project / "error.log"
    log.write_text(ENVIRONMENT_LOG.format(site="/elsewhere/lib/python3.9/site-packages"), encoding="utf-8")
    assert run(["explain", str(log), "--python", str(world.python), "--format", "json"]) == 1
    document = json.loads(world.capture.readouterr().out)
    assert document["findings"][0]["certainty"] == "inferred"
    assert "is left out: the log is of another environment" in document["target"]["note"]
