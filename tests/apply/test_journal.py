"""The folder of a transaction."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from torchlink.apply.journal import Entry


def test_what_is_given_up_is_never_half_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry(tmp_path / "1")
    (entry.saved / "shelf").mkdir(parents=True)
    (entry.saved / "shelf" / "a.py").write_text("1")
    with monkeypatch.context() as killed:
        killed.setattr(shutil, "rmtree", lambda *_, **__: None)
        entry.forget()
    assert not entry.saved.exists()
    entry.forget()
    assert not any(entry.path.iterdir())
