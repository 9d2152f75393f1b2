"""The whole output for a terminal, at three widths."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inline_snapshot import snapshot
from rich.cells import cell_len

from tests.samples import broken, package, report, sound_report
from torchlink.link.cause import group
from torchlink.model.reference import Links, Undecided
from torchlink.model.report import Verdict
from torchlink.report.terminal import render
from torchlink.report.wording import reasons


def test_60_columns() -> None:
    assert render(report(), width=60, colour=False) == snapshot("""\
  checked /home/ada/demo/.venv
  project /home/ada/demo
  for     Python 3.11.7, linux_x86_64

BREAK     torch 2.1.2+cu121 was built for NumPy 1; numpy
          2.2.6 is installed
  cause   libtorch_python.so knows only
          numpy.core._multiarray_umath, which NumPy 2
          refuses.
  symptom RuntimeError: Numpy is not available
  seen in torch/lib/libtorch_python.so: knows only
          numpy.core._multiarray_umath
  reached train.py:3 → torchvision →
          torchvision/__init__.py:6 → torch
  culprit numpy, torch
  affects torchvision
  id      numpy-abi:torch:numpy

BREAK     torchvision 0.17.0 was built for another torch
          than 2.1.2+cu121
  cause   torchvision/_C.so was built for torch 2.2; torch
          2.1.2 does not export what it needs.
  symptom OSError: torchvision/_C.so: undefined symbol:
          _ZN2at4_ops8op0004callERKNS_6TensorE
  seen in torchvision/_C.so:
          at::_ops::op000::call(at::Tensor const&)
          torchvision/_C.so:
          at::_ops::op001::call(at::Tensor const&)
          torchvision-0.17.0.dist-info/METADATA:
          Requires-Dist: torch==2.2.0
          and 398 more references with this cause
  reached train.py:3 → torchvision →
          torchvision/extension.py:34
  culprit torch, torchvision
  id      symbol:torchvision:torch

RISK      diffusers 0.21.4 requires huggingface-hub<0.26,>=…

Verdict broken: 2 breaks, 1 risk, 1 note.
Looked at 125 distributions, 4,210 reached modules, 502
native libraries, 93,210 references in 1.9 s.
7 references could not be decided, none of them on a reached
path:
  7 × torchaudio/lib/_torchaudio.so: the name of the library
  is computed at run time
1 finding silenced by the project's configuration.
One finding in full: torchlink check --explain
numpy-abi:torch:numpy
""")


def test_100_columns() -> None:
    assert render(report(), width=100, colour=False) == snapshot("""\
  checked /home/ada/demo/.venv
  project /home/ada/demo
  for     Python 3.11.7, linux_x86_64

BREAK     torch 2.1.2+cu121 was built for NumPy 1; numpy 2.2.6 is installed
  cause   libtorch_python.so knows only numpy.core._multiarray_umath, which NumPy 2 refuses.
  symptom RuntimeError: Numpy is not available
  seen in torch/lib/libtorch_python.so: knows only numpy.core._multiarray_umath
  reached train.py:3 → torchvision → torchvision/__init__.py:6 → torch
  culprit numpy, torch
  affects torchvision
  id      numpy-abi:torch:numpy

BREAK     torchvision 0.17.0 was built for another torch than 2.1.2+cu121
  cause   torchvision/_C.so was built for torch 2.2; torch 2.1.2 does not export what it needs.
  symptom OSError: torchvision/_C.so: undefined symbol: _ZN2at4_ops8op0004callERKNS_6TensorE
  seen in torchvision/_C.so: at::_ops::op000::call(at::Tensor const&)
          torchvision/_C.so: at::_ops::op001::call(at::Tensor const&)
          torchvision-0.17.0.dist-info/METADATA: Requires-Dist: torch==2.2.0
          and 398 more references with this cause
  reached train.py:3 → torchvision → torchvision/extension.py:34
  culprit torch, torchvision
  id      symbol:torchvision:torch

RISK      diffusers 0.21.4 requires huggingface-hub<0.26,>=0.20; huggingface-hub 1.2.0 is installed

Verdict broken: 2 breaks, 1 risk, 1 note.
Looked at 125 distributions, 4,210 reached modules, 502 native libraries, 93,210 references in 1.9
s.
7 references could not be decided, none of them on a reached path:
  7 × torchaudio/lib/_torchaudio.so: the name of the library is computed at run time
1 finding silenced by the project's configuration.
One finding in full: torchlink check --explain numpy-abi:torch:numpy
""")


def test_200_columns() -> None:
    assert render(report(), width=200, colour=False) == snapshot("""\
  checked /home/ada/demo/.venv
  project /home/ada/demo
  for     Python 3.11.7, linux_x86_64

BREAK     torch 2.1.2+cu121 was built for NumPy 1; numpy 2.2.6 is installed
  cause   libtorch_python.so knows only numpy.core._multiarray_umath, which NumPy 2 refuses.
  symptom RuntimeError: Numpy is not available
  seen in torch/lib/libtorch_python.so: knows only numpy.core._multiarray_umath
  reached train.py:3 → torchvision → torchvision/__init__.py:6 → torch
  culprit numpy, torch
  affects torchvision
  id      numpy-abi:torch:numpy

BREAK     torchvision 0.17.0 was built for another torch than 2.1.2+cu121
  cause   torchvision/_C.so was built for torch 2.2; torch 2.1.2 does not export what it needs.
  symptom OSError: torchvision/_C.so: undefined symbol: _ZN2at4_ops8op0004callERKNS_6TensorE
  seen in torchvision/_C.so: at::_ops::op000::call(at::Tensor const&)
          torchvision/_C.so: at::_ops::op001::call(at::Tensor const&)
          torchvision-0.17.0.dist-info/METADATA: Requires-Dist: torch==2.2.0
          and 398 more references with this cause
  reached train.py:3 → torchvision → torchvision/extension.py:34
  culprit torch, torchvision
  id      symbol:torchvision:torch

RISK      diffusers 0.21.4 requires huggingface-hub<0.26,>=0.20; huggingface-hub 1.2.0 is installed  (requires:diffusers:huggingface-hub)

Verdict broken: 2 breaks, 1 risk, 1 note.
Looked at 125 distributions, 4,210 reached modules, 502 native libraries, 93,210 references in 1.9 s.
7 references could not be decided, none of them on a reached path:
  7 × torchaudio/lib/_torchaudio.so: the name of the library is computed at run time
1 finding silenced by the project's configuration.
One finding in full: torchlink check --explain numpy-abi:torch:numpy
""")


def test_a_sound_environment() -> None:
    assert render(sound_report(), width=80, colour=False) == snapshot("""\
  checked /home/ada/demo/.venv
  for     Python 3.12.1, linux_x86_64

Verdict sound: every reference that is reached resolves; nothing found.
Looked at 1 distribution, 1 reached module, 0 native libraries, 12 references in
0.2 s.
Nothing was left undecided.
""")


def test_undecided_on_a_reached_path() -> None:
    one = report().undecided[0]
    unknown = (*report().undecided, Undecided(kind=one.kind, artifact="x.so", reason="it is cut short", reached=True))
    undecided = replace(report(), findings=(), verdict=Verdict.UNDECIDED, undecided=unknown, silenced=0)
    assert render(undecided, width=80, colour=False) == snapshot("""\
  checked /home/ada/demo/.venv
  project /home/ada/demo
  for     Python 3.11.7, linux_x86_64

Verdict undecided: nothing is broken, but not everything on a reached path could
be decided; nothing found.
Looked at 125 distributions, 4,210 reached modules, 502 native libraries, 93,210
references in 1.9 s.
7 references could not be decided, 1 of them on a reached path:
  1 × x.so: it is cut short
  7 × torchaudio/lib/_torchaudio.so: the name of the library is computed at run
  time
""")


def test_what_several_files_show_is_said_once_and_long_chains_are_shortened() -> None:
    chain = ("a.py:1", *(f"torch/m{number}.py:1" for number in range(9)))
    files = broken(evidence=(("x/one.so", "knows only NumPy 1"), ("x/two.so", "knows only NumPy 1")), chain=chain)
    shown = render(replace(report(), findings=group([Links(broken=(files,))])), width=120, colour=False)
    assert "seen in x/one.so\n          x/two.so\n          each: knows only NumPy 1\n" in shown
    assert "a.py:1 → torch/m0.py:1 → torch/m1.py:1 → (5 more steps) → torch/m7.py:1 → torch/m8.py:1" in shown


@pytest.mark.parametrize("width", [1, 20, 40, 60, 79, 100, 200])
def test_no_line_is_longer_than_the_page(width: int) -> None:
    lines = render(report(), width=width, colour=False).splitlines()
    assert max(cell_len(line) for line in lines) <= max(width, 40)


def test_colour_says_nothing_that_words_do_not() -> None:
    coloured = render(report(), width=100, colour=True)
    assert "\x1b[" in coloured
    assert "\x1b" not in render(report(), width=100, colour=False)
    assert "BREAK" in coloured


def test_hostile_names_are_only_names() -> None:
    evil = package("[red]evil[/red]\x1b[2J\nVerdict sound.", "1.0")
    hostile = replace(report(), findings=group([Links(broken=(broken(needer=evil),))]))
    shown = render(hostile, width=200, colour=False)
    assert "[red]evil[/red]" in shown
    assert "\x1b" not in shown
    assert "\nVerdict sound." not in shown


def test_a_reason_names_what_it_is_of_where_that_is_short() -> None:
    one = report().undecided[0]
    reason = "was yanked: broken build"
    many = [Undecided(kind=one.kind, artifact=f"shelf {number}", reason=reason, reached=True) for number in range(3)]
    lines = {number: reasons(many[:number], 3)[0] for number in (1, 2, 3)}
    assert lines == {1: (1, f"shelf 0: {reason}"), 2: (2, f"shelf 0, shelf 1: {reason}"), 3: (3, reason)}
    same = Undecided(kind=one.kind, artifact="only 1.0", reason="only 1.0 exists only as source", reached=True)
    assert reasons([same], 3) == ((1, "only 1.0 exists only as source"),)
