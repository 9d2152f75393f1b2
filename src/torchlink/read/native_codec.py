"""Facts of native libraries as bytes, for a cache: strings with NUL between, which no name in an ELF file contains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from torchlink.model.errors import UnreadableError
from torchlink.model.native import NativeFacts, NativeLibrary, NumpyAbi, NumpyFailure, VersionNeed

FORMAT = "native-facts/2"


def pack(facts: Mapping[str, NativeFacts]) -> bytes:
    """Facts by path, as bytes."""
    tokens = [FORMAT]
    for path, one in facts.items():
        tokens += (path, *_record(one))
    return "\0".join(tokens).encode("utf-8", "surrogateescape")


def unpack(data: bytes) -> dict[str, NativeFacts]:
    """The facts that were packed.

    Raises:
        UnreadableError: the bytes are not of `pack` in this version.
    """
    tokens = iter(data.decode("utf-8", "surrogateescape").split("\0"))
    if next(tokens) != FORMAT:
        raise UnreadableError("is of another version", where="cached facts of native libraries")
    try:
        return {path: _facts(path, tokens) for path in tokens}
    except (ValueError, StopIteration) as error:
        raise UnreadableError("are damaged", where="cached facts of native libraries") from error


def _record(facts: NativeFacts) -> Iterator[str]:
    library = facts.library
    yield from (library.soname, library.format, library.machine, facts.numpy.value, facts.numpy_level)
    yield from (facts.numpy_failure.value, facts.cuda)
    needs = library.version_needs
    versions = [text for need in needs for text in (need.library, need.version, "weak" if need.weak else "")]
    columns: tuple[Iterable[str], ...] = (
        library.needed,
        library.rpath,
        library.runpath,
        versions,
        library.undefined,
        library.version_definitions,
        facts.operators,
    )
    for column in columns:
        values = tuple(column)
        yield str(len(values))
        yield from values


def _facts(path: str, tokens: Iterator[str]) -> NativeFacts:
    soname, form, machine, numpy, level, failure, cuda = _take(tokens, 7)
    needed, rpath, runpath, versions, undefined, definitions, operators = (
        _take(tokens, int(next(tokens))) for _ in range(7)
    )
    needs = zip(versions[::3], versions[1::3], versions[2::3], strict=True)
    library = NativeLibrary(
        path=path,
        soname=soname,
        format=form,
        machine=machine,
        needed=needed,
        rpath=rpath,
        runpath=runpath,
        version_needs=tuple(
            VersionNeed(library=name, version=version, weak=bool(weak)) for name, version, weak in needs
        ),
        undefined=undefined,
        version_definitions=definitions,
    )
    return NativeFacts(
        library=library,
        numpy=NumpyAbi(numpy),
        numpy_level=level,
        numpy_failure=NumpyFailure(failure),
        operators=operators,
        cuda=cuda,
    )


def _take(tokens: Iterator[str], count: int) -> tuple[str, ...]:
    values = tuple(islice(tokens, count))
    if len(values) != count:
        raise ValueError(count)
    return values
