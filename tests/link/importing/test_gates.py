# ruff: noqa: E501 - a case is one line
"""Version tests that packages make themselves: those that raise, those that warn, and those that pass."""

from __future__ import annotations

import pytest

from tests.compiled import compile_library, needs_gcc
from tests.link.importing.paper import Paper
from tests.link.natives import SUFFIX
from torchlink.model.reference import Kind

VERSIONED = {"shelf/__init__.py": "__version__ = '2.5.1'\nfrom shelf.more import book\n", "shelf/more.py": "book = 1\n"}
COPY = """import re
class Version:
    def __init__(self, text):
        self.release = tuple(int(part) for part in text.split('.'))
    @property
    def is_prerelease(self):
        return False
    def __lt__(self, other):
        return self.release < other.release
"""

REFUSES = {
    "a tuple by hand": "import shelf\nif tuple(int(p) for p in shelf.__version__.split('.')[:2]) < (3, 0):\n    raise ImportError('shelf 3 is needed')\n",
    "a list by map": "import shelf\nif list(map(int, shelf.__version__.split('.'))) < [3]:\n    raise ImportError('shelf 3 is needed')\n",
    "a major number": "import shelf\nmajor, minor, *_ = shelf.__version__.split('.')\nif int(major) < 3:\n    raise RuntimeError('shelf 3 is needed')\n",
    "a regular expression": "import re, shelf\nm = re.match(r'(\\d+)\\.(\\d+)', shelf.__version__)\nif int(m.group(1)) < 3:\n    raise ImportError('shelf 3 is needed')\n",
    "metadata": "import importlib.metadata\nif importlib.metadata.version('shelf') < '3':\n    raise ImportError('shelf 3 is needed')\n",
    "metadata by from": "from importlib.metadata import version, PackageNotFoundError\ntry:\n    v = version('shelf')\nexcept PackageNotFoundError:\n    v = None\nif v is not None and int(v.split('.')[0]) < 3:\n    raise ImportError('shelf 3 is needed')\n",
    "in a function": "import shelf\ndef check(least):\n    if int(shelf.__version__.split('.')[0]) < least:\n        raise ImportError(f'shelf>={least} is needed, found {shelf.__version__}')\ncheck(3)\n",
    "in a dictionary of requirements": "import importlib.metadata\nNEEDS = {'shelf': (3, 0)}\ndef check(name):\n    got = tuple(int(p) for p in importlib.metadata.version(name).split('.')[:2])\n    if got < NEEDS[name]:\n        raise ImportError(f'{name} {NEEDS[name]} is needed')\nfor name in NEEDS:\n    check(name)\n",
    "a copy of packaging": "import shelf\nfrom gate._version import Version\nif Version(shelf.__version__) < Version('3.0'):\n    raise ImportError('shelf 3 is needed')\n",
    "an assertion": "import shelf\nassert shelf.__version__.startswith('3'), 'shelf 3 is needed'\n",
    "equality": "import shelf\nif shelf.__version__ != '3.0':\n    raise RuntimeError('built for shelf 3.0')\n",
    "a conditional value": "import shelf\nOLD = shelf.__version__.split('.')[0] == '2'\nmessage = 'shelf 3' if OLD else ''\nif message:\n    raise ImportError(message)\n",
    "a class": "import shelf\nclass Gate:\n    def __init__(self, least):\n        self.least = least\n        self.check()\n    def check(self):\n        if shelf.__version__ < self.least:\n            raise ImportError('shelf is too old')\nGate('3.0')\n",
    "a loop over parts": "import shelf\nfor got, least in zip(shelf.__version__.split('.'), ['3', '0']):\n    if int(got) < int(least):\n        raise ImportError('shelf 3 is needed')\n    break\n",
}  # fmt: skip

PASSES = {
    "a tuple by hand": "import shelf\nif tuple(int(p) for p in shelf.__version__.split('.')[:2]) < (2, 0):\n    raise ImportError('shelf 2 is needed')\n",
    "numbers, not letters": "import shelf\nif tuple(map(int, shelf.__version__.split('.'))) > (2, 10):\n    raise ImportError('too new')\n",
    "metadata": "import importlib.metadata\nif int(importlib.metadata.version('shelf').split('.')[0]) > 2:\n    raise ImportError('too new')\n",
    "a gate that is guarded": "import shelf\ntry:\n    if int(shelf.__version__[0]) < 3:\n        raise ImportError('shelf 3 is needed')\n    HAS = True\nexcept ImportError:\n    HAS = False\nif HAS:\n    from shelf import gone\n",
    "a branch of another version": "import shelf\nif int(shelf.__version__.split('.')[0]) >= 3:\n    from shelf import gone\nelse:\n    from shelf import book\n",
    "a name of another version": "import shelf\nNEW = tuple(int(p) for p in shelf.__version__.split('.')[:2]) >= (2, 6)\nx = shelf.gone if NEW else shelf.book\n",
    "a test that nobody calls": "import shelf\ndef check():\n    if int(shelf.__version__[0]) < 3:\n        raise ImportError('shelf 3 is needed')\n",
    "a development version": "import shelf\nif 'dev' in shelf.__version__ or shelf.__version__.endswith('+cpu'):\n    raise ImportError('no')\n",
    "not installed": "import importlib.metadata\ntry:\n    importlib.metadata.version('nothing')\nexcept importlib.metadata.PackageNotFoundError:\n    pass\nelse:\n    raise ImportError('nothing must not be there')\n",
    "a list that is perhaps longer": "import random, shelf\nfound = []\nfor name in 'ab':\n    if random.random() < 0:\n        found += [name]\nif shelf.__version__[0] == '2' and len(found) > 1:\n    raise ImportError('more than one')\n",
    "a list that is perhaps appended to": "import random, shelf\nfound = []\nfor name in 'ab':\n    if random.random() < 0:\n        found.append(name)\nif shelf.__version__[0] == '2' and found:\n    raise ImportError('more than none')\n",
    "a slice of letters": "import shelf\nif shelf.__version__[:3] not in ('2.4', '2.5'):\n    raise ImportError('no')\n",
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSES)
def test_a_gate_that_refuses_is_a_break(paper: Paper, case: str) -> None:
    paper.lay({"gate/__init__.py": REFUSES[case], "gate/_version.py": COPY, **VERSIONED}, {"shelf": "2.5.1"})
    paper.source("import gate\n")
    assert paper.truth() != ""
    (broken,) = paper.link().breaks
    assert (broken.kind, broken.needer.name, broken.provider.label) == (Kind.GATE, "gate", "shelf 2.5.1")
    assert broken.chain[0] == "main.py:1" and broken.evidence[0].artifact.startswith("gate/__init__.py:")


@pytest.mark.parametrize("case", PASSES)
def test_a_gate_that_passes_is_no_break(paper: Paper, case: str) -> None:
    paper.lay({"gate/__init__.py": PASSES[case], **VERSIONED}, {"shelf": "2.5.1"})
    paper.source("import gate\n")
    assert paper.truth() == ""
    assert paper.link().targets == []


@pytest.mark.parametrize(
    ("least", "kinds"), [("3.0", [Kind.GATE]), ("2.10", [Kind.GATE]), ("2.5.1", []), ("2.5.0rc1", [])]
)
@pytest.mark.parametrize(
    "text",
    [
        "import shelf\nfrom packaging.version import parse\nif parse(shelf.__version__) < parse('{0}'):\n    raise ImportError('shelf>={0} is needed')\n",
        "import shelf\nfrom packaging import version\nif version.parse(shelf.__version__) < version.parse('{0}'):\n    raise ImportError('shelf')\n",
        "import shelf\nfrom packaging.version import Version\nif not Version(shelf.__version__) >= Version('{0}'):\n    raise ImportError('shelf')\n",
        "import importlib.metadata as m\nfrom packaging.version import Version as V\nif V(m.version('shelf')).release < V('{0}').release:\n    raise ImportError('shelf')\n",
        "import importlib.metadata as m\nfrom packaging.specifiers import SpecifierSet\nif m.version('shelf') not in SpecifierSet('>={0}'):\n    raise ImportError('shelf')\n",
        "import importlib.metadata as m\nfrom packaging.requirements import Requirement\nr = Requirement('shelf>={0}')\nif not r.specifier.contains(m.version(r.name), prereleases=True):\n    raise ImportError('shelf')\n",
        "import operator, importlib.metadata as m\nfrom packaging import version\nops = {{'>=': operator.ge}}\ndef require(name, op, want):\n    if not ops[op](version.parse(m.version(name)), version.parse(want)):\n        raise ImportError(name)\nrequire('shelf', '>=', '{0}')\n",
    ],
)  # fmt: skip
def test_packaging_is_computed(paper: Paper, text: str, least: str, kinds: list[Kind]) -> None:
    stubs = {
        "packaging/__init__.py": "",
        "packaging/version.py": "class Version: pass\ndef parse(v): pass\n",
        "packaging/specifiers.py": "class SpecifierSet: pass\n",
        "packaging/requirements.py": "class Requirement: pass\n",
    }
    paper.lay({"gate/__init__.py": text.format(least), **VERSIONED, **stubs}, {"shelf": "2.5.1", "packaging": "24.0"})
    paper.source("import gate\n")
    assert [broken.kind for broken in paper.link().breaks] == kinds


def test_a_gate_that_warns_with_the_version_is_a_risk(paper: Paper) -> None:
    text = (
        "import warnings, shelf\nif int(shelf.__version__.split('.')[0]) < 3:\n"
        "    warnings.warn(f'shelf {shelf.__version__} is old: no fast paths')\n"
    )
    paper.lay({"gate/__init__.py": text, **VERSIONED}, {"shelf": "2.5.1"})
    paper.source("import gate\n")
    answer = paper.link()
    assert answer.breaks == []
    assert [(one.kind, one.needer.name, one.provider.name) for one in answer.risks] == [(Kind.GATE, "gate", "shelf")]


def test_a_silent_gate_that_takes_its_own_refusal_is_a_risk(paper: Paper) -> None:
    paper.lay({"gate/__init__.py": PASSES["a gate that is guarded"], **VERSIONED}, {"shelf": "2.5.1"})
    paper.source("import gate\n")
    answer = paper.link()
    assert [(one.kind, one.provider.name) for one in answer.risks] == [(Kind.GATE, "shelf")]


def test_an_unknown_version_decides_nothing(paper: Paper) -> None:
    text = "import shelf\nif shelf.version() < '3':\n    raise ImportError('shelf 3 is needed')\n"
    paper.lay(
        {"gate/__init__.py": text, "shelf/__init__.py": "import os\ndef version():\n    return str(os.getpid())\n"}
    )
    paper.source("import gate\n")
    assert paper.link().targets == []


def test_of_several_consulted_packages_the_message_names_the_one(paper: Paper) -> None:
    text = (
        "import importlib.metadata as m\nfor name, least in (('shelf', '1'), ('board', '9'), ('floor', '1')):\n"
        "    if m.version(name) < least:\n        raise ImportError(f'{name}>={least} is needed')\n"
    )
    paper.lay({"gate.py": text, "shelf.py": "", "board.py": "", "floor.py": ""}, {"shelf": "2.0", "board": "3.0"})
    paper.source("import gate\n")
    assert paper.truth() == "ImportError: board>=9 is needed"
    assert [broken.provider.name for broken in paper.link().breaks] == ["board"]


RESOURCES = {
    "pkg_resources/__init__.py": "class DistributionNotFound(Exception): pass\nrequire = None\ndef _start():\n    def require(*texts):\n        import importlib.metadata as m\n        for text in texts:\n            try:\n                found = m.version(text.split('>')[0])\n            except m.PackageNotFoundError:\n                raise DistributionNotFound(text)\n            if '>=9' in text:\n                raise DistributionNotFound(text)\n    globals().update(locals())\n_start()\n",
    "shelf/__init__.py": "",
}


@pytest.mark.parametrize("text", ["shelf", "gone", "shelf>=9", "shelf>=1"])
def test_requirements_that_pkg_resources_is_asked_for(paper: Paper, text: str) -> None:
    paper.lay(RESOURCES)
    paper.source(
        f"import pkg_resources\ntry:\n    pkg_resources.require('{text}')\n    there = True\nexcept Exception:\n    there = False\nif there:\n    import book\nelse:\n    import page\n"
    )
    (target,) = paper.link().targets
    assert repr(target) in paper.truth()


TORCH_OF_CUDA_13_2 = {
    "torch/__init__.py": "from . import version\nfrom ._ops import ops\n",
    "torch/_ops.py": "class _Ops: pass\nops = _Ops()\n",
    "torch/version.py": "from typing import Optional\ncuda: Optional[str] = '13.2'\n",
}
SAME_CUDA = """import torch
def check():
    built = torch.ops.{0}.{1}()
    if built is None or built == -1 or torch.version.cuda is None:
        return built
    text = str(built)
    own, theirs = f'{{text[:-3]}}.{{text[-2]}}', torch.version.cuda.split('.')
    if own != f'{{theirs[0]}}.{{theirs[1]}}':
        raise RuntimeError(f'{{own}} is not the CUDA of torch, {{torch.version.cuda}}')
check()
"""
SAME_MAJOR_CUDA = """import torch
built = torch.ops.{0}.{1}()
if built != -1 and int(str(built)[:2]) != int(torch.version.cuda.split('.')[0]):
    raise RuntimeError('another major version of CUDA')
"""


@pytest.mark.parametrize(
    ("test", "names", "version", "tagged", "refused"),
    [
        (SAME_CUDA, ("_audio", "cuda_version"), "2.11.0", "2.11.0+cu130", True),  # torchaudio on PyPI beside torch 2.15
        (SAME_CUDA, ("_audio", "cuda_version"), "2.11.0", "2.11.0+cu132", False),
        (SAME_CUDA, ("audio", "cuda_version"), "2.1.2+pt25cu124", "", True),  # torch-scatter's wheels
        (SAME_CUDA, ("audio", "cuda_version"), "2.1.2+pt25cu132", "", False),
        (SAME_MAJOR_CUDA, ("audio", "_cuda_version"), "0.29.0", "0.29.0+cu130", False),  # torchvision
        (SAME_MAJOR_CUDA, ("audio", "_cuda_version"), "0.29.0", "0.29.0+cu128", True),
        (SAME_CUDA, ("_audio", "cuda_version"), "2.11.0", "2.11.0+cpu", False),
        (SAME_CUDA, ("_audio", "cuda_version"), "2.11.0", "2.11.0a0+34c52a6", False),
        (SAME_CUDA, ("_audio", "cuda_version"), "2.11.0", "", False),
        (SAME_CUDA, ("_audio", "other_version"), "2.11.0", "2.11.0+cu130", False),
    ],
)
def test_a_library_of_another_cuda(
    paper: Paper, test: str, names: tuple[str, str], version: str, tagged: str, refused: bool
) -> None:
    """The package's own test is run on paper, with the CUDA that its build wrote down."""
    files = {"audio/__init__.py": "from . import _extension\n", "audio/_extension.py": test.format(*names)}
    if tagged:
        files["audio/version.py"] = f"__version__ = '{tagged}'\n"
    paper.lay({**files, **TORCH_OF_CUDA_13_2}, {"audio": version, "torch": "2.15.0"})
    paper.source("import audio\n")
    breaks = paper.link().breaks
    assert [(one.kind, one.needer.name, one.provider.label) for one in breaks] == (
        [(Kind.GATE, "audio", "torch 2.15.0")] if refused else []
    )


@needs_gcc
def test_a_native_module_says_its_cuda(paper: Paper) -> None:
    """As torchaudio does it before 2.9: ``torchaudio.lib._torchaudio.cuda_version()``."""
    text = (
        "import torch\nfrom . import _audio\nif str(_audio.cuda_version())[:2] != torch.version.cuda[:2]:\n"
        "    raise RuntimeError('another CUDA')\n"
    )
    files = {"audio/__init__.py": text, "audio/version.py": "__version__ = '2.1.2+cu121'\n"}
    paper.lay({**files, **TORCH_OF_CUDA_13_2}, {"audio": "2.1.2", "torch": "2.15.0"})
    compile_library(paper.site / f"audio/_audio{SUFFIX}", 'const char *names[] = {"cuda_version"};')
    paper.source("import audio\n")
    assert [(one.kind, one.provider.label) for one in paper.link().breaks] == [(Kind.GATE, "torch 2.15.0")]
