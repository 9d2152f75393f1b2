"""torchlink: a linker for PyTorch environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "Finding",
    "Plan",
    "PreflightError",
    "Report",
    "TorchlinkError",
    "Verdict",
    "__version__",
    "check",
    "explain",
    "preflight",
]

if TYPE_CHECKING:
    from torchlink.model.errors import TorchlinkError
    from torchlink.model.finding import Finding
    from torchlink.model.plan import Plan
    from torchlink.model.preflight import PreflightError
    from torchlink.model.report import Report, Verdict
    from torchlink.pipeline import check, explain
    from torchlink.startup import preflight

_HOMES = {
    "Finding": "torchlink.model.finding",
    "Plan": "torchlink.model.plan",
    "PreflightError": "torchlink.model.preflight",
    "Report": "torchlink.model.report",
    "TorchlinkError": "torchlink.model.errors",
    "Verdict": "torchlink.model.report",
    "check": "torchlink.pipeline",
    "explain": "torchlink.pipeline",
    "preflight": "torchlink.startup",
}


def __getattr__(name: str) -> object:
    """Import the public names when they are first used: ``import torchlink`` itself costs nothing."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'torchlink' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
