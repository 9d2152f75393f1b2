# ruff: noqa: E501 - a case is one line
"""Mechanisms of released packages on which torchlink once erred, in small."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.link.importing.paper import Paper
from torchlink.model.source import Presence
from torchlink.read.native_strings import NativeStrings

UNKNOWN = "import random\ndef never():\n    return random.random() > 2\n"
HOLDER = "import importlib.metadata as m\nclass Holder:\n    def __init__(self):\n        self.kept = []\n    @property\n    def last(self):\n        return self.kept[-1] if self.kept else None\n    @last.setter\n    def last(self, value):\n        raise ValueError\n    def register(self):\n        if m.version('p') < '2' and self.last is not None:\n            raise RuntimeError('twice')\n"
PARTLY = "import random\ntext = f\"{random.choice(['fou'])}nd\"\n"
SOUND: dict[str, tuple[dict[str, str], str]] = {
    "a stand-in that a metaclass replaces": (
        {"p.py": "import importlib.metadata as m\nclass Mock:\n    def __getattr__(self, name):\n        raise RuntimeError(m.version('p'))\nclass Meta(type):\n    def __init__(cls, *rest):\n        cls.check = Mock()\n        vars(__builtins__ if hasattr(__builtins__, '__name__') else type('B', (), __builtins__))['set' + 'attr'](cls, 'check', cls)\nclass Model(metaclass=Meta):\n    def __init__(self):\n        self.check.mro\nModel()\n"},
        "import p\n",
    ),
    "a stand-in of a base that a metaclass replaces": (
        {"p.py": "import importlib.metadata as m, random\nclass Mock:\n    def __getattr__(self, name):\n        raise RuntimeError(m.version('p'))\nclass Meta(type):\n    def __new__(mcs, *rest):\n        new = super().__new__(mcs, *rest)\n        [setattr(new, name, len) for name in ['check'] if new.__mro__[1:-1] and random]\n        return new\nclass Base(metaclass=Meta):\n    check = Mock()\nclass Model(Base):\n    def __init__(self):\n        self.check.__name__\nModel()\n"},
        "import p\n",
    ),
    "attributes set past a class's own __setattr__": (
        {"p.py": "import importlib.metadata as m\nclass Base:\n    def __init__(self):\n        super().__setattr__('kept', {})\n        object.__setattr__(self, 'more', {})\n    def __setattr__(self, name, value):\n        self.kept[name] = value\n    def add(self, name):\n        if m.version('p') < '2' and ('kept' not in self.__dict__ or 'more' not in self.__dict__):\n            raise AttributeError(name)\nclass Model(Base):\n    def __init__(self):\n        super().__init__()\n        self.add('x')\nModel()\n"},
        "import p\n",
    ),
    "a module loaded from a file that is made first": (
        {"p.py": "import importlib.util, os, tempfile\npath = os.path.join(tempfile.mkdtemp(), 'made.py')\nopen(path, 'w').close()\nspec = importlib.util.spec_from_file_location('made', path)\nmade = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(made)\nmade.__name__, made.__file__\n"},
        "import p\n",
    ),
    "what every module has, of a stand-in": (
        {"p.py": "import sys, types\nclass Stand(types.ModuleType):\n    def __getattr__(self, name):\n        raise AttributeError(name)\nsys.modules[__name__] = Stand(__name__)\n"},
        "from p import __doc__, __name__\nimport p\np.__class__, p.__dict__, p.__spec__\n",
    ),
    "a property with a setter": ({"p.py": HOLDER + "Holder().register()\n"}, "import p\n"),
    "what an unknown decorator makes of a method": (
        {"p.py": "import random, importlib.metadata as m\ndef odd(f):\n    return {0: None}.get(int(random.random()))\nclass C:\n    @odd\n    def size(self):\n        pass\nif m.version('p') < '2' and C().size is not None:\n    raise RuntimeError\n"},
        "import p\n",
    ),
    "an attribute behind a setter": (
        {"p.py": "import importlib.metadata as m\nclass C:\n    @property\n    def size(self):\n        return self.kept\n    @size.setter\n    def size(self, value):\n        self.kept = value or None\nc = C()\nc.size = 0\nif m.version('p') < '2' and c.size is not None:\n    raise RuntimeError\n"},
        "import p\n",
    ),
    "relative __import__": (
        {"p/__init__.py": "def __getattr__(name):\n    return getattr(__import__('inner', globals(), None, [name], 1), name)\n", "p/inner.py": "x = 1\n"},
        "from p import x\n",
    ),
    "else after a break that is not sure": (
        {"p.py": UNKNOWN + "for size in (1, 2):\n    if not never():\n        break\nelse:\n    import nothing\n"},
        "import p\n",
    ),
    "after a continue that is not sure": (
        {"p.py": UNKNOWN + "for size in (1, 2):\n    if not never():\n        continue\n    import nothing\n"},
        "import p\n",
    ),
    "after a nested return that is not sure": (
        {"p.py": UNKNOWN + "def f(x):\n    if x:\n        if not never():\n            return\n        import nothing\nf(1)\n"},
        "import p\n",
    ),
    "a comprehension's first iterable in a class": (
        {"p.py": "import table\nclass C:\n    table = {'rows': [1]}\n    doubled = [row * 2 for row in table['rows']]\n    more = [n for n in table.keys()]\n", "table.py": ""},
        "import p\n",
    ),
    "an item with an unknown key": (
        {"p.py": "import random\nfor name in [str(random.random())]:\n    try:\n        x = locals()[name]\n    except KeyError:\n        locals()['made'] = 1\n"},
        "from p import made\n",
    ),
    "a module that fills its stand-in": (
        {"p.py": "import sys, types\nclass Stand(types.ModuleType):\n    def __getattr__(self, name):\n        raise AttributeError(name)\nx = 1\nnew = Stand(__name__)\nnew.__dict__.update(sys.modules[__name__].__dict__)\nsys.modules[__name__] = new\n"},
        "from p import x\n",
    ),
    "names put into a module's dictionary": (
        {"p/__init__.py": "import sys, random\nfrom . import inner\nfor name in dir(inner):\n    if random.random() < 2 and name[0] != '_':\n        sys.modules[__name__].__dict__[name] = getattr(inner, name)\n", "p/inner.py": "x = 1\n"},
        "from p import x\n",
    ),
    "aliases of modules made in a loop": (
        {"p/__init__.py": "import sys, random\nfrom . import inner\nfor name in list(sys.modules):\n    if name.startswith('p.'):\n        sys.modules['p.alias.' + name[2:]] = sys.modules[name]\nfrom . import alias\n", "p/inner.py": "x = 1\n", "p/alias.py": ""},
        "from p.alias.inner import x\n",
    ),
    "a folder searched with rglob": (
        {"p/__init__.py": "import sys, types\nfrom pathlib import Path\nfor file in sorted((Path(__file__).parent / 'models').rglob('proc_*.py')):\n    old = f'{__name__}.models.{file.stem}_old'\n    module = types.ModuleType(old)\n    sys.modules[old] = module\n    setattr(sys.modules[__name__], file.stem + '_old', module)\n", "p/models/__init__.py": "", "p/models/a/__init__.py": "", "p/models/a/proc_a.py": ""},
        "from p import proc_a_old\nimport p.models.proc_a_old\n",
    ),
    "keywords that are not known": (
        {"p.py": "import json\ndef need(*, a=None, **rest):\n    if a is None:\n        raise ValueError('none given')\n    if not rest:\n        raise ValueError('no rest')\nneed(**json.loads('{\"a\": 1, \"b\": 2}'))\n"},
        "import p\n",
    ),
    "a decorator made by one that is not followed": (
        {"p.py": "import functools\ndef strange(f):\n    names = {}\n    exec('def made(g):\\n    return g', names)\n    return names['made']\n@strange\ndef held(function):\n    import nothing\n@held\ndef plot():\n    pass\n"},
        "import p\n",
    ),
    "dir of a module": (
        {"p/__init__.py": "from . import dummies\ntable = {name: 'dummies' for name in dir(dummies) if not name.startswith('_')}\ndef __getattr__(name):\n    if name in table:\n        return getattr(dummies, name)\n    raise AttributeError(name)\n", "p/dummies.py": "class Model: pass\n"},
        "from p import Model\n",
    ),
    "names of a module that is loaded elsewhere": (
        {"p.py": "import sys\nif 'other' in sys.modules:\n    import nothing\n", "other.py": ""},
        "import p\n",
    ),
    "the beginning of a text that is partly known": (
        {"p.py": f"{PARTLY}if not text.startswith('f') or text[0] == '…' or '…' in text or text in ['…nd'] or 'u' not in text:\n    import nothing\n"},
        "import p\n",
    ),
    "the truth of a text that is not known": (
        {"p.py": "import random\nempty = random.choice([''])\nif f'{empty}' or '%s' % empty or '{}'.format(empty):\n    import nothing\n"},
        "import p\n",
    ),
    "the items of a text that is partly known": (
        {"p.py": f"{PARTLY}for letter in text:\n    if letter == '…':\n        import nothing\n"},
        "import p\n",
    ),
    "an end added to a text that is partly known": (
        {"p.py": f"{PARTLY}if (text + 's') == '…nds' or not (text + 's').startswith('f'):\n    import nothing\n"},
        "import p\n",
    ),
    "a global whose name is partly known": (
        {"p.py": f"{PARTLY}globals()[text] = 1\n"},
        "from p import found\n",
    ),
    "an attribute that is set with a name that is partly known": (
        {"p.py": "", "q.py": f"import p\n{PARTLY}setattr(p, text, 1)\nif not hasattr(p, text):\n    import nothing\n"},
        "import q\nfrom p import found\n",
    ),
}  # fmt: skip

LOADED = "import os\nimport importlib.util\ndef load(name, path):\n    spec = importlib.util.spec_from_file_location(name, path)\n    module = importlib.util.module_from_spec(spec)\n    spec.loader.exec_module(module)\n    return module\nroot = os.path.dirname(__file__)\nfor name in os.listdir(root):\n    if os.path.isdir(os.path.join(root, name)) and not name.startswith('__'):\n        driver = load(name, os.path.join(root, name, 'driver.py'))\n"
BROKEN: dict[str, tuple[dict[str, str], str, str]] = {
    "a module loaded from its file": (
        {"p/__init__.py": LOADED, "p/one/driver.py": "import nothing\n"},
        "import p\n", "nothing",
    ),
    "a name of a module loaded from its file": (
        {"p/__init__.py": LOADED + "x = driver.here\nfrom q import gone\n", "p/one/driver.py": "here = 1\n", "q.py": ""},
        "import p\n", "q.gone",
    ),
    "a union of types": (
        {"p.py": "def need(names):\n    if not isinstance(names, list | tuple):\n        names = [names]\n    for name in names:\n        if name == 'gone':\n            import nothing\nneed(['gone'])\n"},
        "import p\n", "nothing",
    ),
    "a text of no class that is written in Python": (
        {"p.py": "class Backend:\n    pass\nif not isinstance('torch', (Backend, int)):\n    import nothing\n"},
        "import p\n", "nothing",
    ),
    "a list of a message that is partly known": (
        {"p.py": "import os\nfailed = []\nfailed.append('{0} is not here'.format(os.getpid()))\nfailed.append('no %s' % os.getpid())\nif failed and failed[1]:\n    import nothing\n"},
        "import p\n", "nothing",
    ),
    "a name that a table lists as gone": (
        {"p.py": "import random\nGONE = {'old': 'it was removed'}\nglobals()[str(random.random())] = 1\ndef __getattr__(name):\n    if name in GONE:\n        raise AttributeError(GONE[name])\n    raise AttributeError(f'no {name}')\n"},
        "from p import old\n", "p.old",
    ),
    "a name that is no member of an enumeration": (
        {"p.py": "import enum, sys\nclass Colour(enum.IntEnum):\n    RED = 1\nmodule = sys.modules[__name__]\nfor item in Colour:\n    setattr(module, item.name, item.value)\n"},
        "from p import RED\nfrom p import BLUE\n", "p.BLUE",
    ),
    "a version under another name": (
        {"p.py": "__version__ = '1'\n", "q.py": "import p\nNEW = p.__version_info__ >= (3,)\n"},
        "import q\n", "p.__version_info__",
    ),
    "an object whose truth is computed": (
        {"p.py": "class Has:\n    def __init__(self, name):\n        self.name = name\n    def _look(self):\n        if hasattr(self, 'found'):\n            return\n        self.found = self.name == 'shelf'\n    def __bool__(self):\n        self._look()\n        return self.found\nHAS = Has('shelf')\nif HAS:\n    import nothing\n"},
        "import p\n", "nothing",
    ),
    "a missing module beside aliases of another package's": (
        {"p/__init__.py": "import sys, random\nfrom . import inner\nfor name in dir(inner):\n    if random.random() < 2:\n        sys.modules[f'p.inner.{name}'] = inner\n", "p/inner.py": "x = 1\n"},
        "import p.inner.x\nimport p.gone\n", "p.gone",
    ),
    "a name that dir does not list": (
        {"p/__init__.py": "from . import dummies\ntable = [name for name in dir(dummies)]\ndef __getattr__(name):\n    if name in table:\n        return getattr(dummies, name)\n    raise AttributeError(name)\n", "p/dummies.py": "class Model: pass\n"},
        "from p import Gone\n", "p.Gone",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SOUND)
def test_what_works_is_no_break(paper: Paper, case: str) -> None:
    files, source = SOUND[case]
    paper.lay(files)
    paper.source(source)
    assert paper.truth() == ""
    assert paper.link().targets == []


@pytest.mark.parametrize("case", BROKEN)
def test_what_fails_is_a_break(paper: Paper, case: str) -> None:
    files, source, target = BROKEN[case]
    paper.lay(files)
    paper.source(source)
    assert paper.truth() != ""
    assert paper.link().targets == [target]


def test_each_package_is_a_process_of_its_own(paper: Paper) -> None:
    paper.lay({"a.py": "", "b.py": "import sys\nif 'a' in sys.modules:\n    import nothing\n"})
    assert paper.link(project=False).targets == []


CYTHON = 'const char *const kept[] = {"_cython_%s", "__pyx_capi__", "listed"};\n'
OTHERS = {
    "cffi": ('const char *const kept[] = {"_cffi_backend"};\n', "lib", Presence.WHOLE),
    "cffi, another name": ('const char *const kept[] = {"_cffi_backend"};\n', "gone", Presence.ABSENT),
    "mypyc": ('const char *const kept[] = {"0123__mypyc.init_p"};\n', "anything", Presence.PART),
    "Cython that compresses": (CYTHON % "3_2_1", "gone", Presence.PART),
    "Cython that does not": (CYTHON % "3_0_10", "gone", Presence.ABSENT),
    "Cython, a listed name": (CYTHON % "0_29_36", "listed", Presence.WHOLE),
}


@pytest.mark.parametrize("case", OTHERS)
def test_names_that_compilers_hide_are_not_absent(tmp_path: Path, case: str) -> None:
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    code, name, presence = OTHERS[case]
    library = tmp_path / "library.so"
    command = [compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)]
    subprocess.run(command, input=code.encode(), check=True)
    assert NativeStrings(str(library)).presence(name) is presence
