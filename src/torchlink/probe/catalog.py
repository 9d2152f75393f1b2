"""The probes, as ``probes.toml`` beside this file has them, and those that are made for an environment."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from torchlink.report.document import Node, node

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FAMILY = (
    "numpy",
    "torch",
    "torchvision",
    "torchaudio",
    "xformers",
    "torchao",
    "transformers",
    "diffusers",
    "accelerate",
    "ultralytics",
    "timm",
    "lightning",
    "pytorch-lightning",
    "pandas",
    "scipy",
    "pyarrow",
    "datasets",
)
"""Distributions whose import is probed wherever they are installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Python code that runs in the environment, and what must be installed for it."""

    name: str
    code: str
    needs: tuple[str, ...] = ()


def probes_for(
    installed: Collection[str], modules: Iterable[str], checkpoints: Iterable[Path] = ()
) -> tuple[Probe, ...]:
    """The probes that an environment has something to run on.

    Args:
        installed: the names of its distributions.
        modules: what is imported, each in a probe of its own.
        checkpoints: files that are loaded with ``torch.load``. That runs what is in them, as the user's program would.
    """
    imports = [Probe(name=f"import {module}", code=f"import {module}") for module in modules]
    loads = [
        Probe(name=f"load {path.name}", code=_LOAD.format(path=str(path)), needs=("torch",)) for path in checkpoints
    ]
    return tuple(one for one in (*imports, *_shipped(), *loads) if _fits(one, installed))


_LOAD = """
import torch
found = torch.load({path!r}, map_location="cpu")
detail = f"torch.load gave a {{type(found).__name__}}"
"""


def _fits(probe: Probe, installed: Collection[str]) -> bool:
    return all(name in installed for name in probe.needs)


def _shipped() -> tuple[Probe, ...]:
    text = files("torchlink.probe").joinpath("probes.toml").read_text(encoding="utf-8")
    return node(tomllib.loads(text), "probes.toml").each("probe", _probe)


def _probe(at: Node) -> Probe:
    return Probe(name=at.text("name"), code=at.text("code"), needs=at.texts("needs"))
