# ruff: noqa: E501 - a case is one line
"""Hostile and enormous programs: an answer within seconds, and no exception."""

from __future__ import annotations

import time

import pytest

from tests.link.importing.paper import Paper, numbered

SECONDS = 2.0
"""What one hostile program may take, the reading of its environment included, on a machine that is busy with others."""

HOSTILE = {
    "an endless loop": "while True:\n    pass\n",
    "an endless loop with work": "x = []\nwhile True:\n    x.append(len(x))\n",
    "an endless loop in a function": "def f():\n    while True:\n        pass\nf()\n",
    "an endless loop over a generator": "import itertools\nfor i in itertools.count():\n    pass\n",
    "a list that grows while it is walked": "x = [1]\nfor i in x:\n    x.append(i)\n",
    "a recursion": "def f(n):\n    return f(n + 1)\nf(0)\n",
    "a mutual recursion": "def f(n):\n    return g(n)\ndef g(n):\n    return f(n) + f(n)\nf(0)\n",
    "an exponential tree of calls": "def f(n):\n    if n == 0:\n        return 0\n    return f(n - 1) + f(n - 1)\nf(40)\n",
    "an exponential tree in a lambda": "f = lambda n: f(n - 1) + f(n - 1) if n else 0\nf(40)\n",
    "a tree of functions": "".join(numbered(30, "def f{0}():\n    g = globals()['f' + str({0} + 1)]\n    g(); g(); g()\n")) + "def f30(): pass\nf0()\n",
    "many calls": "def f():\n    for i in range(300):\n        for j in range(300):\n            g()\ndef g():\n    return 1\n" + "f()\n" * 40,
    "nested loops": "for a in range(300):\n for b in range(300):\n  for c in range(300):\n   for d in range(300):\n    x = a\n",
    "nested loops with an unknown condition": "import random\nfor a in range(200):\n for b in range(200):\n  if random.random():\n   for c in range(200):\n    x = a\n",
    "nested comprehensions": "x = [1 for a in range(1000) for b in range(1000) for c in range(1000) if 0]\n",
    "comprehensions in comprehensions": "x = [[[[a for a in range(999)] for b in range(999)] for c in range(999)] for d in range(999)]\n",
    "maps of maps": "f = lambda x: list(map(g, range(1000)))\ng = lambda x: list(map(h, range(1000)))\nh = lambda x: list(map(str, range(1000)))\nlist(map(f, range(1000)))\n",
    "a huge text": "x = 'a' * 10**9\ny = x * 10\n",
    "a text that doubles": "x = 'a'\n" + "x = x + x\n" * 100 + "import shelf\n",
    "a list that doubles": "x = [1]\n" + "x = x + x\n" * 100,
    "a list that is extended by itself": "x = [1]\n" + "x.extend(x)\n" * 100 + "y = [1]\n" + "y += y\n" * 100,
    "a list that is extended by itself in a loop": "x = [1]\nfor i in range(300):\n    x += x\n",
    "a dictionary that doubles": "x = {1: 1}\nfor i in range(300):\n    x.update({(k, i): v for k, v in x.items()})\n",
    "nested lists": "a = ['a'] * 2000\nb = [a] * 2000\nc = [b] * 2000\nd = [c] * 2000\nx = f'{d}'\ny = str(d)\nd == c\nlen(d)\n",
    "a billion laughs": "a = ['ha'] * 10\n" + "a = [a] * 10\n" * 30 + "x = str(a)\ny = repr(a)\nz = a == a\nprint(a)\nw = sorted(a)\n",
    "a huge number": "x = 10 ** 10 ** 10\n",
    "a huge shift": "x = 1 << 10**12\n",
    "a huge power by products": "x = 2\nfor i in range(300):\n    x = x * x\ny = f'{x}'\nz = str(x)\nw = '%d' % x\n",
    "a long number as text": "x = 1 << 60000\ny = f'{x}'\nz = str(x)\nw = '%d' % x\nv = '{}'.format(x)\n",
    "wide formats": "x = '%999999999d' % 1\ny = '{:>999999999}'.format(1)\nz = f'{1:>999999999}'\nw = '{:{w}}'.format(1, w=999999999)\n",
    "wide format of a format": "x = '%.999999999f' % 1.5\ny = '1'.zfill(999999999)\nz = '{0:999999999}{0:999999999}'.format('a')\n",
    "replacements": "x = 'a' * 50000\ny = x.replace('a', x)\nz = x.join([x] * 2000)\nw = x.join(x)\n",
    "translations": "x = 'ß' * 90000\nfor i in range(300):\n    x = x.upper()\n",
    "splits": "x = ('a ' * 40000).split()\nfor i in range(300):\n    y = ' '.join(x).split()\n",
    "a huge range": "for i in range(10**18):\n    pass\nx = list(range(10**18))\ny = tuple(range(10**9))\nz = [0] * 10**10\n",
    "a huge sequence": "x = bytes(10**11)\ny = bytearray(10**11)\nz = (0,) * 10**11\nw = b'a' * 10**11\n",
    "a slow regex": "import re\nx = re.match('(a+)+$', 'a' * 100 + 'b')\ny = re.compile('(a|a)*$').match('a' * 100 + 'b')\nz = re.sub('(a|aa)+$', '', 'a' * 100 + 'b')\n",
    "more slow regexes": "import re\nx = re.search('(.*)*(.*)*x', 'a' * 150)\ny = re.match('([a-z]+)*1', 'a' * 150)\nz = re.match('(?:a?){100}a{100}', 'a' * 100)\nw = re.match('.*.*.*.*.*.*.*.*.*x', 'a' * 190)\n",
    "alternating regexes": "import re\nx = re.match('(?:a|b|ab)*c', 'ab' * 80)\ny = re.match('^(?:(?:a|a)|a)*$', 'a' * 90 + 'b')\nz = re.fullmatch('(x+x+)+y', 'x' * 100)\n",
    "a regex that compiles for long": "import re\nx = re.compile('a{1,60000}{1,60000}{1,60000}')\ny = re.match('((((a{0,999}){0,999}){0,999}){0,999})', 'a')\nz = re.match('(?i:' * 40 + 'a' + ')' * 40, 'a')\n",
    "bad regexes": "import re\nx = re.match('(', 'a')\ny = re.match('[', 'a')\nz = re.sub('a', '\\\\9', 'a')\nw = re.match('a', None)\nv = re.split('', 'a')\nu = re.sub('a', lambda m: '', 'a')\n",
    "a self-containing list": "x = []\nx.append(x)\nf'{x}'\nstr(x)\nx == x\nx += x\nfor i in x:\n    pass\nsorted(x)\nx in x\n",
    "a self-containing dictionary": "x = {}\nx['x'] = x\nstr(x)\nx == x\nd = dict(x)\nx.update(x)\nx.get('x') == x\n",
    "a base of itself": "class A: pass\nclass B(A): pass\nA.__bases__ = (B,)\nA.x\nA().x\n",
    "a class that asks itself": "class A:\n    def __getattr__(self, n):\n        return getattr(self, n + 'x')\nA().y\n",
    "a module that asks itself": "import sys\ndef __getattr__(n):\n    return getattr(sys.modules[__name__], n + 'x')\nfrom a import y\n",
    "an import of itself": "import a\nfrom a import a\nfrom a import *\n",
    "an exception of itself": "try:\n    import nothing\nexcept ImportError as e:\n    try:\n        raise e from e\n    except ImportError as f:\n        f.args\n",
    "decorators": "def d(f):\n    return d\n" + "@d\n" * 3000 + "def f(): pass\n",
    "a thousand bases": "class A: pass\n" + "class B(" + "A, " * 1000 + "metaclass=type): pass\n",
    "a chain of bases": "class A0:\n    x = 1\n" + "".join(numbered(1000, "class B{0}(A0): pass\nA0 = B{0}\n")) + "A0.x\nA0().y\nclass E(A0, Exception): pass\ntry:\n    raise E\nexcept E: pass\n",
    "a pyramid of bases": "class A: pass\n" + "".join(numbered(60, "class L{0}(A): pass\nclass R{0}(A): pass\nclass A(L{0}, R{0}): pass\n")) + "A().x\nA.y\ntry:\n    raise A()\nexcept A: pass\n",
    "a pyramid of exceptions": "class A(Exception): pass\n" + "".join(numbered(60, "class L{0}(A): pass\nclass R{0}(A): pass\nclass A(L{0}, R{0}): pass\n")) + "try:\n    raise A()\nexcept ImportError: pass\nexcept A: pass\n",
    "many conditions": "import random\n" + "".join(numbered(3000, "if random.random():\n    x{0} = 1\n")),
    "nested conditions": "import random\n" + "".join(" " * depth + "if random.random():\n" for depth in range(90)) + " " * 90 + "x = 1\n",
    "nested conditions twice": "import random\nc = random.random()\n" + "".join(f"{' ' * d}if c:\n{' ' * d} x = {d}\n{' ' * d}else:\n" for d in range(60)) + " " * 60 + "x = 1\n",
    "many names": "".join(numbered(20_000, "x{0} = {0}\n")) + "import random\n" + "if random.random():\n    y = 1\n" * 200,
    "many attempts": "".join(numbered(2000, "try:\n    import nothing{0}\nexcept ImportError:\n    pass\n")),
    "a long expression": "x = 1" + " + 1" * 3000 + "\ny = " + "a." * 3000 + "b\n",
    "a long comparison": "x = 1" + " < 2" * 3000 + "\ny = " + "not " * 500 + "1\nz = " + "True and " * 3000 + "1\n",
    "a long chain of calls": "x = str" + "(1)" * 3000 + "\ny = ''" + ".strip()" * 3000 + "\n",
    "a wide display": "x = [" + "1, " * 20_000 + "]\ny = {" + "'a': 1, " * 10_000 + "}\nz = x + x\nw = tuple(x)\n",
    "indices out of range": "x = [1]\nx[-5] = 1\nx[9] = 1\nx[1:2] = 3\nx['a'] = 1\nx[True] = 1\ndel x[7]\nx[10**30] = 1\ny = 'abc'[10**30]\n",
    "wrong arguments": "len()\ngetattr(1)\nhasattr()\nsetattr(1)\nisinstance(1)\n__import__()\nmap()\nfilter()\nrange()\nsorted()\nzip(1)\nint('x')\nprint(*[1])\ncallable()\nmin()\nmax([])\ndict(1)\nset(1)\nany()\nall(1)\nenumerate()\n",
    "wrong arguments of modules": "import os, re, importlib, importlib.util, importlib.metadata, functools, itertools, contextlib, platform, operator\nos.path.join()\nos.getenv()\nos.environ.get()\nos.listdir()\nre.compile()\nre.match()\nimportlib.import_module()\nimportlib.import_module('')\nimportlib.import_module('.')\nimportlib.import_module('.')\nimportlib.util.find_spec()\nimportlib.util.find_spec('')\nimportlib.util.find_spec('..')\nimportlib.metadata.version()\nimportlib.metadata.version('')\nfunctools.partial()\nfunctools.wraps()\nitertools.chain(1)\ncontextlib.suppress(1)\noperator.lt()\n",
    "wrong methods": "''.join(1)\n''.split(1)\n[].index(1)\n{}.pop('x')\n[].pop()\n().count()\n''.format()\n'{}'.format()\n'{0.__class__}'.format(1)\n'%s' % ()\n'%d' % 'x'\n'%(x)s' % {}\n{}.update(1)\n[].extend(1)\n[].insert()\nset().add([])\n{[]: 1}\n{1: 1}[[]]\n[1]['a']\n",
    "odd names": "import importlib\nfor n in ('a b', 'a\\x00b', '/etc/passwd', '../a', 'a/b', '.', '..', 'é', 'a' * 5000, 'a.' * 500, '\\ud800'):\n    try:\n        importlib.import_module(n)\n    except Exception:\n        pass\n",
    "odd versions": "from packaging.version import parse, Version\nfrom packaging.specifiers import SpecifierSet\nfrom packaging.requirements import Requirement\nparse('x')\nVersion('')\nparse(1)\nparse()\nVersion('1!' + '1.' * 5000 + '1') < Version('2')\nSpecifierSet('x')\nRequirement('x y')\nRequirement('a[' * 100)\nVersion('9' * 5000)\n",
    "odd paths": "import os\nimport pathlib\nos.path.exists('\\x00')\nos.listdir('/../../..')\nos.path.join('a', 1)\npathlib.Path('/').glob('[')\npathlib.Path(1)\npathlib.Path('a').with_suffix('x')\npathlib.Path('').with_name('x')\npathlib.Path('/a').relative_to('/b')\npathlib.Path('a' * 100000).exists()\n",
    "odd annotations": "import os\ndef f(x: os.path.sep | None = ..., *a: [1][0], **k: (lambda: 0)) -> {1: 2}[1]: pass\n",
    "unbound things": "try:\n    del nothing_here\nexcept NameError:\n    pass\n",
    "unpacking": "try:\n    a, b = 1\n    c, d = [1, 2, 3]\n    e, *f, g = [1]\nexcept Exception:\n    pass\n[h, i], j = (1, 2), 3\n(k), *l = 'abc'\n",
}  # fmt: skip

PACKAGING = {
    "packaging/__init__.py": "",
    "packaging/version.py": "class Version: pass\ndef parse(text): pass\n",
    "packaging/specifiers.py": "class SpecifierSet: pass\n",
    "packaging/requirements.py": "class Requirement: pass\n",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_program_is_answered_in_time(paper: Paper, case: str) -> None:
    paper.lay({"a.py": HOSTILE[case], "shelf.py": "", **PACKAGING})
    paper.source("import a\n")
    began = time.process_time()
    answer = paper.link()
    assert time.process_time() - began < SECONDS
    assert answer.targets == []


def test_ten_thousand_names_in_all(paper: Paper) -> None:
    names = "".join(numbered(10_000, "'n{0}', "))
    bindings = "".join(numbered(10_000, "n{0} = {0}\n"))
    paper.lay({"a/__init__.py": "from .b import *\n", "a/b.py": f"__all__ = [{names}]\n{bindings}"})
    paper.source("from a import n0, n9999\nfrom a import n10000\n")
    began = time.process_time()
    assert paper.link().targets == ["a.n10000"]
    assert time.process_time() - began < SECONDS


def test_ten_thousand_names_behind_many_stars(paper: Paper) -> None:
    names = "".join(numbered(10_000, "'n{0}', "))
    files = {
        f"a/m{number}.py": f"from .m{number + 1} import *\nfrom .m{number + 1} import __all__\n" for number in range(30)
    }
    files["a/m30.py"] = f"__all__ = [{names}]\n" + "".join(numbered(10_000, "n{0} = {0}\n"))
    paper.lay({"a/__init__.py": "from .m0 import *\n", **files})
    paper.source("from a import n0, n9999\nfrom a import n10000\n")
    began = time.process_time()
    assert paper.link().targets == ["a.n10000"]
    assert time.process_time() - began < 2 * SECONDS


def test_imports_nest_a_thousand_deep(paper: Paper) -> None:
    files = {f"a/m{number}.py": f"from . import m{number + 1}\n" for number in range(1000)}
    paper.lay({"a/__init__.py": "", "a/m1000.py": "x = 1\n", **files})
    paper.source("import a.m0\n")
    answer = paper.link()
    assert answer.targets == []
    assert answer.reasons != []


def test_a_thousand_packages_deep(paper: Paper) -> None:
    name = ".".join(["a"] * 200)
    folders = {"/".join(["a"] * depth) + "/__init__.py": "" for depth in range(1, 201)}
    paper.lay(folders)
    paper.source(f"import {name}\n")
    assert paper.link().targets == []


def test_statements_calls_and_imports_nest_deeper_than_the_stack(paper: Paper) -> None:
    """Each alone is shallow enough for Python's parser."""
    nested = "".join(f"{' ' * level}if n:\n" for level in range(1, 90)) + f"{' ' * 90}f(n - 1)\n"
    paper.lay({f"m{number}.py": f"def f(n):\n{nested} else:\n  import m{number + 1}\nf(20)\n" for number in range(30)})
    paper.lay({"m30.py": ""})
    paper.source("import m0\nimport shelf\n")
    found = paper.link()
    assert found.targets == ["shelf"]
    assert set(found.reasons) <= {"statements and imports nest too deep"}


def test_functions_nest_deep(paper: Paper) -> None:
    text = "".join(f"{' ' * depth}def f():\n" for depth in range(90)) + " " * 90 + "import nothing\n"
    paper.lay({"a.py": text + "f()\n"})
    paper.source("import a\n")
    assert paper.link().targets == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"x = (\n", "does not parse"),
        (b"x = 1\0\n", "null bytes"),
        (b"x = '\xff'\n", "does not parse"),
        (b"\xff\xfe\x00x\x00", "null bytes"),
        (b"match = 1 +\n", "does not parse"),
    ],
)
def test_a_reached_module_that_cannot_be_read_is_undecided(paper: Paper, text: bytes, reason: str) -> None:
    paper.lay({"a/__init__.py": "from .b import x\n", "a/b.py": text})
    paper.source("from a import x\n")
    answer = paper.link()
    assert answer.targets == []
    assert [reason in item for item in answer.reasons] == [True]
