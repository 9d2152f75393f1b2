# ruff: noqa: E501 - a case is one line
"""Failures that the code around them takes, or that never happen; and those that only look so."""

from __future__ import annotations

import sys

import pytest

from tests.link.importing.paper import Paper

SHELF = {"shelf/__init__.py": "book = 1\n"}

GUARDED = {
    "ImportError": "try:\n    import nothing\nexcept ImportError:\n    nothing = None\n",
    "ModuleNotFoundError": "try:\n    import nothing\nexcept ModuleNotFoundError:\n    pass\n",
    "Exception": "try:\n    import nothing\nexcept Exception as error:\n    print(error)\n",
    "BaseException": "try:\n    import nothing\nexcept BaseException:\n    pass\n",
    "a tuple": "try:\n    import nothing\nexcept (AttributeError, ImportError):\n    pass\n",
    "a named tuple": "E = (ValueError, ImportError)\ntry:\n    import nothing\nexcept E:\n    pass\n",
    "bare": "try:\n    import nothing\nexcept:\n    pass\n",
    "a second clause": "try:\n    import nothing\nexcept ValueError:\n    raise\nexcept ImportError:\n    pass\n",
    "suppress": "import contextlib\nwith contextlib.suppress(ImportError):\n    import nothing\n",
    "suppress two": "from contextlib import suppress\nwith suppress(ValueError, ModuleNotFoundError):\n    import nothing\n",
    "finally": "try:\n    try:\n        import nothing\n    finally:\n        x = 1\nexcept ImportError:\n    pass\n",
    "a return in finally": "def f():\n    try:\n        import nothing\n    finally:\n        return 1\nf()\n",
    "else is left out": "try:\n    import nothing\nexcept ImportError:\n    pass\nelse:\n    import nothing.more\n",
    "a guard around a call": "def f():\n    import nothing\ntry:\n    f()\nexcept ImportError:\n    pass\n",
    "a guard in another module": "try:\n    import optional\nexcept ImportError:\n    pass\n",
    "an alias": "from builtins import ImportError as E\ntry:\n    import nothing\nexcept E:\n    pass\n",
    "an error of its own": "class E(Exception): pass\ntry:\n    try:\n        import nothing\n    except ImportError as error:\n        raise E() from error\nexcept E:\n    pass\n",
    "a context manager": "class S:\n    def __enter__(self): return self\n    def __exit__(self, *a): return True\nwith S():\n    import nothing\n",
    "a generator's context manager": "import contextlib\n@contextlib.contextmanager\ndef s():\n    try:\n        yield\n    except ImportError:\n        pass\nwith s():\n    import nothing\n",
    "an attribute": "import shelf\ntry:\n    shelf.gone\nexcept AttributeError:\n    pass\n",
    "a name": "try:\n    from shelf import gone\nexcept ImportError:\n    gone = None\n",
    "type checking": "import typing\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import nothing\nif typing.TYPE_CHECKING:\n    import nothing\n",
    "type checking by hand": "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import nothing\nif False:\n    import nothing\nMYPY = 0\nif MYPY:\n    import nothing\n",
    "a platform": "import sys\nif sys.platform == 'win32':\n    import nothing\nelif sys.platform.startswith('cygwin'):\n    import nothing\n",
    "an operating system": "import os\nif os.name == 'nt':\n    import nothing\n",
    "a platform function": "import platform\nif platform.system() == 'Windows':\n    import nothing\nif platform.machine() == 'vax':\n    import nothing\n",
    "an old Python": "import sys\nif sys.version_info < (3, 0):\n    import nothing\nif sys.version_info[0] == 2:\n    import nothing\n",
    "an old Python in words": "import sys\nif sys.version_info.major < 3:\n    import nothing\nPY2 = sys.version_info[0] == 2\nif PY2:\n    import nothing\nif sys.version_info[:2] <= (2, 7):\n    import nothing\n",
    "an old Python as a number": "import sys\nif sys.hexversion < 0x03000000:\n    import nothing\nif sys.version[0] == '2':\n    import nothing\n",
    "a newer Python": "import sys\nif sys.version_info >= (4,):\n    import nothing\n",
    "an implementation": "import platform, sys\nif platform.python_implementation() == 'PyPy':\n    import nothing\nif sys.implementation.name == 'pypy':\n    import nothing\nif hasattr(sys, 'pypy_version_info'):\n    import nothing\n",
    "a spec that is not there": "import importlib.util\nif importlib.util.find_spec('nothing') is not None:\n    import nothing\nif importlib.util.find_spec('nothing'):\n    import nothing\n",
    "a spec in a function": "import importlib.util\ndef has(n):\n    return importlib.util.find_spec(n) is not None\nHAS = has('nothing')\nif HAS:\n    import nothing\n",
    "metadata that is not there": "from importlib import metadata\ntry:\n    v = metadata.version('nothing')\nexcept metadata.PackageNotFoundError:\n    v = None\nif v:\n    import nothing\n",
    "an environment variable": "import os\nif os.environ.get('NOBODY_SETS_THIS'):\n    import nothing\nif os.getenv('NOBODY_SETS_THIS', '0') == '1':\n    import nothing\nif 'NOBODY_SETS_THIS' in os.environ:\n    import nothing\n",
    "sys.modules": "import sys\nif 'nothing' in sys.modules:\n    import nothing\n",
    "a flag of another module": "from flags import HAS\nif HAS:\n    import nothing\n",
    "a flag function": "import flags\nif flags.has():\n    import nothing\n",
    "a try that decides a flag": "try:\n    import nothing\n    HAS = True\nexcept ImportError:\n    HAS = False\nif HAS:\n    from nothing import more\n",
    "a class only where it is there": "try:\n    import nothing\nexcept ImportError:\n    nothing = None\nif nothing is not None:\n    class C(nothing.Base): pass\n",
    "a retry": "for n in ('nothing', 'json'):\n    try:\n        m = __import__(n)\n        break\n    except ImportError:\n        continue\nm.dumps\n",
    "a fallback chain": "try:\n    import nothing as j\nexcept ImportError:\n    try:\n        import nothing2 as j\n    except ImportError:\n        import json as j\nj.dumps\n",
    "an unknown condition": "import random\nif random.random() > 2:\n    import nothing\n",
    "an unknown condition in a call": "import random\ndef f(x):\n    if x:\n        import nothing\nf(random.random() > 2)\n",
    "an early return": "import random\ndef f():\n    if random.random() < 2:\n        return\n    import nothing\nf()\n",
    "a lazy import": "def f():\n    import nothing\n    return nothing\nclass C:\n    @property\n    def x(self):\n        import nothing\n",
    "a decorator that postpones": "def later(f):\n    def g(*a):\n        return f(*a)\n    return g\n@later\ndef f():\n    import nothing\n",
    "a lambda that nobody calls": "f = lambda: __import__('nothing')\n",
    "partial that nobody calls": "import functools, importlib\nf = functools.partial(importlib.import_module, 'nothing')\n",
    **(
        {"exception group": "try:\n    import nothing\nexcept* ImportError:\n    pass\n"}
        if sys.version_info >= (3, 11)
        else {}
    ),
    "while that ends": "n = 0\nwhile True:\n    n += 1\n    if n > 3:\n        break\nelse:\n    import nothing\n",
    "assertions off the path": "assert True, __import__('nothing')\n",
    "match": "match 1:\n    case 2:\n        import nothing\n",
}  # fmt: skip
MORE = {
    "optional/__init__.py": "from . import inner\n",
    "optional/inner.py": "import nothing\n",
    "flags/__init__.py": "import importlib.util\nHAS = importlib.util.find_spec('nothing') is not None\ndef has():\n    try:\n        import nothing\n    except ImportError:\n        return False\n    return True\n",
}  # fmt: skip

NOT_GUARDED = {
    "another exception": ("try:\n    import nothing\nexcept ValueError:\n    pass\n", "nothing"),
    "AttributeError for an import": ("try:\n    from shelf import gone\nexcept AttributeError:\n    pass\n", "shelf.gone"),
    "ImportError for an attribute": ("import shelf\ntry:\n    shelf.gone\nexcept ImportError:\n    pass\n", "shelf.gone"),
    "ModuleNotFoundError for a name": ("try:\n    from shelf import gone\nexcept ModuleNotFoundError:\n    pass\n", "shelf.gone"),
    "raised again": ("try:\n    import nothing\nexcept ImportError:\n    raise\n", "nothing"),
    "raised again by name": ("try:\n    import nothing\nexcept ImportError as error:\n    raise error\n", "nothing"),
    "raised as another": ("try:\n    import nothing\nexcept ImportError:\n    raise RuntimeError('install nothing')\n", "nothing"),
    "raised from": ("try:\n    import nothing\nexcept ImportError as e:\n    raise ImportError('install nothing') from e\n", "nothing"),
    "suppress of another": ("import contextlib\nwith contextlib.suppress(ValueError):\n    import nothing\n", "nothing"),
    "finally": ("try:\n    import nothing\nfinally:\n    x = 1\n", "nothing"),
    "a manager that lets it out": ("class S:\n    def __enter__(self): return self\n    def __exit__(self, *a): return False\nwith S():\n    import nothing\n", "nothing"),
    "a Python test that holds": ("import sys\nif sys.version_info >= (3, 0):\n    import nothing\n", "nothing"),
    "a platform test that holds": ("import sys\nif sys.platform != 'win32':\n    import nothing\n", "nothing"),
    "not type checking": ("from typing import TYPE_CHECKING\nif not TYPE_CHECKING:\n    import nothing\n", "nothing"),
    "else of type checking": ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    x = 1\nelse:\n    import nothing\n", "nothing"),
    "a spec that is there": ("import importlib.util\nif importlib.util.find_spec('shelf') is not None:\n    from shelf import gone\n", "shelf.gone"),
    "a variable that is not set": ("import os\nif os.environ.get('NOBODY_SETS_THIS') is None:\n    import nothing\n", "nothing"),
    "a variable's default": ("import os\nif os.environ.get('NOBODY_SETS_THIS', '1') == '1':\n    import nothing\n", "nothing"),
    "a second try": ("try:\n    import json\nexcept ImportError:\n    pass\nimport nothing\n", "nothing"),
    "used after a guard": ("try:\n    import shelf\nexcept ImportError:\n    shelf = None\nshelf.gone\n", "shelf.gone"),
    "a first clause that takes it": ("try:\n    import nothing\nexcept ImportError:\n    import other\nexcept Exception:\n    pass\n", "other"),
    "a function that is called late": ("def f():\n    import nothing\ndef g():\n    f()\ng()\n", "nothing"),
    "an instance that is made": ("class C:\n    def __init__(self):\n        import nothing\nC()\n", "nothing"),
}  # fmt: skip


@pytest.mark.parametrize("case", GUARDED)
def test_what_is_guarded_is_no_break(paper: Paper, case: str) -> None:
    paper.lay({"a.py": GUARDED[case], **SHELF, **MORE})
    paper.source("import a\n")
    assert paper.truth() == ""
    answer = paper.link()
    assert answer.targets == []
    assert "nothing" not in answer.reach.modules


@pytest.mark.parametrize("case", NOT_GUARDED)
def test_what_only_looks_guarded_is_a_break(paper: Paper, case: str) -> None:
    text, target = NOT_GUARDED[case]
    paper.lay({"a.py": text, **SHELF})
    paper.source("import a\n")
    assert paper.truth() != ""
    assert paper.link().targets == [target]


def test_what_only_a_guarded_failure_reaches_is_not_reached(paper: Paper) -> None:
    paper.lay({"a/__init__.py": "try:\n    from . import b\nexcept ImportError:\n    from . import c\n", "a/b.py": "import nothing\nfrom . import d\n", "a/c.py": "", "a/d.py": ""})  # fmt: skip
    paper.source("import a\n")
    reached = set(paper.link().reach.modules)
    assert {"a", "a.c"} <= reached
    assert not {"a.b", "a.d"} & reached
