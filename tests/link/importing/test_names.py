# ruff: noqa: E501 - a case is one line
"""Modules and names that are there, and those that are not: every answer is that of Python itself."""

from __future__ import annotations

import pytest

from tests.link.importing.paper import Paper

MODULES = "ModuleNotFoundError"
IMPORTS = "ImportError"
ATTRIBUTES = "AttributeError"
SHELF = {"shelf/__init__.py": "book = 1\n", "shelf/deep.py": "page = 1\n"}
"""A package with a name and a sub-module that it does not import."""

RESOLVED = {
    "a name": ("from shelf import book", SHELF),
    "a submodule": ("import shelf.deep\nshelf.deep.page", SHELF),
    "a submodule by from": ("from shelf import deep\ndeep.page", SHELF),
    "a submodule that its package imported": ("import a\na.b.x", {"a/__init__.py": "from . import b\n", "a/b.py": "x = 1\n"}),
    "a submodule that somebody imported": (
        "import a\nimport c\na.b.x",
        {"a/__init__.py": "", "a/b.py": "x = 1\n", "c.py": "import a.b\n"},
    ),
    "what importing a submodule binds in the package": (
        "import a\na.c",
        {"a/__init__.py": "from a.b.c import x\n", "a/b/__init__.py": "", "a/b/c.py": "import a\na.c = x = 1\n"},
    ),
    "standard library": ("import os.path, collections.abc\nfrom typing import Any\nimport xml.dom.minidom", {}),
    "a compiled standard module": ("from math import pi\nfrom _struct import pack\nimport array\narray.array", {}),
    "star without all": ("from a import *\nx\n", {"a/__init__.py": "from .b import *\n", "a/b.py": "x = _y = 1\n"}),
    "star with all": ("from a import _y, x\n", {"a/__init__.py": "from .b import *\nx = 2\n", "a/b.py": "__all__ = ['_y']\n_y = 1\n"}),
    "all that is added to": (
        "from a import x, y, z\n",
        {
            "a/__init__.py": "from .b import *\n",
            "a/b.py": "from . import c\n__all__ = ['x']\n__all__ += ['y']\n__all__.extend(c.__all__)\nx = y = z = 1\n",
            "a/c.py": "__all__ = ('z',)\n",
        },
    ),
    "all names a submodule": ("from a import *\nb.x\n", {"a/__init__.py": "__all__ = ['b']\n", "a/b.py": "x = 1\n"}),
    "bound in if": ("from a import x", {"a.py": "import sys\nif len(sys.argv) > 0:\n    x = 1\nelse:\n    x = 2\n"}),
    "bound in try": ("from a import x, y", {"a.py": "try:\n    from nothing import x\nexcept ImportError:\n    x = 1\nelse:\n    z = 1\nfinally:\n    y = 1\n"}),
    "bound in for": ("from a import x, y", {"a.py": "for x in range(3):\n    y = x\n"}),
    "bound in with": ("from a import x, y", {"a.py": "import io\nwith io.StringIO() as x:\n    y = 1\n"}),
    "bound in match": ("from a import x, y", {"a.py": "match [1, 2]:\n    case [x, *rest]:\n        y = 1\n"}),
    "bound in while": ("from a import x", {"a.py": "while True:\n    x = 1\n    break\n"}),
    "bound by a walrus": ("from a import x, y", {"a.py": "if (x := 1):\n    [y := i for i in range(3)]\n"}),
    "bound by unpacking": ("from a import x, y, z, w", {"a.py": "x, (y, *z) = 1, (2, 3)\n[w] = [1]\n"}),
    "bound by more unpacking": ("from a import x, y, z", {"a.py": "def f():\n    return 1, 2, 3\nx, *y, z = f()\n"}),
    "bound by globals": ("from a import x, y, z", {"a.py": "globals()['x'] = 1\nglobals().update(y=1)\nfor n in ['z']:\n    globals()[n] = 1\n"}),
    "bound by a function that is called": ("from a import x", {"a.py": "def f():\n    global x\n    x = 1\nf()\n"}),
    "bound by exec": ("from a import x", {"a.py": "exec('x = 1')\n"}),
    "bound by setattr": ("from a import x", {"a.py": "import sys\nsetattr(sys.modules[__name__], 'x', 1)\n"}),
    "bound by another module": ("import b\nfrom a import x", {"a.py": "", "b.py": "import a\na.x = 1\n"}),
    "bound by vars": ("from a import x", {"a.py": "vars()['x'] = 1\nlocals()['y'] = 1\n"}),
    "annotated": ("from a import x", {"a.py": "x: int = 1\n"}),
    "async and decorated": ("from a import f, g, C", {"a.py": "def d(f):\n    return f\n@d\nasync def f(): pass\n@d\n@d\ndef g(): pass\n@d\nclass C: pass\n"}),
    "a wrapper": (
        "from a import f\nf.__name__\nf.__wrapped__",
        {"a.py": "import functools\ndef d(f):\n    @functools.wraps(f)\n    def w(*a, **k):\n        return f(*a, **k)\n    return w\n@d\ndef f(): pass\n"},
    ),
    "a class that a metaclass makes": (
        "from a import C\nC.colour\nC.red",
        {"a.py": "class M(type):\n    def __getattr__(cls, n):\n        return n\nclass C(metaclass=M):\n    red = 1\n"},
    ),
    "an attribute of a class of an unknown base": ("from a import C\nC.x", {"a.py": "import enum, json\nclass C(type(json)):\n    x = 1\n"}),
    "enum members": ("from a import C\nC.x.value\nC['x']\nC.__members__", {"a.py": "import enum\nclass C(enum.Enum):\n    x = 1\n"}),
    "the module's own names": ("import a\na.__name__, a.__file__, a.__doc__, a.__spec__, a.__loader__, a.__dict__", {"a.py": ""}),
    "a namespace package": ("import a.b.c\nfrom a import d\na.b.c.x", {"a/b/c.py": "x = 1\n", "a/d.py": ""}),
    "module getattr": ("from a import x\nimport a\na.y", {"a.py": "def __getattr__(n):\n    return n\n"}),
    "module getattr of a table": (
        "from a import x",
        {"a.py": "_T = {'x': 1}\ndef __getattr__(n):\n    if n in _T:\n        return _T[n]\n    raise AttributeError(n)\n"},
    ),
    "sys.modules of its own": (
        "import a\na.x\nfrom a import y",
        {"a.py": "import sys, types\nclass M(types.ModuleType):\n    x = 1\n    def __getattr__(self, n):\n        return n\nsys.modules[__name__] = M(__name__)\n"},
    ),
    "a module that is made": (
        "import a\nimport made.up\nfrom made.up import x\nimport a.virtual",
        {"a/__init__.py": "import sys, types\nm = types.ModuleType('made.up')\nm.x = 1\nsys.modules['made'] = types.ModuleType('made')\nsys.modules['made'].up = m\nsys.modules['made.up'] = m\nsys.modules['a.virtual'] = m\n"},
    ),
    "a module under two names": (
        "import a\nimport a.old\nfrom a.old import x",
        {"a/__init__.py": "import sys\nfrom . import new\nsys.modules['a.old'] = new\n", "a/new.py": "x = 1\n"},
    ),
    "vendored imports by a hook": (
        "import a\nfrom a.six.moves import urllib",
        {"a/__init__.py": "", "a/six.py": "import sys, types\nclass F:\n    def find_spec(self, n, p, t=None):\n        import importlib.machinery as m\n        return m.ModuleSpec(n, self, is_package=True) if n.startswith('a.six.') else None\n    def create_module(self, s):\n        m = types.ModuleType(s.name)\n        m.urllib = 1\n        return m\n    def exec_module(self, m): pass\n__path__ = []\nsys.meta_path.append(F())\n"},
    ),
    "a submodule that shares a function's name": (
        "from a import b\nb()",
        {"a/__init__.py": "from .b import b\n", "a/b.py": "def b(): pass\n"},
    ),
    "circular, late enough": (
        "import a",
        {"a/__init__.py": "x = 1\nfrom . import b\ny = 1\n", "a/b.py": "import a\nfrom a import x\ndef f():\n    return a.y\n"},
    ),
    "circular by as": ("import a", {"a/__init__.py": "from . import b\n", "a/b.py": "import a.c as c\nfrom . import c\n", "a/c.py": "import a.b as b\n"}),
    "circular star": (
        "from a import *\nfrom b import *\nx, y",
        {"a.py": "x = 1\nfrom b import *\n", "b.py": "y = 1\nfrom a import *\n"},
    ),
    "a package that shadows a standard one is not taken": ("import json\njson.dumps", {"json/__init__.py": ""}),
    "an attribute inside a function": ("import a", {"a.py": "import os, shelf\ndef f():\n    return shelf.gone\nclass C:\n    def m(self):\n        from shelf import gone\n", **SHELF}),
    "an attribute inside a lambda": ("import a", {"a.py": "import shelf\nf = lambda: shelf.gone\n", **SHELF}),
    "annotations that are not evaluated": ("import a", {"a.py": "from __future__ import annotations\nimport shelf\ndef f(x: shelf.gone) -> shelf.gone: pass\ny: shelf.gone\n", **SHELF}),
    "hasattr": ("import a", {"a.py": "import shelf\nif hasattr(shelf, 'gone'):\n    shelf.gone\nx = getattr(shelf, 'gone', None)\n", **SHELF}),
    "conditional expression": ("import a", {"a.py": "import shelf\nx = shelf.gone if hasattr(shelf, 'gone') else None\ny = hasattr(shelf, 'gone') and shelf.gone\n", **SHELF}),
    "dir": ("import a", {"a.py": "import shelf\nif 'gone' in dir(shelf):\n    shelf.gone\nif 'gone' in shelf.__dict__:\n    shelf.gone\nif 'gone' in vars(shelf):\n    shelf.gone\n", **SHELF}),
    "short circuit": ("import a", {"a.py": "import shelf\nFalse and shelf.gone\nTrue or shelf.gone\n", **SHELF}),
    "empty loops": ("import a", {"a.py": "import shelf\nfor x in []:\n    shelf.gone\nwhile False:\n    shelf.gone\n[shelf.gone for x in ()]\n", **SHELF}),
    "unreachable after return": ("import a", {"a.py": "import shelf\ndef f():\n    return 1\n    shelf.gone\nf()\n", **SHELF}),
    "generator that nobody runs": ("import a", {"a.py": "import shelf\ndef f():\n    yield shelf.gone\ng = f()\nh = (shelf.gone for x in [1])\n", **SHELF}),
    "a coroutine that nobody awaits": ("import a", {"a.py": "import shelf\nasync def f():\n    shelf.gone\nc = f()\nc.close()\n", **SHELF}),
    "main guard": ("import a", {"a.py": "if __name__ == '__main__':\n    import nothing\n"}),
    "from a module that deletes": ("from a import x", {"a.py": "x = y = 1\ndel y\n"}),
    "attribute set before use": ("import a", {"a.py": "import shelf\nshelf.gone = 1\nshelf.gone\nsetattr(shelf, 'other', 1)\nshelf.other\n", **SHELF}),
    "import module": ("import a", {"a.py": "import importlib\nm = importlib.import_module('shelf.deep')\nm.page\nimportlib.import_module('.deep', 'shelf')\n__import__('shelf').book\n", **SHELF}),
    "path extension": ("import a\nfrom a import far", {"a/__init__.py": "import os\n__path__.append(os.path.join(os.path.dirname(__file__), 'more'))\n", "a/more/far.py": ""}),
    "pkgutil namespace": ("import a.b", {"a/__init__.py": "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n", "a/b.py": ""}),
    "import of names by a loop": (
        "from a import b, c",
        {"a/__init__.py": "import importlib\nfor n in ('b', 'c'):\n    globals()[n] = importlib.import_module('.' + n, __name__)\n", "a/b.py": "", "a/c.py": ""},
    ),
    "names by a module loop": (
        "from a import x, y",
        {"a/__init__.py": "from . import b\nfor n in dir(b):\n    if not n.startswith('_'):\n        globals()[n] = getattr(b, n)\n", "a/b.py": "x = y = 1\n"},
    ),
    "locals update": ("from a import x", {"a/__init__.py": "from . import b\nglobals().update({k: v for k, v in vars(b).items() if k[0] != '_'})\n", "a/b.py": "x = y = 1\n"}),
    "namedtuple and dataclass": ("from a import P\nP.x, P(1).x", {"a.py": "import collections\nP = collections.namedtuple('P', 'x')\n"}),
    "type call": ("from a import C\nC.x", {"a.py": "C = type('C', (), {'x': 1})\n"}),
    "property and class method": ("import a\na.C.m()\na.C().p.real\na.C.s()", {"a.py": "class C:\n    @property\n    def p(self): return 1\n    @classmethod\n    def m(cls): return cls.s()\n    @staticmethod\n    def s(): return 1\n"}),
    "setattr on a class": ("from a import C\nC.x", {"a.py": "class C: pass\nfor n in 'xy':\n    setattr(C, n, 1)\n"}),
    "class decorator adds": ("from a import C\nC.x", {"a.py": "def d(c):\n    c.x = 1\n    return c\n@d\nclass C: pass\n"}),
    "instance attributes": ("from a import c\nc.x, c.y", {"a.py": "class C:\n    def __init__(self):\n        self.x = 1\n        setattr(self, 'y', 1)\nc = C()\n"}),
}  # fmt: skip

MISSING = {
    "a module": ("import nothing", {}, MODULES, "nothing"),
    "a name": ("from shelf import gone", SHELF, IMPORTS, "shelf.gone"),
    "an attribute": ("import shelf\nshelf.gone", SHELF, ATTRIBUTES, "shelf.gone"),
    "a submodule": ("import shelf.gone", SHELF, MODULES, "shelf.gone"),
    "a submodule of a module": ("import shelf.deep.gone", SHELF, MODULES, "shelf.deep.gone"),
    "a name of a submodule": ("from shelf.deep import gone", SHELF, IMPORTS, "shelf.deep.gone"),
    "a name of the standard library": ("from collections import gone", {}, IMPORTS, "collections.gone"),
    "a removed standard module": ("import distutils_gone", {}, MODULES, "distutils_gone"),
    "a relative name": ("import a", {"a/__init__.py": "from .b import x\n"}, MODULES, "a.b"),
    "a relative import above its package": ("import a.b.c", {"a/__init__.py": "", "a/b/__init__.py": "", "a/b/c.py": "from ..d import x\n"}, MODULES, "a.d"),
    "in all but not bound": ("from a import *", {"a.py": "__all__ = ['x', 'gone']\nx = 1\n"}, ATTRIBUTES, "a.gone"),
    "deleted": ("from a import y", {"a.py": "x = y = 1\ndel y\n"}, IMPORTS, "a.y"),
    "behind a star without it": ("from a import _y", {"a/__init__.py": "from .b import *\n", "a/b.py": "x = _y = 1\n"}, IMPORTS, "a._y"),
    "behind a star with all": ("from a import y", {"a/__init__.py": "from .b import *\n", "a/b.py": "__all__ = ['x']\nx = y = 1\n"}, IMPORTS, "a.y"),
    "in a class body": ("import a", {"a.py": "import shelf\nclass C(object):\n    x = shelf.gone\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "as a base class": ("import a", {"a.py": "import shelf\nclass C(shelf.gone):\n    pass\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "as a decorator": ("import a", {"a.py": "import shelf\n@shelf.gone\ndef f(): pass\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "as a default": ("import a", {"a.py": "import shelf\ndef f(x=shelf.gone): pass\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "as a keyword default": ("import a", {"a.py": "import shelf\nf = lambda *, x=shelf.gone: x\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "as an argument": ("import a", {"a.py": "import shelf\nprint(shelf.gone)\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "in a dictionary": ("import a", {"a.py": "import shelf\nx = {1: [shelf.gone]}\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "in a comprehension": ("import a", {"a.py": "import shelf\nx = [shelf.gone for i in range(3) if i]\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "in a loop": ("import a", {"a.py": "import shelf\nfor i in range(3):\n    if i == 2:\n        shelf.gone\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "in a called function": ("import a", {"a.py": "import shelf\ndef g():\n    return shelf.gone\ndef f():\n    return g()\nf()\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "in a called method": ("import a", {"a.py": "import shelf\nclass C:\n    def __init__(self):\n        self.go()\n    def go(self):\n        shelf.gone\nC()\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "in a decorator that runs": ("import a", {"a.py": "import shelf\ndef d(f):\n    shelf.gone\n    return f\n@d\ndef f(): pass\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "by import module": ("import a", {"a.py": "import importlib\nimportlib.import_module('shelf.gone')\n", **SHELF}, MODULES, "shelf.gone"),
    "by getattr": ("import a", {"a.py": "import shelf\ngetattr(shelf, 'go' + 'ne')\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "by a module's own getattr": ("from a import y", {"a.py": "_T = {'x': 1}\ndef __getattr__(n):\n    if n in _T:\n        return _T[n]\n    raise AttributeError(n)\n"}, IMPORTS, "a.y"),
    "by a getattr that asks another module": ("from a import y", {"a/__init__.py": "import importlib\ndef __getattr__(n):\n    return getattr(importlib.import_module('a.b'), n)\n", "a/b.py": "x = 1\n"}, IMPORTS, "a.b.y"),
    "of a standard package that is older": ("from string import gone_in_this_python", {}, IMPORTS, "string.gone_in_this_python"),
    "too early in a circle": ("import a", {"a/__init__.py": "from .b import x\n", "a/b.py": "from a.c import z\nx = 1\n", "a/c.py": "import nothing\nz = 1\n"}, MODULES, "nothing"),
    "with an alias": ("import shelf.gone as g", SHELF, MODULES, "shelf.gone"),
    "one of several": ("from shelf import book, gone", SHELF, IMPORTS, "shelf.gone"),
    "a namespace's": ("from a import gone", {"a/b.py": ""}, IMPORTS, "a.gone"),
    "inside with": ("import a", {"a.py": "import io\nwith io.StringIO() as f:\n    import nothing\n"}, MODULES, "nothing"),
    "inside else": ("import a", {"a.py": "try:\n    pass\nexcept ImportError:\n    pass\nelse:\n    import nothing\n"}, MODULES, "nothing"),
    "inside finally": ("import a", {"a.py": "try:\n    pass\nfinally:\n    import nothing\n"}, MODULES, "nothing"),
    "inside except": ("import a", {"a.py": "try:\n    import other\nexcept ImportError:\n    import nothing\n"}, MODULES, "nothing"),
    "a chained attribute": ("import a", {"a.py": "import shelf.deep\nshelf.deep.gone.more\n", **SHELF}, ATTRIBUTES, "shelf.deep.gone"),
    "an alias's attribute": ("import a", {"a.py": "import shelf as s\nt = s\nt.gone\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "used up by augmentation": ("import a", {"a.py": "import shelf\nx = 0\nx += shelf.gone\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "in an assertion": ("import a", {"a.py": "import shelf\nassert shelf.gone\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "in a formatted string": ("import a", {"a.py": "import shelf\nx = f'{shelf.gone!r:>10}'\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "in a subscript": ("import a", {"a.py": "import shelf\nx = [1][shelf.gone:]\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "in an annotation": ("import a", {"a.py": "import shelf\ndef f(x: shelf.gone): pass\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "in a return annotation": ("import a", {"a.py": "import shelf\ndef f() -> shelf.gone: pass\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "in a variable's annotation": ("import a", {"a.py": "import shelf\nx: shelf.gone = 1\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
    "in a field's annotation": ("import a", {"a.py": "import shelf\nclass C:\n    x: shelf.gone\n", **SHELF}, ATTRIBUTES, "shelf.gone"),
}  # fmt: skip


@pytest.mark.parametrize("case", RESOLVED)
def test_what_resolves_is_no_break(paper: Paper, case: str) -> None:
    main, files = RESOLVED[case]
    paper.lay(files)
    paper.source(main)
    assert paper.truth() == ""
    assert paper.link().targets == []


@pytest.mark.parametrize("case", MISSING)
def test_what_does_not_resolve_is_a_break(paper: Paper, case: str) -> None:
    main, files, raises, target = MISSING[case]
    paper.lay(files)
    paper.source(main)
    assert paper.truth().startswith(f"{raises}: ")
    assert paper.link().targets == [target]
