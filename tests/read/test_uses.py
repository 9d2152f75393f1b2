"""What a file uses, and what can be read of the arguments."""

from __future__ import annotations

import json
import textwrap

from hypothesis import given
from hypothesis import strategies as st

from torchlink.model.uses import UNKNOWN, Call, Constant, FileUses, Form, Items, Name, Needle, Part, Table, Use
from torchlink.read.use_values import MAX_SIZE
from torchlink.read.uses import mentions, read_uses


def read(source: str, path: str = "/project/train.py") -> FileUses:
    found = read_uses(path, "train", textwrap.dedent(source).encode())
    assert not found.problem
    return found


def calls(source: str, name: str) -> list[Use]:
    return [
        use
        for use in read(source).uses
        if use.form is Form.CALL and isinstance(use.value, Call) and use.value.callee == Name(name)
    ]


def call(source: str, name: str = "torch.load") -> Call:
    (use,) = calls(source, name)
    assert isinstance(use.value, Call)
    return use.value


def test_a_call_is_known_by_its_full_name_however_it_is_imported() -> None:
    for line in (
        "import torch as t; t.load(p)",
        "from torch import load; load(p)",
        "from torch import load as l; l(p)",
    ):
        assert call(line).positional
    assert call("import torch\ngrab = torch.load\ngrab('x')").positional == (Constant("x"),)
    assert call("import torch\ngetattr(torch, 'load')('x')").positional == (Constant("x"),)


def test_a_name_of_another_package_is_not_taken_for_it() -> None:
    assert calls("import json\njson.load(f)", "torch.load") == []
    assert calls("import torch\ndef f(torch):\n    torch.load(p)", "torch.load") == []


def test_keywords_are_followed_into_a_dict() -> None:
    source = """
        import torch
        options = {"map_location": "cpu"}
        options["weights_only"] = True
        torch.load("x", **options)
    """
    assert call(source).keywords == (("map_location", Constant("cpu")), ("weights_only", Constant(True)))


def test_a_dict_that_a_branch_changes_is_not_known() -> None:
    source = """
        import torch
        options = {}
        if torch.__version__ > "2.6":
            options["weights_only"] = False
        torch.load("x", **options)
    """
    assert call(source).keywords == ()
    assert call(source).rest == (UNKNOWN,)


def test_a_partial_function_is_the_function_with_its_arguments() -> None:
    source = """
        import functools, torch
        read = functools.partial(torch.load, weights_only=True, map_location="cuda")
        read("x", map_location="cpu")
    """
    assert call(source).keywords == (("weights_only", Constant(True)), ("map_location", Constant("cpu")))


def test_a_part_of_a_result_knows_where_it_comes_from() -> None:
    source = """
        import torch
        checkpoint = torch.load("x")
        torch.set_rng_state(checkpoint["rng"])
    """
    (value,) = call(source, "torch.set_rng_state").positional
    assert isinstance(value, Part)
    assert isinstance(value.of, Call)
    assert value.of.callee == Name("torch.load")


def test_what_init_binds_is_known_in_the_methods() -> None:
    source = """
        import torch
        class Run:
            def go(self):
                torch.load(self.path)
            def __init__(self):
                self.path = "best.pt"
    """
    assert call(source).positional == (Constant("best.pt"),)


def test_what_stands_around_a_use_is_told() -> None:
    source = """
        import torch
        def f(p):
            try:
                if new:
                    return torch.load(p)
            except OSError:
                return torch.load(p)
    """
    first, second = calls(source, "torch.load")
    assert first.function == "train.f"
    assert (first.caught, first.tests, first.conditional) == (frozenset({"OSError"}), frozenset({"new"}), True)
    assert second.caught == frozenset({"BaseException"})


def test_what_follows_a_branch_that_leaves_stands_under_its_condition() -> None:
    source = """
        import torch
        def f(p):
            if torch.__version__ >= "2.6":
                return torch.load(p, weights_only=False)
            return torch.load(p)
    """
    assert all("__version__" in use.tests for use in calls(source, "torch.load"))


def test_a_loop_forgets_what_it_binds() -> None:
    source = """
        import torch
        path = "a"
        for name in names:
            torch.load(path)
            path = name
    """
    assert call(source).positional == (UNKNOWN,)


def test_setting_an_attribute_of_another_module_is_told() -> None:
    source = "import os, torch\ntorch.load = mine\nos.environ['FLAG'] = '1'\n"
    set_ = [use.value for use in read(source).uses if use.form is Form.ASSIGN]
    assert set_ == [Name("torch.load"), Name("os.environ.FLAG")]


def test_columns_count_characters() -> None:
    (use,) = calls("import torch\nx = 'é'; torch.load(x)", "torch.load")
    assert (use.line, use.column) == (2, 10)


def test_a_table_gives_its_last_value() -> None:
    assert Table(((Constant("a"), Constant(1)), (Constant("a"), Constant(2)))).get("a") == Constant(2)


def test_cells_of_a_notebook_are_counted() -> None:
    cells = [
        {"cell_type": "markdown", "source": "# Title"},
        {"cell_type": "code", "source": "import torch\n"},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "torch.load('x')"]},
    ]
    found = read_uses("/p/a.ipynb", "a", json.dumps({"cells": cells}).encode())
    assert found.cells == (-1, 0, 2)
    assert [use.line for use in found.uses if use.form is Form.CALL] == [4]


def test_the_cheap_pass_knows_the_usual_ways_of_writing() -> None:
    names = (Needle(frozenset({"torch.load", "numpy.float_", "torchvision.transforms.functional_tensor"})),)
    for yes in (
        b"import torch\ntorch.load(p)",
        b"\nfrom torch import (\n    nn,\n    load,\n)",
        b"import numpy as np\nx = np.float_",
        b"\nfrom torchvision.transforms.functional_tensor import rgb_to_grayscale",
        b"import torchvision.transforms.functional_tensor as f",
    ):
        assert mentions(yes, names), yes
    for no in (b"import torch, json\njson.load(p)", b"np.float_", b"import numpy as np\nnp.float64"):
        assert not mentions(no, names), no


def test_what_documentation_alone_mentions_is_not_used() -> None:
    names = (Needle(frozenset({"numpy.NaN"})),)
    for no in (b"import numpy as np\n'such as :attr:`numpy.NaN`'", b"import numpy as np\n  # np.NaN is gone\n"):
        assert not mentions(no, names), no
    for yes in (
        b"import numpy as np\n'such as :attr:`numpy.NaN`'\nnp.NaN",
        b"import numpy as np\nx = '#'; np.NaN\n",
        b"import numpy as np\nnp.NaN",
        b"import numpy as np\n# a comment\nx = np.NaN # another\n",
    ):
        assert mentions(yes, names), yes


@given(st.text(alphabet="tor.chload()[]{}=*:\n \t'\"#,if", max_size=200))
def test_reading_never_raises(source: str) -> None:
    read_uses("/p/a.py", "a", source.encode())
    read_uses("/p/a.ipynb", "a", source.encode())


def test_what_cannot_be_parsed_has_a_problem() -> None:
    for source in (b"def", b"\0", b"x = " + b"(" * 300, b"x = " + b"-" * 100_000 + b"1"):
        assert read_uses("/p/a.py", "a", source).problem


def test_values_stay_small() -> None:
    source = "a = [1, 1]\n" + "a = [a, a]\n" * 60 + "import torch\ntorch.load(a)\n"
    (value,) = call(source).positional
    assert isinstance(value, Items)
    assert value.size <= MAX_SIZE
