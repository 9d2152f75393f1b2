"""Where an environment's folders lie, and what a folder shows when its interpreter cannot run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torchlink.model.environment import Interpreter
from torchlink.model.errors import UnreadableError
from torchlink.read.bounded import read_bounded

_MAX_CFG = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The folders from which ``site`` makes ``sys.path``."""

    prefix: str
    base_prefix: str
    """Equal to ``prefix`` outside a virtual environment."""
    site_packages: tuple[str, ...]
    """The environment's own, in the order of ``sys.path``; some may not exist."""
    base_site_packages: tuple[str, ...]
    user_site: str
    """Empty where the platform has none."""
    system_site: bool
    """Whether the base's site-packages and the user site are on the path of this environment."""

    @property
    def is_venv(self) -> bool:
        return self.prefix != self.base_prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """An interpreter and its folders."""

    interpreter: Interpreter
    layout: Layout


def read_pyvenv_cfg(prefix: Path) -> dict[str, str]:
    """Return the keys (lower case) of ``pyvenv.cfg`` as ``site`` reads it; empty where there is none."""
    for folder in (prefix, prefix / "bin", prefix / "Scripts"):
        try:
            text = read_bounded(folder / "pyvenv.cfg", _MAX_CFG).decode("utf-8", "replace")
        except UnreadableError:
            continue
        pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
        return {key.strip().lower(): value.strip() for key, _, value in pairs}
    return {}


def has_system_site(cfg: dict[str, str]) -> bool:
    """Whether the base's packages are visible; they are where the file has no word on it, as ``site`` has it."""
    return cfg.get("include-system-site-packages", "true").lower() == "true"
