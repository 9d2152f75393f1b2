"""torch's dtypes: by its headers, or by the strings of its library."""

from __future__ import annotations

import pytest

from tests.compiled import compile_library, needs_gcc
from tests.installs import read_with_tree
from tests.link.importing.paper import Paper
from torchlink.catalog.cache import open_cache
from torchlink.link.importing.scalar_types import HEADERS, LIBRARY, is_scalar_type
from torchlink.model.source import Sources
from torchlink.read.native_files import NativeReader
from torchlink.read.sources import SourceFiles, family_of

BEFORE_26 = """
#define AT_FORALL_SCALAR_TYPES_WITH_COMPLEX_AND_QINTS(_) \\
  _(uint8_t, Byte) /* 0 */                               \\
  _(c10::Float8_e5m2, Float8_e5m2) /* 23 */              \\
  _(c10::dummy_uint1_7_t<1>, UInt1) /* 30 */             \\
"""
SINCE_26 = BEFORE_26 + "  _(c10::dummy_int1_7_t<1>, Int1) /* 37 */ \\\n"
NAMES = 'const char *names[] = {"uint1", "float8_e5m2"};'


def _sources(paper: Paper) -> Sources:
    _, tree = read_with_tree(paper.prefix)
    return SourceFiles(tree, family_of(NativeReader(), tree.native_libraries()), open_cache(None, "test"))


@pytest.mark.parametrize("header", HEADERS)
def test_the_headers_decide(paper: Paper, header: str) -> None:
    paper.lay({f"old/{header}": BEFORE_26, f"new/{header}": SINCE_26})
    sources = _sources(paper)
    old, new = str(paper.site / "old"), str(paper.site / "new")
    assert [is_scalar_type(sources, old, name) for name in ("uint1", "int1", "float8_e5m2")] == [True, False, True]
    assert [is_scalar_type(sources, new, name) for name in ("uint1", "int1", "compiler")] == [True, True, False]


def test_old_tensor_types_are_put_together(paper: Paper) -> None:
    paper.lay({f"torch/{HEADERS[0]}": BEFORE_26})
    package, sources = str(paper.site / "torch"), _sources(paper)
    assert [is_scalar_type(sources, package, name) for name in ("ByteTensor", "Int1Tensor")] == [True, False]


def test_tensor_types_of_a_device(paper: Paper) -> None:
    paper.lay({f"torch/{HEADERS[0]}": BEFORE_26, "torch/__init__.py": "", "torch/cuda/__init__.py": ""})
    paper.source("import torch.cuda\nx = torch.cuda.ByteTensor\ny = torch.cuda.Int1Tensor\n")
    assert paper.link().targets == ["torch.cuda.Int1Tensor"]


@needs_gcc
def test_without_headers_the_end_of_a_name_may_be_one(paper: Paper) -> None:
    library = paper.site / "torch" / LIBRARY
    library.parent.mkdir(parents=True)
    compile_library(library, NAMES)
    sources = _sources(paper)
    package = str(paper.site / "torch")
    assert [is_scalar_type(sources, package, name) for name in ("uint1", "int1", "int2")] == [True, True, False]


def test_a_package_with_neither_has_none(paper: Paper) -> None:
    paper.lay({"a/__init__.py": ""})
    assert not is_scalar_type(_sources(paper), str(paper.site / "a"), "uint1")
