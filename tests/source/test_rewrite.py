"""Edits of a file: what is asked for is done, and everything else stays byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchlink.model.edits import SourceEdit
from torchlink.source.rewrite import rewrite


def edit(line: int = 2, column: int = 1, **parts: object) -> SourceEdit:
    return SourceEdit(path="a.py", line=line, column=column, rule="r", summary="s", **parts)  # type: ignore[arg-type]


def rewritten(source: str, *edits: SourceEdit) -> str:
    after, undone = rewrite(source.encode(), edits)
    assert undone == ()
    return after.decode()


ADD = (("weights_only", "True"),)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("torch.load(p)", "torch.load(p, weights_only=True)"),
        ("torch.load( p )  # kept", "torch.load( p, weights_only=True )  # kept"),
        ("torch.load(p, weights_only=False)", "torch.load(p, weights_only=True)"),
        ("torch.load(p, **more)", "torch.load(p, weights_only=True, **more)"),
        ("torch.load(p)['a'].cuda()", "torch.load(p, weights_only=True)['a'].cuda()"),
        (
            "torch.load(\n    p,  # ours\n    'cpu',\n)",
            "torch.load(\n    p,  # ours\n    'cpu',\n    weights_only=True,\n)",
        ),
        ("torch.load(\n    p, 'cpu'\n)", "torch.load(\n    p, 'cpu', weights_only=True\n)"),
    ],
)
def test_an_argument_is_added_or_set(before: str, after: str) -> None:
    assert rewritten(f"import torch\n{before}\n", edit(add=ADD)) == f"import torch\n{after}\n"


def test_only_the_call_at_the_place_is_edited() -> None:
    source = "import torch\nx = torch.load(torch.load(p))\n"
    assert (
        rewritten(source, edit(column=16, add=ADD))
        == "import torch\nx = torch.load(torch.load(p, weights_only=True))\n"
    )


def test_arguments_are_renamed_and_left_out() -> None:
    source = "import x\nx.f(a, verbose=True, old=1)\n"
    assert rewritten(source, edit(drop=("verbose",), rename=(("old", "new"),))) == "import x\nx.f(a, new=1)\n"


def test_the_last_argument_is_left_out() -> None:
    assert rewritten("import x\nx.f(a, verbose=True)\n", edit(drop=("verbose",))) == "import x\nx.f(a)\n"
    assert rewritten("import x\nx.f(verbose=True)\n", edit(drop=("verbose",))) == "import x\nx.f()\n"


def test_what_is_called_is_exchanged() -> None:
    moved = edit(name="torch.cuda.amp.autocast", call="torch.amp.autocast", first='"cuda"')
    assert (
        rewritten("import torch as t\nt.cuda.amp.autocast()\n", moved) == 'import torch as t\nt.amp.autocast("cuda")\n'
    )


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        ("numpy.float_", "numpy.float64", "np.float_(1)", "np.float64(1)"),
        ("numpy.float", "float", "np.float(1)", "float(1)"),
        ("numpy.NINF", "-numpy.inf", "np.NINF * 2", "(-np.inf) * 2"),
        ("numpy.PZERO", "0.0", "np.PZERO", "0.0"),
        ("numpy.AxisError", "numpy.exceptions.AxisError", "np.AxisError", "np.exceptions.AxisError"),
    ],
)
def test_a_name_is_exchanged(old: str, new: str, before: str, after: str) -> None:
    source = f"import numpy as np\n{before}\n"
    assert rewritten(source, edit(name=old, replacement=new)) == f"import numpy as np\n{after}\n"


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        ("numpy.in1d", "numpy.isin", "from numpy import in1d, ones", "from numpy import isin as in1d, ones"),
        ("numpy.in1d", "numpy.isin", "from numpy import in1d as f", "from numpy import isin as f"),
        ("a.old", "a.new", "from a.old import x", "from a.new import x"),
        ("a.old", "a.new", "import a.old as x", "import a.new as x"),
        ("a.B", "c.d.B", "from a import B", "from c.d import B"),
    ],
)
def test_an_import_is_edited_and_its_name_stays(old: str, new: str, before: str, after: str) -> None:
    assert rewritten(f"#\n{before}\n", edit(name=old, replacement=new)) == f"#\n{after}\n"


@pytest.mark.parametrize(
    ("source", "one"),
    [
        ("from a import B, C", edit(1, 1, name="a.B", replacement="c.B")),
        ("import a.old", edit(1, 1, name="a.old", replacement="a.new")),
        ("x.f(a)", edit(1, 1, drop=("verbose",))),
        ("x.f(a)", edit(1, 3, add=(("a", "1"),))),
        ("from . import old", edit(1, 1, name="a.old", replacement="a.new")),
    ],
)
def test_what_cannot_be_edited_stays_and_is_told(source: str, one: SourceEdit) -> None:
    assert rewrite(source.encode(), [one]) == (source.encode(), (one,))


def test_a_statement_stands_in_its_allow_list() -> None:
    one = edit(3, 9, add=(("weights_only", "True"),), allow=("Namespace",), imports=("from argparse import Namespace",))
    source = "import torch\ndef f(p):\n    x = torch.load(p)\n    return x\n"
    wanted = (
        "import torch\nfrom argparse import Namespace\n\ndef f(p):\n"
        "    with torch.serialization.safe_globals([Namespace]):\n"
        "        x = torch.load(p, weights_only=True)\n    return x\n"
    )
    assert rewritten(source, one) == wanted


def test_a_long_list_goes_over_lines() -> None:
    entries = tuple(f"package.module.ClassNumber{number}" for number in range(4))
    after = rewritten("import torch\ntorch.load(p)\n", edit(allow=entries))
    compile(after, "a.py", "exec")
    assert max(map(len, after.splitlines())) < 60


def test_a_bare_function_brings_its_module() -> None:
    after = rewritten("from torch import load\nx = load(p)\n", edit(2, 5, allow=("int",)))
    assert "import torch\n" in after
    assert "with torch.serialization.safe_globals([int]):\n    x = load(p)\n" in after


def test_a_header_is_not_put_into_a_with() -> None:
    source = b"import torch\nfor x in torch.load(p):\n    print(x)\n"
    one = edit(2, 10, allow=("int",))
    assert rewrite(source, [one]) == (source, (one,))


@pytest.mark.parametrize("source", [b"def", b"\xff\xfe", b"print 1", b"x = " + b"(" * 3000])
def test_what_does_not_parse_is_an_error(source: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        rewrite(source, [edit()])


@given(st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "# é\n", '"""doc"""\n', "\ufeff"]), st.booleans())
def test_the_rest_stays_byte_for_byte(newline: str, head: str, final: bool) -> None:
    tail = "" if final else "q = [1,\n  2]"
    body = f"{head}import torch\nx = 1 ;y=2\n\n\nz = torch.load( 'é' ) # e\n{tail}"
    source = body.replace("\n", newline).encode()
    line = body[: body.index("z = ")].count("\n") + 1
    after, undone = rewrite(source, [edit(line, 5, add=ADD)])
    assert undone == ()
    assert after == source.replace("'é' )".encode(), "'é', weights_only=True )".encode())
