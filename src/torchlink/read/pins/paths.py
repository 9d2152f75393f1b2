"""Paths that files of a project name to each other."""

from __future__ import annotations

import posixpath


def beside(file: str, named: str) -> str:
    """The path, relative to the project, of what ``file`` names relative to its own folder.

    A path that leaves the project keeps its ``..``; an absolute one stays as it is.
    """
    path = named.strip().strip("\"'").replace("\\", "/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
