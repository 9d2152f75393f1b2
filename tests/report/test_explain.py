"""One finding in full."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from tests.samples import report, sound_report
from torchlink.model.errors import TorchlinkError
from torchlink.report.explain import render


def test_one_finding_in_full() -> None:
    assert render(report(), "symbol:torchvision:torch", width=100, colour=False) == snapshot("""\
BREAK     torchvision 0.17.0 was built for another torch than 2.1.2+cu121

  id      symbol:torchvision:torch
  means   break: it fails on a path that the target reaches
  certain linked, 401 broken references
  needer  package torchvision 0.17.0
  needs   package torch 2.1.2+cu121
  cause   torchvision/_C.so was built for torch 2.2; torch 2.1.2 does not export what it needs.
  symptom OSError: torchvision/_C.so: undefined symbol: _ZN2at4_ops8op0004callERKNS_6TensorE
  seen in torchvision/_C.so
            at::_ops::op000::call(at::Tensor const&)
          torchvision/_C.so
            at::_ops::op001::call(at::Tensor const&)
          torchvision-0.17.0.dist-info/METADATA
            Requires-Dist: torch==2.2.0
          and 398 more references with this cause
  reached train.py:3 → torchvision → torchvision/extension.py:34
  culprit torch, torchvision

If this is known and accepted, in the project's pyproject.toml:
  [[tool.torchlink.silence]]
  code = "symbol"
  package = "torchvision"
  reason = "why it is accepted"
""")


def test_one_that_is_not_reached() -> None:
    shown = render(report(), "requires:diffusers:huggingface-hub", width=80, colour=False)
    assert shown == snapshot("""\
RISK      diffusers 0.21.4 requires huggingface-hub<0.26,>=0.20; huggingface-hub
          1.2.0 is installed

  id      requires:diffusers:huggingface-hub
  means   risk: it fails on a path that is not shown to be reached, or under a
          condition, or a feature is silently lost
  certain linked, 1 broken reference
  needer  package diffusers 0.21.4
  needs   package huggingface-hub 1.2.0
  cause   It does not resolve.
  seen in diffusers 0.21.4
            requires huggingface-hub<0.26,>=0.20
  reached not shown to be reached
  culprit huggingface-hub, diffusers

If this is known and accepted, in the project's pyproject.toml:
  [[tool.torchlink.silence]]
  code = "requires"
  package = "diffusers"
  reason = "why it is accepted"
""")


def test_an_unknown_id_names_the_nearest() -> None:
    with pytest.raises(TorchlinkError) as caught:
        render(report(), "symbol:torchvison:torch", width=80, colour=False)
    assert str(caught.value).startswith(
        "symbol:torchvison:torch: no finding has this id; there is symbol:torchvision:torch"
    )
    with pytest.raises(TorchlinkError, match="the report has no findings"):
        render(sound_report(), "x", width=80, colour=False)
