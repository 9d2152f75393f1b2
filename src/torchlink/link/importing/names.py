"""The names that a module binds, read off without running it: for the standard library and for stubs."""

from __future__ import annotations

from collections.abc import Iterator

from torchlink.model.source import Block, ModuleSource, Node, Sources


def bound_names(source: ModuleSource) -> tuple[frozenset[str], bool]:
    """Every name that a module's body may bind, and whether it may bind others (a star import, ``__getattr__``)."""
    names = set(_names(source.block)) | source.late_names
    opaque = source.dynamic or bool(source.problem) or "*" in names or "__getattr__" in names
    return frozenset(names), opaque


def _names(block: Block) -> Iterator[str]:
    for statement in block:
        yield from _bound_by(statement)


def _bound_by(statement: Node) -> Iterator[str]:
    kind = statement[0]
    if kind in ("import", "from"):
        for alias in _tuple(statement[-1]):
            name, other = _tuple(alias)
            yield str(other or (str(name).partition(".")[0]))
    elif kind in ("def", "class", "declare"):
        yield str(statement[2])
        if kind == "class" and _is_dynamic(statement[5]):
            yield from _names(_block(statement[6]))
    elif kind == "assign":
        for target in _tuple(statement[2]):
            yield from target_names(target)
        if _is_dynamic(statement[3]):
            yield "*"
    elif kind == "aug":
        yield from target_names(statement[2])
    elif kind == "expr" and _is_dynamic(statement[2]):
        yield "*"
    elif kind == "match":
        yield from (str(name) for name in _tuple(statement[3]))
        for block in _tuple(statement[4]):
            yield from _names(_block(block))
    elif kind == "with":
        for item in _tuple(statement[2]):
            target = _tuple(item)[1]
            if target is not None:
                yield from target_names(target)
        yield from _names(_block(statement[3]))
    elif kind == "for":
        yield from target_names(statement[2])
        yield from _names(_block(statement[4]))
        yield from _names(_block(statement[5]))
    elif kind in ("if", "while"):
        yield from _names(_block(statement[3]))
        yield from _names(_block(statement[4]))
    elif kind == "try":
        for handler in _tuple(statement[3]):
            yield from _names(_block(_tuple(handler)[2]))
        for part in (statement[2], statement[4], statement[5]):
            yield from _names(_block(part))


def target_names(target: object) -> Iterator[str]:
    """The names that an assignment to this target binds; ``*`` where they cannot be read off."""
    node = _tuple(target)
    if node[0] == "n":
        yield str(node[1])
    elif node[0] in ("tuple", "list"):
        for item in _tuple(node[1]):
            yield from target_names(item)
    elif node[0] == "*":
        yield from target_names(node[1])
    elif node[0] == "sub" and _is_dynamic(node[1]) and not _is_other_module(node):
        yield "*"


def _is_other_module(target: tuple[object, ...]) -> bool:
    """``sys.modules["other"] = ...``: the module stays as it is."""
    return _tuple(target[1])[:1] == ("a",) and target[2] != ("n", "__name__")


def _is_dynamic(expression: object) -> bool:
    """Whether an expression may bind names of the module: ``globals()``, ``exec``, ``sys.modules``, global enums."""
    if not isinstance(expression, tuple):
        return False
    if expression[:1] == ("n",):
        return expression[1] in ("globals", "exec", "vars", "global_enum")
    if expression[:1] == ("a",) and expression[2] in ("modules", "global_enum", "_convert_", "_convert"):
        return True
    return any(_is_dynamic(item) for item in expression)


def _tuple(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()


def _block(value: object) -> Block:
    return value if isinstance(value, tuple) else ()


def stub_names(sources: Sources, library: str) -> frozenset[str]:
    """The names in the ``.pyi`` stub of a compiled module: beside it, or in the folder of its name.

    A stub that says itself that it is not complete (``def __getattr__``) counts as none.
    """
    folder, _, file = library.rpartition("/")
    return _stub_names(sources, folder, file.partition(".")[0])


def _stub_names(sources: Sources, folder: str, name: str) -> frozenset[str]:
    names: set[str] = set()
    stubs = [f"{folder}/{name}.pyi"] if f"{name}.pyi" in sources.files(folder) else []
    stubs += [f"{folder}/{name}/{file}" for file in sources.files(f"{folder}/{name}") if file.endswith(".pyi")]
    for path in stubs:
        found, _ = bound_names(sources.module(path))
        names |= found
        names.add(path.rpartition("/")[2].removesuffix(".pyi"))
        for statement in sources.module(path).block:
            if statement[0] == "class" and statement[2].startswith("_"):
                names |= bound_names_in(statement[6])
    return frozenset() if "__getattr__" in names else frozenset(names)


def bound_names_in(block: Block) -> frozenset[str]:
    """The names that a class body binds: a stub lists the functions of a namespace as the members of a class."""
    return frozenset(_names(block))
