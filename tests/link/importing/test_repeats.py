"""Calls that a module makes again and again: what is not followed any more is not taken for known."""

from __future__ import annotations

import pytest

from tests.link.importing.paper import Paper, numbered
from torchlink.link.importing.repeats import MOST_FOLLOWED

MANY = 3 * MOST_FOLLOWED
REGISTER = "REGISTRY = {}\ndef register(f):\n    REGISTRY[f.__name__] = f\n    return f\n"
FUNCTIONS = "".join(numbered(MANY, "@register\ndef f{0}(): return {0}\n"))

SOUND = {
    "a registry holds more than is known": f"import a\nif 'f{MANY - 1}' not in a.REGISTRY:\n    import nothing\n",
    "and its items are not all known": f"import a\nif len(a.REGISTRY) != {MANY}:\n    import nothing\n",
    "what comes late is there": f"from a import f{MANY - 1}\nfrom a import f0\n",
}


@pytest.mark.parametrize("source", SOUND.values(), ids=SOUND.keys())
def test_nothing_false_is_said(paper: Paper, source: str) -> None:
    paper.lay({"a.py": REGISTER + FUNCTIONS})
    paper.source(source)
    assert paper.truth() == ""
    assert paper.link().targets == []


COUNTING = {
    "a global": "n = 0\ndef count(f):\n    global n\n    n += 1\n    return f\ndef total(): return n\n",
    "a variable of the enclosing function": "def make():\n    n = 0\n    def count(f):\n        nonlocal n\n"
    "        n += 1\n        return f\n    def total(): return n\n    return count, total\ncount, total = make()\n",
}


@pytest.mark.parametrize("source", COUNTING.values(), ids=COUNTING.keys())
def test_a_variable_that_each_call_binds_anew_is_not_known(paper: Paper, source: str) -> None:
    paper.lay({"a.py": source + "".join(numbered(MANY, "@count\ndef f{0}(): return {0}\n"))})
    paper.source(f"import a\nif a.total() != {MANY}:\n    import nothing\n")
    assert paper.truth() == ""
    assert paper.link().targets == []
    paper.source(f"import a\nif a.total() == {MANY}:\n    import nothing\n")
    assert paper.link().targets == []


def test_a_decorator_that_gives_back_its_function_still_does(paper: Paper) -> None:
    paper.lay({"a.py": REGISTER + FUNCTIONS})
    paper.source(f"import a\nif a.f{MANY - 1}() == {MANY - 1}:\n    import nothing\n")
    assert "nothing" in paper.truth()
    assert paper.link().targets == ["nothing"]


FOLLOWED = {
    "imports": "import importlib\ndef load(n):\n    importlib.import_module(f'p{n}')\n"
    + "".join(numbered(MANY, "load({0})\n")),
    "asks by text": "import p0\ndef ask(n):\n    getattr(p0, f'x{n}')\n" + "".join(numbered(MANY, "ask({0})\n")),
    "answers": f"def has(n):\n    return n < {MANY}\n"
    + "".join(numbered(MANY, "if not has({0}):\n    pass\n"))
    + f"if has({MANY - 1}):\n    import p{MANY - 1}\n",
    "binds names": "def bind(n):\n    globals()[f'x{n}'] = n\n"
    + "".join(numbered(MANY, "bind({0})\n"))
    + f"import p0\nif x{MANY - 1} == {MANY - 1}:\n    import p{MANY - 1}\n",
    "fails": "def fail(n):\n    raise ImportError(n)\n"
    + "".join(numbered(MANY, "try:\n    fail({0})\nexcept ImportError:\n    x{0} = 1\n"))
    + f"if x{MANY - 1} == 1:\n    import p{MANY - 1}\n",
}


@pytest.mark.parametrize("source", FOLLOWED.values(), ids=FOLLOWED.keys())
def test_a_function_that_does_more_is_followed_each_time(paper: Paper, source: str) -> None:
    paper.lay(dict(numbered_modules(MANY - 1)))
    paper.source(source)
    assert f"{MANY - 1}" in paper.truth()
    assert paper.link().targets in ([f"p{MANY - 1}"], [f"p0.x{MANY - 1}"])


def numbered_modules(count: int) -> list[tuple[str, str]]:
    names = "".join(numbered(count, "x{0} = 1\n"))
    return [(f"p{number}.py", names) for number in range(count)]


def test_names_for_a_star_are_open(paper: Paper) -> None:
    text = "import sys\n__all__ = []\ndef public(f):\n    __all__.append(f.__name__)\n    return f\n"
    paper.lay({"a.py": text + "".join(numbered(MANY, "@public\ndef f{0}(): return {0}\n"))})
    paper.source({"b.py": "from a import *\n", "main.py": f"from b import f{MANY - 1}\n"})
    assert paper.truth() == ""
    assert paper.link().targets == []


def test_each_module_counts_for_itself(paper: Paper) -> None:
    """The list that a decorator of another package adds to is a new one in each module."""
    paper.lay(
        {
            "tools.py": "import sys\ndef public(f):\n"
            "    sys.modules[f.__module__].__dict__.setdefault('__all__', []).append(f.__name__)\n    return f\n",
            "a.py": "from tools import public\n" + "".join(numbered(MANY, "@public\ndef f{0}(): return {0}\n")),
            "b.py": "from tools import public\n@public\ndef late(): return 1\n",
        }
    )
    paper.source({"main.py": "import a\nfrom b import *\nif late() == 1:\n    import nothing\n"})
    assert "nothing" in paper.truth()
    assert paper.link().targets == ["nothing"]


def test_what_changes_nothing_counts_for_all_modules(paper: Paper) -> None:
    """What it gives back is known for the first modules, and is not asked for after that."""
    paper.lay({"tools.py": "def one(f):\n    def g(): return 1\n    return g\n"})
    few = "from tools import one\n" + "".join(numbered(MOST_FOLLOWED // 2, "@one\ndef f{0}(): return {0}\n"))
    paper.lay({f"m{number}.py": few for number in range(5)})
    paper.source("import m0, m1, m2, m3, m4\nif m4.f3() == 1:\n    import nothing\nif m1.f3() == 1:\n    import no\n")
    assert "nothing" in paper.truth()
    assert paper.link().targets == ["no"]


def test_what_fails_in_one_module_is_followed_in_all(paper: Paper) -> None:
    paper.lay({"tools.py": "def check(n):\n    if n > 40:\n        raise ImportError(n)\n"})
    paper.lay({"a.py": "from tools import check\ntry:\n    check(41)\nexcept ImportError:\n    pass\n"})
    paper.lay({"b.py": "from tools import check\n" + "".join(numbered(MOST_FOLLOWED, "check({0})\n"))})
    paper.source("import a, b\nfrom tools import check\ntry:\n    check(42)\nexcept ImportError:\n    import nothing\n")
    assert "nothing" in paper.truth()
    assert paper.link().targets == ["nothing"]


def test_later_calls_are_not_followed(paper: Paper) -> None:
    paper.lay({"a.py": REGISTER + FUNCTIONS})
    paper.source(
        f"import a\nif len(a.REGISTRY) == {MANY}:\n    import nothing\nif 'f0' in a.REGISTRY:\n    import no\n"
    )
    assert "nothing" in paper.truth()
    assert paper.link().targets == ["no"]
