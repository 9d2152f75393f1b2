"""What runs at import, read off source: with bodies cut out before parsing or not, the answer is the same."""

from __future__ import annotations

import ast
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchlink.model.source import Block, ModuleSource, Node
from torchlink.read.python_nodes import block_of
from torchlink.read.python_source import cut_bodies, pack, parse_function, parse_module, unpack

ENVIRONMENT = "TORCHLINK_LAB_ENVIRONMENT"
"""The variable that names a large environment for the lab's test."""
FILLER = b"# " + b"-" * 3000 + b"\n"
"""Makes a source long enough for its bodies to be cut out."""


def block(source: str) -> Block:
    return long_and_short(source.encode()).block


def long_and_short(source: bytes) -> ModuleSource:
    """Parse a source with and without cutting, and require one answer."""
    short = parse_module("module.py", source)
    assert not (short.problem and cut_of(source)), short.problem
    assert shape(short.block) == shape(cut_block(source))
    return short


def cut_of(source: bytes) -> bool:
    """Whether bodies were cut out, so that the result parses."""
    cut = cut_bodies(source)
    try:
        return cut is not None and bool(ast.parse(cut.text)) and bool(cut.last_lines)
    except (SyntaxError, ValueError):
        return False


def cut_block(source: bytes) -> Block:
    cut = cut_bodies(source)
    if cut is not None:
        try:
            return block_of(ast.parse(cut.text).body, last_lines=cut.last_lines)
        except SyntaxError:
            pass
    return block_of(ast.parse(source).body)


def shape(node: object) -> object:
    """A block without the last lines of its functions: trailing comments belong to a body or not."""
    if not isinstance(node, tuple):
        return node
    if node[:1] == ("def",) and len(node) == 7:
        return tuple(shape(item) for item in (*node[:5], node[6]))
    return tuple(shape(item) for item in node)


def functions(block: Block) -> Iterator[Node]:
    """Every function whose body is read on demand."""
    for item in block:
        if isinstance(item, tuple):
            if item[:1] == ("def",) and len(item) == 7:
                yield item
            yield from functions(item)


def same_answers(source: bytes) -> Block:
    """With and without cutting: the same block, which is returned, and the same bodies."""
    try:
        whole = block_of(ast.parse(source).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    cut = cut_block(source)
    assert shape(cut) == shape(whole)
    lines = source.splitlines(keepends=True)
    for left, right in zip(functions(cut), functions(whole), strict=True):
        more = lines[right[5] : left[5]]
        if left[5] >= right[5] and all(line.strip()[:1] in (b"", b"#") for line in more):
            continue
        assert parse_function(lines, left[1], left[5]) == parse_function(lines, right[1], right[5])
    return cut


def imports_of(tree: ast.AST) -> set[tuple[int, str]]:
    """The import statements outside functions, as ``ast`` sees them."""
    found: set[tuple[int, str]] = set()
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Import):
            found.update((child.lineno, alias.name) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = f"{'.' * child.level}{child.module or ''}"
            found.update((child.lineno, f"{base}:{alias.name}") for alias in child.names)
        elif not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            found |= imports_of(child)
    return found


def imports_in(node: object) -> set[tuple[int, str]]:
    """The import statements of a block, wherever they stand."""
    if not isinstance(node, tuple):
        return set()
    if node[:1] == ("import",):
        return {(node[1], name) for name, _ in node[2]}
    if node[:1] == ("from",):
        return {(node[1], f"{'.' * node[3]}{node[2]}:{name}") for name, _ in node[4]}
    return {found for item in node for found in imports_in(item)}


def test_a_body_is_not_part_of_what_runs_at_import() -> None:
    source = b"import a\ndef f(x=1):\n    import b\n    return b\nx = f()\n"
    module = long_and_short(source)
    assert imports_in(module.block) == {(1, "a")}
    assert [statement[0] for statement in module.block] == ["import", "def", "assign"]


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    import a\nx = f()\n",
        "def f():\n    import a\n\n\nx = f()\n",
        "def f():\n    import a",
        "class C:\n    def f(self):\n        import a\n    def g(self):\n        import b\n    x = 1\ny = 2\n",
        "def f():\n    if 1:\n        import a\n    # a comment\n# another\nx = 1\n",
        "def f():\n    def g():\n        import a\n    return g\nx = 1\n",
        "@d\n@e(1)\ndef f():\n    import a\nx = 1\n",
        "async def f():\n    await g()\n    import a\nx = 1\n",
        "def f(a='(', b=')'):\n    import a\nx = 1\n",
        "def f(a='('):\n    import a\ndef g(b=')'):\n    if b:\n        import c\n    import b\nx = 1\n",
        "def f(a={1: '#'}, *, b: 'x:y' = 3) -> 'a # b':\n    import a\nx = 1\n",
        "def f(\n    a,  # (\n    b=[1, 2],\n):\n    import a\nx = 1\n",
        "def f(x=')', y=lambda:\n      0):\n    import a\nx = 1\n",
        "def f(): import a\nx = 1\n",
        "def f(): import a; import b\ndef g():\n    import c\nx = 1\n",
        'def f():\n    """Text.\n\nimport nothing\ndef not_here():\n    pass\n    """\n    import a\nx = 1\n',
        "def f():\n    '''one \"\"\" two\n'''\n    import a\nx = '''\ndef g():\n    pass\n'''\n",
        'x = """a\\""""\ndef f():\n    """b"""\n    import a\ny = """\ndef g():\n    import b\n"""\n',
        "def f():\n    x = (\n1, 2)\n    import a\nx = 1\n",
        "def f():\n    return 1 + \\\ng()\nx = 1\n",
        "def f():\n    x = 'a\\\nimport b'\n    import a\nx = 1\n",
        'x = \'a\\\n""" b\'\ndef f():\n    import a\ny = \'a """ b\'\n',
        "class C:\n\tdef f(self):\n\t\timport a\n\tx = 1\n",
        "if 1:\n\tdef f():\n\t\timport a\nelse:\n        def f():\n            import b\n",
        "def f():\n    import a\n    \n  # odd\n\n    import b\nx = 1\n",
        "def f():\r\n    import a\r\nx = 1\r\n",
        "\x0cdef f():\n    import a\n\x0c\nx = 1\n",
        "\ufeffdef f():\n    import a\nx = 1\n",
        "def f():\n    yield 1\n    import a\nx = 1\n",
        "try:\n    def f():\n        import a\nexcept E:\n    def f():\n        import b\nfinally:\n    import c\n",
        "def é(ü='ß'):\n    import a\nx = é()\n",
        "d = {\n  'def': 1,\n}\ndef f(): # {\n    import a\nx = 1\n",
        "def f(a,\n      b): return 1\ndef g():\n    import a\nx = 1\n",
        "def f(a=b'\\\\', b=f'{1}'):\n    import a\n",
    ],
)
def test_cutting_bodies_changes_nothing(source: str) -> None:
    same_answers(source.encode())
    same_answers(FILLER + source.encode())


def test_bodies_are_cut_from_ordinary_source() -> None:
    assert cut_of(b"def f():\n    import a\nclass C:\n    def g(self):\n        import b\n")


def test_a_function_is_read_where_it_stands() -> None:
    lines = b"x = 1\nclass C:\n    @d\n    def f(self):\n        import a\n        return a.b\n".splitlines(
        keepends=True
    )
    assert parse_function(lines, 4, 6) == (
        ("import", 5, (("a", None),)),
        ("return", 6, ("a", ("n", "a"), "b", 6)),
    )
    assert parse_function(lines, 1, 1) == ()
    assert parse_function(lines, 90, 99) == ()
    with pytest.raises(SyntaxError):
        parse_function(lines, 4, 4)


def test_generators_and_coroutines_do_not_run_when_they_are_called() -> None:
    lines = b"def f():\n    yield 1\nasync def g():\n    pass\ndef h():\n    def i():\n        yield 1\n".splitlines(
        True
    )
    assert parse_function(lines, 1, 2)[0] == ("generator", 1, "plain")
    assert parse_function(lines, 3, 4)[0] == ("generator", 3, "async")
    assert parse_function(lines, 5, 7)[0][0] == "def"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"import a\x00\n", "contains null bytes"),
        (b"import a\nx = (\n", "does not parse on line 2"),
        (b"x = 'a\n", "does not parse on line 1"),
        (b"x = '''a\n", "does not parse on line 1"),
        (b"x = '\xe9'\n", "does not parse"),
        (b"# coding: no-such-codec\n", "does not parse"),
        (b"x = 1 +\n", "does not parse on line 1"),
        (b"type X[T: = int\n", "does not parse on line 1"),
        (b"if 1:\nx = 1\n", "does not parse on line 2"),
        (b"x = " + b"(" * 5000, "does not parse"),
        (b"x = " + b"[" * 199 + b"]" * 199 + b"\n" + b"y = (" * 300, "does not parse"),
        (b"".join(b" " * depth + b"if 1:\n" for depth in range(1000)) + b" " * 1000 + b"pass\n", "does not parse"),
        (b"x = " + b"-" * 200_000 + b"1\n", "does not parse"),
        (b"x = a" + b".b" * 200_000 + b"\n", "does not parse"),
        (b"x = 1" + b"+1" * 200_000 + b"\n", "does not parse"),
        (b"x = (a" + b"\n.b" * 200_000 + b")\n", "does not parse"),
        (b"x = a" + b"()" * 200_000 + b"\n", "does not parse"),
        (b"x = " + b"9" * 10_000 + b"\n", "does not parse"),
    ],
)
def test_what_does_not_parse_has_one_line_of_reason(source: bytes, said: str) -> None:
    began = time.perf_counter()
    module = parse_module("module.py", source)
    assert (module.block, said in module.problem, "\n" in module.problem) == ((), True, False), module.problem
    assert time.perf_counter() - began < 5


def test_a_thousand_terms_are_read_and_packed_or_said_to_be_too_many() -> None:
    for count in (500, 900, 3_000):
        module = parse_module("module.py", b"import a\nx = 1" + b"+1" * count + b"\nimport b\n")
        assert unpack("module.py", pack(module)) == module


def test_null_bytes_far_in_a_large_file_are_seen() -> None:
    assert parse_module("module.py", FILLER * 100 + b"\0").problem == "contains null bytes"


def test_latin_1_with_a_coding_line() -> None:
    source = "# -*- coding: latin-1 -*-\nx = 'é'\ndef f():\n    y = 'ü'\n    import a\n".encode("latin-1")
    module = long_and_short(source)
    assert module.block[0] == ("assign", 2, (("n", "x"),), ("c", "é"))
    body = parse_function(source.splitlines(keepends=True), 3, 5)
    assert body == (("assign", 4, (("n", "y"),), ("c", "ü")), ("import", 5, (("a", None),)))


def test_a_byte_order_mark_and_other_line_ends() -> None:
    source = b"\xef\xbb\xbfdef f():\r\n    import a\r\nimport b\r\n"
    assert imports_in(long_and_short(source).block) == {(3, "b")}
    assert parse_function(source.splitlines(keepends=True), 1, 2) == (("import", 2, (("a", None),)),)


def test_a_form_feed_is_no_line() -> None:
    source = b"x = 1\n\x0c\nclass C:\n    def f(self):\n        import a\n"
    (function,) = functions(long_and_short(source).block)
    assert function[1] == 4
    assert parse_function(source.splitlines(keepends=True), 4, 5) == (("import", 5, (("a", None),)),)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python knows that grammar")
def test_a_newer_grammar_is_no_verdict() -> None:
    problem = parse_module("module.py", b'def f(x):\n    pass\ny = f"{x["a"]}"\n').problem
    assert problem.startswith("does not parse on line 3")
    problem = parse_module("module.py", b"try:\n    pass\nexcept A, B:\n    pass\n").problem
    assert problem.startswith("does not parse on line 3")


def test_a_generated_module_of_twenty_megabytes() -> None:
    text = b"def function_%06d(a, b=(1, 2)):\n" + b"    if a[b:'text']:\n        return [a, b]\n" * 50
    table = b"TABLE_%06d = {'key': [1, 2, 3]}\n"
    source = (
        b"import first\n" + b"".join((text + table) % (number, number) for number in range(10_000)) + b"import last\n"
    )
    assert len(source) > 20 * 10**6
    began = time.perf_counter()
    module = parse_module("module.py", source)
    assert time.perf_counter() - began < 20
    assert module.problem == ""
    assert {name for _, name in imports_in(module.block)} == {"first", "last"}


def test_a_larger_file_is_not_read() -> None:
    assert parse_module("module.py", b"#" * (33 * 2**20)).problem == "larger than 32 MB"


def test_names_that_functions_declare_global() -> None:
    module = parse_module(
        "module.py", b"def f():\n    global a, b\n    a = b = 1\nclass C:\n\tdef g(s):\n\t\tglobal c\n"
    )
    assert module.late_names == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("source", "dynamic"),
    [
        (b"def f(n):\n    globals()[n] = 1\n", True),
        (b"def f(n):\n    globals().update(n)\n", True),
        (b"import sys\ndef f(n):\n    setattr(sys.modules[__name__], n, 1)\n", True),
        (b"def f(n):\n    return globals()[n]\n", False),
        (b"def f(n):\n    return globals()[n] == 1\n", False),
        (b"def f(n):\n    setattr(n, 'x', 1)\n", False),
    ],
)
def test_functions_that_bind_names_of_their_module(source: bytes, dynamic: bool) -> None:
    assert parse_module("module.py", source).dynamic is dynamic


def test_facts_survive_the_cache() -> None:
    source = b"import a\nx: int\nx = {**y, 'a': (1, 2.5, None, b'z', 1j, ...)}\ndef f(*a, k=1, **kw):\n    global g\n"
    module = parse_module("module.py", source)
    assert unpack("module.py", pack(module)) == module


PIECES = (
    "import a\n",
    "from . import b\n",
    "from .c import (\n    d,\n    e as f,\n)\n",
    "def f():\n",
    "def g(a, b='(', c=[1]):\n",
    "async def h(\n    x,\n):\n",
    "class C(B):\n",
    "@deco\n",
    "if x:\n",
    "else:\n",
    "try:\n",
    "except E:\n",
    "finally:\n",
    "    import g\n",
    "        import h\n",
    "    def m(self):\n",
    "        return 1\n",
    "    pass\n",
    "        pass\n",
    '    """Doc.\n',
    '    """\n',
    '"""',
    "'''",
    "'",
    '"',
    "\\\n",
    "# it's a comment\n",
    "    # def x():\n",
    "x = (\n",
    ")\n",
    "1,\n",
    "\n",
    "\t",
    "    ",
    "\tdef t():\n",
    "\t\timport u\n",
    "x = 'a' \"b\"\n",
    "x = '''\ndef q():\n    pass\n'''\n",
    "def o(): import p\n",
    "    return \\\n",
    "g()\n",
    "for i in x:\n",
    "with a as b:\n",
    "    x = r'\\'\n",
    'y = """a\\""""\n',
    "\x0c",
    "\r\n",
    "\ufeff",
    "é = 1\n",
    "match x:\n",
    "    case 1:\n",
    "lambda: (\n",
    "    yield\n",
    "{\n",
    "}\n",
    "global z\n",
    "    global z\n",
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_any_text_is_read_the_same_with_and_without_cutting(source: str) -> None:
    data = source.encode()
    parse_module("module.py", data)
    same_answers(data)
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return
    assert imports_of(tree) <= imports_in(cut_block(data))


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Source that parses, nested and strangely laid out."""
    choices = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311 - layouts, not secrets
    return "".join(_statements(choices, "", 0))


def _statements(choices: random.Random, indent: str, depth: int) -> Iterator[str]:
    for _ in range(choices.randint(1, 4)):
        kind = choices.choice(("import", "simple", "block", "def", "def", "class", "text", "gap"))
        if depth > 3 and kind in ("block", "def", "class"):
            kind = "import"
        step = choices.choice(("    ", "  ", "\t")) if not indent else indent[:1] * (4 if indent[0] == " " else 1)
        inner = indent + step
        if kind == "import":
            yield f"{indent}import m{choices.randint(0, 99)}{choices.choice(('', '  # def x():', '; y = 1'))}\n"
        elif kind == "simple":
            yield indent + choices.choice(
                (
                    "x = (\n1, 2)\n",
                    "x = 1 + \\\n2\n",
                    "f(a,\n  b)\n",
                    'x = "#" + \'"\'\n',
                    "x = '\\\nimport z'\n",
                    "g(\n)\n",
                )
            )
        elif kind == "text":
            quote = choices.choice(('"""', "'''"))
            yield f"{indent}{choices.choice(('', 'x = ', 'x = r'))}{quote}a\ndef z():\n  import y\n{quote}\n"
        elif kind == "gap":
            yield choices.choice(("\n", "# import no\n", f"{indent}# it's\n", "   \n"))
        else:
            head = {
                "block": choices.choice(("if a:", "while b:", "for c in d:", "with e as f:")),
                "class": "class K(B, metaclass=M):",
                "def": choices.choice(
                    (
                        "def f():",
                        "def f(a='(', *b, c=')'):",
                        "async def f(a,\n b):",
                        "def f(a={1: 2}) -> 'x:':",
                        "def f(a='('):",
                    )
                ),
            }[kind]
            yield f"{indent}{head}{choices.choice(('', '  # note', ' # (', ' '))}\n"
            yield from _statements(choices, inner, depth + 1)
            yield f"{inner}pass\n"


@settings(max_examples=300, deadline=None)
@given(programs())
def test_programs_are_read_the_same_with_and_without_cutting(source: str) -> None:
    data = source.encode()
    tree = ast.parse(data)
    same_answers(data)
    assert imports_of(tree) <= imports_in(cut_block(data))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400))
def test_no_bytes_raise(data: bytes, at: int) -> None:
    text = b"import a\ndef f(x=1):\n    '''doc'''\n    import b\nclass C:\n    def g(self):\n        return 1\n" * 4
    module = parse_module("module.py", text[:at] + data + text[at:])
    assert unpack("module.py", pack(module)) == module
    cut_bodies(text[:at] + data + text[at:])


@pytest.mark.lab
def test_every_file_of_a_large_environment_is_read_the_same() -> None:
    folder = os.environ.get(ENVIRONMENT)
    if not folder:
        pytest.skip(f"set {ENVIRONMENT} to the folder of an environment")
    count = 0
    for path in Path(folder).rglob("*.py"):
        source = path.read_bytes()
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        assert imports_of(tree) <= imports_in(same_answers(source)), path
        count += 1
    assert count > 100
