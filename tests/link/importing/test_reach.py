# ruff: noqa: E501 - some cases are one line
"""What is reached, by which chain, and who is at fault when one failure takes others with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.compiled import compile_library, needs_gcc
from tests.installs import install, write
from tests.link.importing.paper import Answer, Paper
from torchlink.link.cause import group
from torchlink.model.finding import Finding
from torchlink.model.reference import Kind, Severity
from torchlink.pipeline import check

SHELF = {"shelf/__init__.py": "book = 1\n"}


def findings(paper: Paper, answer: Answer) -> tuple[Finding, ...]:
    names = [path.name.partition("-")[0] for path in paper.site.glob("*.dist-info")]
    return group([answer.links], owners={name: name for name in names})


def test_a_project_without_source_reaches_all_that_is_installed(paper: Paper) -> None:
    paper.lay({"data/__init__.py": "from shelf import gone\n", **SHELF})
    paper.source({"requirements.txt": "data\n"})
    assert paper.link().targets == ["shelf.gone"]
    assert paper.link(asked={"data"}).targets == ["shelf.gone"]
    assert paper.link(asked={"shelf"}).targets == []


def test_the_chain_tells_the_way(paper: Paper) -> None:
    paper.lay(
        {
            "train/__init__.py": "\nfrom . import loop\n",
            "train/loop.py": "import os\n\nfrom data.load import read\n",
            "data/__init__.py": "",
            "data/load.py": "x = 1\nfrom shelf import gone\n",
            **SHELF,
        }
    )
    paper.source("import sys\n\nimport train\n")
    (broken,) = paper.link().breaks
    assert broken.chain == ("main.py:3", "train", "data/load.py:2")
    assert (broken.needer.name, broken.provider.label, broken.target) == ("data", "shelf 1.0", "shelf.gone")
    assert broken.symptom == "ImportError: cannot import name 'gone' from 'shelf'"
    assert broken.evidence[0].artifact == "data/load.py:2"


def test_modules_are_reached_with_their_chain(paper: Paper) -> None:
    paper.lay({"a/__init__.py": "from . import b\n", "a/b.py": "", "a/c.py": "", "d.py": ""})
    paper.source("import os\nimport a\n")
    reach = paper.link().reach
    assert reach.modules["a"] == ("main.py:2",)
    assert reach.modules["a.b"] == ("main.py:2", "a/__init__.py:1")
    assert reach.modules["main"] == ()
    assert not {"a.c", "d"} & reach.modules.keys()


def test_who_passes_a_failure_on_is_affected_and_not_at_fault(paper: Paper) -> None:
    paper.lay(
        {
            "quant/__init__.py": "import tensor\nX = tensor.int1\n",
            "tensor/__init__.py": "int8 = 1\n",
            "models/__init__.py": "",
            "models/bert.py": "try:\n    import quant\nexcept ImportError:\n    quant = None\n",
            "serve/__init__.py": "from models.bert import quant\n",
        }
    )
    paper.source("import serve\n")
    assert paper.truth().startswith("AttributeError: module 'tensor' has no attribute 'int1'")
    (finding,) = findings(paper, paper.link())
    assert (finding.needer.name, finding.provider.name, finding.severity) == ("quant", "tensor", Severity.BREAK)
    assert set(finding.affects) == {"models", "serve"}
    assert not {"models", "serve"} & set(finding.culprits)


def test_one_cause_that_two_packages_meet_is_one_finding(paper: Paper) -> None:
    files = {"bad.py": "from shelf import gone\n", "a.py": "import bad\n", "b.py": "import bad\n", **SHELF}
    paper.lay(files)
    paper.source({"one.py": "import a\n", "two.py": "import b\n", "three.py": "import bad\n"})
    (finding,) = findings(paper, paper.link())
    assert (finding.needer.name, finding.provider.name) == ("bad", "shelf")


def test_every_file_of_a_project_is_an_entry(paper: Paper) -> None:
    paper.lay(SHELF)
    paper.source(
        {"one.py": "from shelf import gone1\n", "two.py": "from shelf import gone2\n", "three.py": "import one\n"}
    )
    assert set(paper.link().targets) == {"shelf.gone1", "shelf.gone2"}


def test_what_the_projects_functions_call_is_reached(paper: Paper) -> None:
    paper.lay({"a/__init__.py": "def go():\n    from . import late\n", "a/late.py": "import nothing\n"})
    paper.source("import a\ndef main():\n    a.go()\nclass C:\n    def run(self):\n        a.go()\n")
    answer = paper.link()
    assert set(answer.targets) == {"nothing"}
    assert answer.breaks[0].chain[0].startswith("main.py:")


def test_what_the_projects_functions_may_call_is_no_break(paper: Paper) -> None:
    paper.lay({"a/__init__.py": "def go():\n    import nothing\n"})
    paper.source(
        "import a\ndef main(flag):\n    if flag:\n        a.go()\n    try:\n        a.go()\n    except ImportError:\n        pass\n"
    )
    assert paper.link().targets == []


def test_packages_without_a_project_are_entries_themselves(paper: Paper) -> None:
    paper.lay({"a/__init__.py": "import nothing\n", "b.py": "import a\n", "_private.py": "import nothing2\n"})
    answer = paper.link(project=False)
    assert set(answer.targets) == {"nothing"}


def test_the_projects_own_packages_and_folders(paper: Paper) -> None:
    paper.lay(SHELF)
    paper.source(
        {
            "src/pkg/__init__.py": "from .inner import x\nfrom pkg import inner\n",
            "src/pkg/inner.py": "from shelf import book as x\n",
            "scripts/run.py": "import helper\nimport pkg\n",
            "scripts/helper.py": "",
        }
    )
    assert paper.link().targets == []


def test_sys_path_edits_of_an_entry_point(paper: Paper) -> None:
    text = (
        "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'third_party'))\n"
        "sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'venv'))\nimport extra\nimport far\n"
    )
    paper.source({"main.py": text, "third_party/extra/__init__.py": "", "venv/far.py": ""})
    assert paper.truth() == ""
    assert paper.link().targets == []


def test_an_editable_finder_maps_names(paper: Paper, tmp_path: Path) -> None:
    write(tmp_path / "work", {"tool/__init__.py": "from . import part\n", "tool/part.py": "import nothing\n"})
    finder = f"MAPPING: dict[str, str] = {{'tool': {str(tmp_path / 'work/tool')!r}}}\nNAMESPACES = {{}}\ndef install(): pass\n"
    files = {
        "__editable__.tool-1.0.pth": "import __editable___tool_1_0_finder; __editable___tool_1_0_finder.install()\n",
        "__editable___tool_1_0_finder.py": finder,
    }
    url = '{"url": "file:///work", "dir_info": {"editable": true}}'
    install(paper.site, "tool", "1.0", files=files, extra_metadata={"direct_url.json": url, "top_level.txt": "tool\n"})
    paper.source("import tool.part\n")
    (broken,) = paper.link().breaks
    assert (broken.target, broken.chain[0]) == ("nothing", "main.py:1")


def test_a_package_that_shadows_the_standard_library(paper: Paper) -> None:
    paper.lay({"dataclasses/__init__.py": "old = 1\n", "a.py": "from dataclasses import dataclass\n"})
    paper.source("import a\nfrom dataclasses import field\n")
    assert paper.truth() == ""
    assert paper.link().targets == []


@pytest.mark.parametrize("name", ["random.py", "shelf.py"])
def test_a_file_of_the_project_is_taken_first(paper: Paper, name: str) -> None:
    paper.lay({"a.py": f"from {name[:-3]} import gone_here\n", **SHELF})
    paper.source({"main.py": "import a\n", name: "own = 1\n"})
    assert paper.truth().startswith("ImportError")
    assert paper.link().targets == [f"{name[:-3]}.gone_here"]


OPS = """import os
class _OpNamespace: pass
class _Ops:
    def __getattr__(self, name):
        raise AttributeError(name)
    def load_library(self, path):
        import ctypes
        ctypes.CDLL(path)
ops = _Ops()
"""


@needs_gcc
@pytest.mark.parametrize(
    ("loading", "kinds"),
    [
        ("torch.ops.load_library(path)\n", [Kind.SYMBOL]),
        ("try:\n    torch.ops.load_library(path)\nexcept OSError:\n    pass\n", []),
        ("try:\n    torch.ops.load_library(path)\nexcept OSError:\n    pass\n@torch.library.register_fake('vision::nms')\ndef nms(x): pass\n", [Kind.SYMBOL]),
        ("try:\n    torch.ops.load_library(path)\nexcept OSError:\n    pass\nx = torch.ops.vision.nms\n", [Kind.SYMBOL]),
        ("import ctypes\nctypes.CDLL(path)\n", [Kind.SYMBOL]),
        ("def lazy():\n    torch.ops.load_library(path)\n", []),
    ],
)  # fmt: skip
def test_operators_of_a_library_that_does_not_load(paper: Paper, loading: str, kinds: list[Kind]) -> None:
    paper.lay(
        {
            "torch/__init__.py": "from ._ops import ops\nfrom . import library\n",
            "torch/_ops.py": OPS,
            "torch/library.py": "def register_fake(name):\n    return lambda f: f\n",
            "vision/__init__.py": f"import os, torch\npath = os.path.join(os.path.dirname(__file__), '_C.so')\n{loading}",
        }
    )
    operator = 'const char *names[] = {"vision::nms", "nms"};'
    compile_library(paper.site / "vision/_C.so", f"{operator} void gone(void); void f(void) {{ gone(); }}")
    paper.source("import vision\n")
    answer = paper.link()
    assert [broken.kind for broken in answer.breaks] == kinds
    if not kinds and "lazy" not in loading:
        assert [broken.kind for broken in answer.risks] == [Kind.SYMBOL]


@needs_gcc
def test_an_extension_module_that_does_not_load(paper: Paper) -> None:
    paper.lay(
        {
            "fast/__init__.py": "from . import _C\n",
            "user.py": "try:\n    import fast\nexcept ImportError:\n    fast = None\n",
        }
    )
    compile_library(paper.site / "fast/_C.so", "void gone(void); void PyInit__C(void) { gone(); }")
    paper.source("import fast\n")
    assert paper.truth().startswith("ImportError")
    assert [broken.kind for broken in paper.link().breaks] == [Kind.SYMBOL]
    paper.source("import user\n")
    assert paper.link().targets == []


def test_environment_variables_that_decide_are_told(paper: Paper) -> None:
    paper.lay({"a.py": "import os\nif os.environ.get('USE_FAST', '0') == '1':\n    import nothing\n"})
    paper.source("import a\n")
    assert paper.link().targets == []
    paper.variables["USE_FAST"] = "1"
    assert paper.link().targets == ["nothing"]


def test_the_whole_check_says_the_same(paper: Paper) -> None:
    paper.lay({"a/__init__.py": "from . import b\n", "a/b.py": "from shelf import gone\n", **SHELF})
    paper.source("import a\n")
    report = check(paper.project, python=paper.prefix, cache=False)
    (finding,) = report.findings
    assert (finding.kind, finding.severity, finding.needer.name) == (Kind.IMPORT, Severity.BREAK, "a")
    assert finding.reached_from[0].startswith("main.py:1")
    assert not list(paper.prefix.rglob("__pycache__"))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="its standard library has distutils")
def test_distutils_of_setuptools_finds_what_setuptools_brings_with_it(paper: Paper) -> None:
    """As in setuptools 81 under Python 3.12: ``import setuptools`` puts its ``_vendor`` folder on the path."""
    paper.lay(
        {
            "_distutils_hack/__init__.py": "",
            "setuptools/__init__.py": "import os, sys\nsys.path.extend([os.path.join(os.path.dirname(__file__), '_vendor')])\n",
            "setuptools/_distutils/__init__.py": "",
            "setuptools/_distutils/log.py": "from vendored import splat, gone\n",
            "setuptools/_vendor/vendored.py": "splat = 1\n",
        }
    )
    paper.source("import distutils.log\n")
    assert paper.link().targets == ["vendored.gone"]


BRINGS = {"box/inner/tvm.py": "here = 1\n", "user.py": "import box\nfrom tvm import here\nfrom gone import it\n"}
DESCRIPTOR = (
    "import os, sys\nclass Setting:\n    def __init__(self, key):\n        self.key = key\n"
    "    def __get__(self, instance, owner):\n        return os.environ.get(self.key)\n"
    "class Settings:\n    folder = Setting('BOX_FOLDER')\nsettings = Settings()\n"
)


@pytest.mark.parametrize(
    ("source", "targets"),
    [
        # As tilelang 0.1.12 has it: a setting decides, by a descriptor, whether its own folder is put on the path.
        (
            f"{DESCRIPTOR}inner = os.path.join(os.path.dirname(__file__), 'inner')\n"
            "if settings.folder is not None:\n    sys.path.insert(0, settings.folder)\nelse:\n"
            "    sys.path.insert(0, inner)\nimport tvm\n",
            ["gone"],
        ),
        (
            f"{DESCRIPTOR}def prepend(folder):\n    sys.path.insert(0, folder)\n"
            "if settings.folder is None:\n    prepend(os.path.join(os.path.dirname(__file__), 'inner'))\nimport tvm\n",
            ["tvm"],
        ),
        (f"{DESCRIPTOR}sys.path.insert(0, settings.folder or '/nowhere')\nimport unheard_of\n", ["tvm"]),
        ("import sys, random\nif random.random() > 2:\n    sys.path.append('/nowhere')\n", ["tvm"]),
    ],
)
def test_folders_that_are_perhaps_on_the_path(paper: Paper, source: str, targets: list[str]) -> None:
    paper.lay({"box/__init__.py": source, **BRINGS})
    paper.source("import user\n")
    assert paper.link().targets == targets


def test_a_folder_that_cannot_be_told_leaves_its_package_undecided(paper: Paper) -> None:
    paper.lay(
        {"box/__init__.py": f"{DESCRIPTOR}sys.path.insert(0, settings.folder or '/nowhere')\nimport unheard_of\n"}
    )
    paper.source("import box\n")
    answer = paper.link()
    assert answer.targets == []
    assert answer.reasons == ["unheard_of may lie in a folder that box puts on sys.path, which cannot be told"]


@pytest.mark.parametrize(
    ("files", "targets"),
    [({}, []), ({"box/_gpu_build.py": ""}, ["libgone"])],
)
def test_a_package_that_asks_whether_it_has_a_module_of_its_own(
    paper: Paper, files: dict[str, str], targets: list[str]
) -> None:
    """As faiss-cpu 1.15.1 does: the file is there in builds for GPUs alone."""
    text = (
        "def preload():\n    try:\n        from . import _gpu_build\n    except ImportError:\n        return\n"
        "    import libgone\npreload()\n"
    )
    paper.lay({"box/__init__.py": text, **files})
    paper.source("import box\n")
    assert paper.truth().startswith("ModuleNotFoundError") is bool(targets)
    assert paper.link().targets == targets
