"""The kinds of file that pins are read from. The first that matches reads a file."""

from __future__ import annotations

from pathlib import PurePosixPath

from torchlink.read.pins import (
    batch,
    ci,
    dockerfile,
    environment_yml,
    locks,
    makefile,
    markdown,
    notebook,
    other_languages,
    pipfile,
    pixi,
    pyproject,
    python,
    requirements_txt,
    setup_cfg,
    shell_script,
)
from torchlink.read.pins.interface import Format

FORMATS: tuple[Format, ...] = (
    pyproject.FORMAT,
    requirements_txt.FORMAT,
    *setup_cfg.FORMATS,
    python.SETUP,
    pixi.FORMAT,
    pipfile.FORMAT,
    *locks.FORMATS,
    dockerfile.FORMAT,
    makefile.FORMAT,
    shell_script.FORMAT,
    batch.FORMAT,
    ci.FORMAT,
    environment_yml.FORMAT,
    notebook.FORMAT,
    python.SOURCE,
    other_languages.FORMAT,
    markdown.FORMAT,
)


def format_of(path: PurePosixPath) -> Format | None:
    """The kind of file that a path, relative to the project, is; ``None`` where pins are not looked for in it."""
    return next((form for form in FORMATS if form.matches(path)), None)
