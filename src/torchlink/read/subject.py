"""What is linked, however it came to be: an installed environment, or one made of wheels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torchlink.model.environment import Environment
from torchlink.model.store import ByteStore
from torchlink.read.environment import Survey, environment_of
from torchlink.read.native_files import NativeReader, uses_musl
from torchlink.read.sources import DiskFiles, Files, SourceFiles, family_of
from torchlink.read.tree import Tree
from torchlink.read.wheel_environment import WheelEnvironment, WheelFiles, WheelNatives


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An environment, and readers of what lies in it."""

    environment: Environment
    natives: tuple[str, ...]
    """Absolute paths of its native libraries."""
    files: NativeReader
    sources: SourceFiles
    read: Callable[[str], bytes]
    """The bytes of a source file. Raises ``UnreadableError``."""
    installed: bool
    """Whether all of it lies on disk."""
    inferred: Mapping[str, str] = field(default_factory=dict)
    """Distributions that the wheel of a sibling build stands for, and that build's version."""
    tree: Tree

    def is_settled(self) -> bool:
        """Whether the native libraries of an installed environment are still as they were listed."""
        return not (self.installed and any(map(self.tree.is_changed, self.natives)))


def installed(surveyed: Survey, store: ByteStore) -> Subject:
    """An installed environment."""
    environment = environment_of(surveyed)
    return _subject(
        environment, surveyed.tree, NativeReader(musl=_musl(environment)), store, DiskFiles(surveyed.tree), {}
    )


def of_wheels(made: WheelEnvironment, inferred: Mapping[str, str], store: ByteStore) -> Subject:
    """An environment made of wheels."""
    reader = WheelNatives(made, musl=_musl(made.environment))
    return _subject(made.environment, made.tree, reader, store, WheelFiles(made), inferred)


def _subject(
    environment: Environment,
    tree: Tree,
    reader: NativeReader,
    store: ByteStore,
    files: Files,
    inferred: Mapping[str, str],
) -> Subject:
    natives = tree.native_libraries()
    return Subject(
        environment=environment,
        natives=natives,
        files=reader,
        sources=SourceFiles(tree, family_of(reader, natives), store, files),
        read=files.read,
        installed=isinstance(files, DiskFiles),
        inferred=inferred,
        tree=tree,
    )


def _musl(environment: Environment) -> bool:
    return environment.interpreter.executed and uses_musl(environment.interpreter.executable)
