"""Which files an import will need, in order, without running anything: what to parse ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from torchlink.link.importing.finder import Finder, Found
from torchlink.model.source import Block, ModuleSource


def walk(finder: Finder, parse: Callable[[str], ModuleSource], entries: Iterable[Block]) -> Iterator[ModuleSource]:
    """Parse every module that these blocks import, and that those import, in the order in which Python would.

    Imports under ``TYPE_CHECKING`` and inside functions are left out; those under other conditions are taken.
    """
    seen: set[str] = set()
    pending: list[Iterator[str]] = [iter([name for block in entries for name in imported_names(block, "", False)])]
    while pending:
        name = next(pending[-1], None)
        if name is None:
            pending.pop()
            continue
        for full in _with_parents(name):
            if full in seen:
                continue
            seen.add(full)
            location = _locate(finder, full)
            if location is None:
                break
            source = parse(location[0])
            yield source
            pending.append(iter(list(imported_names(source.block, full, location[1]))))


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[: index + 1]) for index in range(len(parts)))


def _locate(finder: Finder, name: str) -> tuple[str, bool] | None:
    """The source file of a module outside the standard library, and whether it is a package."""
    top, *rest = name.split(".")
    location = finder.top_level(top)
    for part in rest:
        if location is None or not location.search:
            return None
        location = finder.within(part, location.search)
    if location is None or location.stdlib or location.found not in (Found.SOURCE, Found.PACKAGE):
        return None
    return (location.path, location.found is Found.PACKAGE) if location.path.endswith(".py") else None


def imported_names(block: Block, module: str, is_package: bool) -> Iterator[str]:
    """The full names of the modules that a block may import; names that may be sub-modules are among them."""
    for statement in block:
        kind = statement[0]
        if kind == "import":
            yield from (name for name, _ in statement[2])
        elif kind == "from":
            base = _absolute(statement[2], statement[3], module, is_package)
            if base:
                yield base
                yield from (f"{base}.{name}" for name, _ in statement[4] if name != "*")
        elif kind in ("if", "while"):
            if "TYPE_CHECKING" not in str(statement[2]):
                yield from imported_names(statement[3], module, is_package)
            yield from imported_names(statement[4], module, is_package)
        elif kind == "try":
            for part in (statement[2], *(handler[2] for handler in statement[3]), statement[4], statement[5]):
                yield from imported_names(part, module, is_package)
        elif kind == "with":
            yield from imported_names(statement[3], module, is_package)


def _absolute(name: str, level: int, module: str, is_package: bool) -> str:
    if level == 0:
        return name
    parts = module.split(".")
    keep = len(parts) - level + (1 if is_package else 0)
    base = ".".join(parts[:keep]) if keep > 0 else ""
    return f"{base}.{name}" if name and base else base or name
