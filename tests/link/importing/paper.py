"""Small environments in which imports are run on paper, and for real to compare."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.installs import install, make_venv, read_with_tree, write
from torchlink.catalog.cache import open_cache
from torchlink.link.importing.run import link_imports
from torchlink.link.natives import NativeLinker
from torchlink.link.owners import Owners
from torchlink.model.reach import Reach
from torchlink.model.reference import Broken, Links, Severity
from torchlink.read.native_files import NativeReader
from torchlink.read.project import read_project
from torchlink.read.sources import SourceFiles, family_of

Result = TypeVar("Result")
DEEP = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the import linker says."""

    links: Links
    reach: Reach

    @property
    def breaks(self) -> list[Broken]:
        return [broken for broken in self.links.broken if broken.severity is Severity.BREAK]

    @property
    def risks(self) -> list[Broken]:
        return [broken for broken in self.links.broken if broken.severity is Severity.RISK]

    @property
    def targets(self) -> list[str]:
        """What does not resolve, for certain."""
        return [broken.target for broken in self.breaks]

    @property
    def reasons(self) -> list[str]:
        """Why something on a reached path could not be decided."""
        return [item.reason for item in self.links.undecided if item.reached]


@dataclass(frozen=True, slots=True)
class Paper:
    """An environment and a project."""

    prefix: Path
    site: Path
    project: Path
    variables: dict[str, str] = field(default_factory=dict)

    def lay(self, files: Mapping[str, str | bytes], versions: Mapping[str, str] | None = None) -> None:
        """Install each top-level package of ``files`` as a distribution of its name; version 1.0 unless it is given."""
        packages: dict[str, dict[str, str | bytes]] = {}
        for path, text in files.items():
            packages.setdefault(path.partition("/")[0].removesuffix(".py"), {})[path] = text
        for name, content in packages.items():
            install(self.site, name, (versions or {}).get(name, "1.0"), files=content)

    def source(self, files: Mapping[str, str | bytes] | str) -> None:
        """Write the project's files; a text is its ``main.py``."""
        write(self.project, {"main.py": files} if isinstance(files, str) else files)

    def link(self, *, project: bool = True, asked: Collection[str] = ()) -> Answer:
        """Run on paper what the project imports, or what is installed: all of it, or what is asked for."""
        return deep(lambda: self._link(project, asked))

    def _link(self, project: bool, asked: Collection[str]) -> Answer:
        environment, tree = read_with_tree(self.prefix)
        natives = tree.native_libraries()
        reader = NativeReader()
        owners = Owners(environment, str(self.project) if project else "")
        loader = NativeLinker(environment, reader, natives, owners=owners)
        sources = SourceFiles(tree, family_of(reader, natives), open_cache(None, "test"))
        source = read_project(self.project) if project else None
        links, reach, _ = link_imports(
            environment, sources, loader, owners=owners, project=source, asked=asked, variables=self.variables
        )
        return Answer(links=links, reach=reach)

    def truth(self, *, seconds: float = 30) -> str:
        """Run ``main.py`` for real; the last line of its traceback, empty where there is none."""
        done = subprocess.run(
            [str(self.prefix / "bin" / "python"), "-B", "main.py"],
            cwd=self.project,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return done.stderr.strip().splitlines()[-1] if done.returncode else ""


def make(root: Path) -> Paper:
    """An empty environment and an empty project."""
    site = make_venv(root / "environment")
    (root / "project").mkdir()
    return Paper(root / "environment", site, root / "project")


def deep(work: Callable[[], Result]) -> Result:
    """Run with a deep stack, as the pipeline does."""
    results: list[Result] = []
    errors: list[BaseException] = []
    threading.excepthook, hook = lambda args: errors.append(args.exc_value or SystemExit()), threading.excepthook
    limit, size = sys.getrecursionlimit(), threading.stack_size(512 * 2**20)
    sys.setrecursionlimit(DEEP)
    try:
        thread = threading.Thread(target=lambda: results.append(work()))
        thread.start()
        thread.join()
    finally:
        threading.excepthook = hook
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    if errors:
        raise errors[0]
    return results[0]


def numbered(count: int, text: str) -> Iterator[str]:
    """A text repeated with each number."""
    return (text.format(number) for number in range(count))
