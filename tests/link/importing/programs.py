# ruff: noqa: E501 - tables of fragments
"""Random programs whose values Python can be asked for: what is known on paper must be what Python computes."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from random import Random

from packaging.version import Version

EXPRESSIONS: dict[str, tuple[str, ...]] = {
    "s": (
        "($s + $s)", "f'{$i}-{$i:>3}'", "f'<{u(\"q\")}>'", "($s).upper()", "($s).strip()", "($s).title()", "($s).swapcase()", "($s).replace($s, $s)",
        "'.'.join(map(str, $l))", "($s)[1:]", "($s)[::-1]", "($s)[:-1]", "('%s/%s' % ($a, $s))", "'{}:{x}'.format($s, x=$i)", "($s * 2)", "($s * 0)",
        "str($i)", "str($b)", "str($l)", "repr($s)", "($s if $b else $s)", "($s or $s)", "($s and $s)", "type($a).__name__", "($s).partition('.')[2]",
        "str(getattr(Box($s), 'w', $s))", "str(Box($s).shout())", "str(Box($s).prop)", "Box(1).cls()", "str(Sub($s).kind)", "str($d.get('a', $s))",
        "(lambda p, q=$s: p + q)($s)", "str(call($a, k=$a))", "($s).removeprefix($s)", "re.sub('(.)b', 'z', $s)", "os.path.basename($s)", "os.path.join($s, $s)",
    ),
    "i": (
        "($i + $i)", "($i - $i)", "($i * $i)", "len($s)", "len($l)", "len($d)", "len($t)", "len($e)", "($s).find($s)", "($s).count($s)",
        "sum(1 for _ in $l)", "sum(1 for _ in $d)", "int($b)", "abs($i)", "max($i, $i)", "min([$i, $i, 5])", "($i if $b else $i)", "-($i)", "($l).count(1)",
        "fib(4)", "counter($i)", "sum([$i, $i])", "int(($s).isdigit())", "(y := $i) + y", "Version('2.5.1+cu1').major", "($i // 3)", "($i % 2)",
        "first($l, $i)", "catch($d, 'a')", "catch($d, 'q')", "walk($i)",
    ),
    "b": (
        "($s == $s)", "($i == $i)", "($l == $l)", "($d != $d)", "($t == $t)", "($i < $i)", "($i >= $i)", "($i < $i <= $i)", "($s in $s)", "($a in $l)",
        "($s not in $d)", "($s in $e)", "($i in $t)", "(not $a)", "bool($a)", "($b and $b)", "($b or $b)", "isinstance($a, (str, list))", "isinstance($a, Box)",
        "isinstance($a, str | int)", "($s).startswith($s)", "($s).endswith(($s, $s))", "($s).isidentifier()", "any($l)", "all($t)", "any(p == $s for p in $l)",
        "hasattr(Box($a), 'v')", "hasattr(Box($a), 'late')", "hasattr(Box($a), 'w')", "($a is None)", "issubclass(Sub, Box)", "callable(call)", "(Version('2.5.1') < Version('2.6.0a0'))",
        "(Version('2.5.1') >= Version('2.5.1+cu1'))", "(re.match('[0-9]', $s) is not None)", "($e <= $e)", "((2, $i) < (2, 5))", "Box($a).flag", "(Box($i) == Box($i))", "bool(Sub($i))",
    ),
    "l": (
        "[$a, $a]", "($l + $l)", "list($s)", "list($t)", "list($d)", "($s).split('.')", "[p for p in $l if $b]", "[*$l, $a]", "($l)[1:]", "($l)[::-1]", "sorted($d, key=str)",
        "sorted(map(str, $l), reverse=$b)", "list($d.values())", "list($d.items())", "list(reversed($l))", "list(range(3))", "list(zip($l, $t))", "list(enumerate($l))",
        "list(filter(None, $l))", "list(gen(2, $a))", "($l * 2)", "($l or $l)", "grow($a, $a)", "spread(*$l, **{'k': $a})", "list(map(lambda p: $i, $l))", "re.findall('[a-z]', $s)",
    ),
    "d": (
        "{$s: $a, **$d}", "dict(a=$a, b=$a)", "{p: $a for p in map(str, $l)}", "($d | $d)", "dict(zip('ab', $l))", "dict([($s, $a)])", "upd($d, $s, $a)", "{str(q): p for p, q in $d.items()}",
        "pops($d, 'a')", "pops($d, $s)", "dict.fromkeys('ab', $a)", "vars(Box($a))",
    ),
    "t": (
        "($a, $a)", "tuple($l)", "($t + $t)", "($t)[1:]", "($s).partition('.')", "call($a, $a)", "swap(*($a, $a))", "tuple(sorted($e, key=str))", "Version('2.5.1').release",
        "tuple(int(p) for p in '2.5.1'.split('.'))",
    ),
    "e": ("set($s)", "($e | $e)", "($e & $e)", "{str(p) for p in $l}", "set($d)"),
}  # fmt: skip
"""By type: text, integer, truth, list, dict, tuple, set; ``$s`` stands for any expression of its type, ``$a`` for any."""
PLAIN: dict[str, tuple[str, ...]] = {
    "s": ("''", "'a'", "'a.b'", "'2.5.1'", "' pad '", "'__all__'", "'a,b'", "'é'"),
    "i": ("0", "1", "2", "-1", "7"),
    "b": ("True", "False"),
    "l": ("[]", "[1, 2]", "['a', 'b']", "[3, 1, 2]", "[None]"),
    "d": ("{}", "{'a': 1}", "{'a': 'x', 'b': 'y'}", "{1: 2}"),
    "t": ("()", "(1,)", "('a', 2)"),
    "e": ("set()", "{1}", "frozenset({'a'})"),
}
CHANGES = (
    "@l.append($a)", "@l += $l", "del @l[:1]", "@l.clear()", "@l[:1] = $t", "@l.insert(0, $a)", "@l.reverse()", "@d[$s] = $a", "@d.pop($s, None)", "@d.update($d)",
    "@d.clear()", "@d.setdefault($s, $a)", "@i += $i", "box.v = $a", "box.z = $a", "state['k'] = $a", "Box.kind = $s", "box.put($a)", "@s = $s", "@i = $i", "@b = $b", "@l = $l", "@d = $d", "@t = $t",
)  # fmt: skip
"""``@l`` stands for a variable of its type."""
LEAVES = ("raise ValueError('x')", "import gone_module", "int($s)", "if $b: raise KeyError(1)", "pass")
PROLOGUE = '''import contextlib, os, random, re
from packaging.version import Version
def u(value):
    """Known when it runs, and not before."""
    return random.choice([value])
def call(a, b=1, *c, k=None, **m):
    return (a, b, k)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def counter(n):
    total = 0
    def add(x):
        nonlocal total
        total += x
    for _ in range(3):
        add(n)
    return total
def first(items, default):
    for item in items:
        if isinstance(item, int):
            return item
    else:
        return default
def catch(table, key):
    try:
        return len(str(table[key]))
    except KeyError:
        return -1
def walk(n):
    while n > 0:
        n -= 2
        if n == 5:
            break
    else:
        return 0
    return n
def gen(n, x):
    for i in range(n):
        yield i
    yield x
def grow(a, b, into=None):
    into = [] if into is None else into
    into.append(a)
    into.append(b)
    return into
def spread(*a, **k):
    return [len(a), k]
def swap(a, b):
    a, b = b, a
    return a, b
def upd(table, key, value):
    table = dict(table)
    table[key] = value
    return table
def pops(table, key):
    table = dict(table)
    table.pop(key, None)
    return table
class Box:
    kind = 'box'
    def __init__(self, v):
        self.v = v
        if isinstance(v, str) and v:
            self.late = v
    def shout(self):
        return str(self.v).upper()
    @property
    def prop(self):
        return [self.v]
    @property
    def flag(self):
        return bool(self.v)
    @classmethod
    def cls(cls):
        return cls.__name__
    def put(self, x):
        self.z = x
    def __eq__(self, other):
        return self.v == other.v
    __hash__ = None
class Sub(Box):
    kind = 'sub'
    def __init__(self, v):
        super().__init__(v)
        self.w = v
    def __bool__(self):
        return self.v == 1
box = Box(1)
state = {}
'''
EPILOGUE = "kept = getattr(box, 'v', 9)\nset_later = hasattr(box, 'z')\nkind = Box.kind\n"
WATCHED = ("state", "kept", "set_later", "kind")


class _Writer:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - nothing secret
        self.variables: dict[str, list[str]] = {kind: [] for kind in EXPRESSIONS}

    def expression(self, kind: str, depth: int = 0) -> str:
        if kind == "a":
            kind = self.random.choice("sibldt")
        chance = self.random.random()
        if self.variables[kind] and chance < 0.4:
            return self.random.choice(self.variables[kind])
        plain = self.random.choice(PLAIN[kind])
        if chance > 0.9:
            return f"u({plain})"
        if depth > 3 or chance > 0.8:
            return plain
        return self.filled(self.random.choice(EXPRESSIONS[kind]), depth + 1)

    def filled(self, template: str, depth: int = 1) -> str:
        return re.sub(r"\$(\w)", lambda match: self.expression(match[1], depth), template)

    def change(self) -> str:
        """A statement that binds no new name."""
        known = [one for one in CHANGES if all(self.variables[kind] for kind in re.findall(r"@(\w)", one))]
        line = self.filled(self.random.choice(known), 2)
        return re.sub(r"@(\w)", lambda match: self.random.choice(self.variables[match[1]]), line)

    def block(self) -> list[str]:
        return [f"    {self.change()}" for _ in range(self.random.randint(1, 2))]

    def statements(self) -> Iterator[str]:
        for number in range(self.random.randint(2, 6)):
            match self.random.randint(0, 9):
                case 0:
                    yield from (f"if {self.expression('b')}:", *self.block(), "else:", *self.block())
                case 1:
                    yield from (f"if {self.expression('b')}:", *self.block())
                case 2:
                    leave = self.random.choice(("pass", "break", "continue", f"if {self.expression('b')}: break"))
                    yield f"for item{number} in {self.expression(self.random.choice('ltds'))}:"
                    yield from (*self.block(), f"    {leave}", "else:", *self.block())
                case 3:
                    caught = self.random.choice(
                        ("Exception", "(KeyError, ValueError, ImportError)", "Exception as error")
                    )
                    yield from ("try:", *self.block(), f"    {self.filled(self.random.choice(LEAVES))}", *self.block())
                    yield from (f"except {caught}:", *self.block(), "else:", *self.block(), "finally:", *self.block())
                case 4:
                    yield from ("with contextlib.suppress(Exception):", *self.block())
                    yield from (f"    {self.filled(self.random.choice(LEAVES))}", *self.block())
                case _:
                    kind = self.random.choice("sibldt")
                    yield f"v{number} = {self.expression(kind)}"
                    self.variables[kind].append(f"v{number}")


def checks(seed: int) -> Iterator[str]:
    """Programs that need ``nothing`` if, and only if, a value of theirs is not what Python says. None that fails."""
    writer = _Writer(seed)
    source = PROLOGUE + "".join(f"{line}\n" for line in writer.statements()) + EPILOGUE
    namespace: dict[str, object] = {"__name__": "program"}
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(source, "program", "exec"), namespace)  # noqa: S102 - the test's own program
    except Exception:  # noqa: BLE001 - whatever is wrong with a random program
        return
    for name in (*(name for names in writer.variables.values() for name in names), *WATCHED):
        value = namespace.get(name)
        shown = repr(value)
        with contextlib.suppress(Exception):
            if len(shown) < 500 and eval(shown, {"Version": Version}) == value:  # noqa: S307 - the test's own value
                yield f"{source}if not ({name} == {shown} and bool({name}) is {bool(value)}):\n    import nothing\n"
