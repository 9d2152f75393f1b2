"""uv's program, and the index that it asks by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from torchlink.model.errors import TorchlinkError
from torchlink.read import uv_program
from torchlink.read.uv_program import default_index


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    default_index.cache_clear()
    yield
    default_index.cache_clear()


def test_uv_names_its_default_index() -> None:
    assert default_index().startswith("https://")


def test_no_configuration_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine.example/simple")
    assert "mine.example" not in default_index()


def test_without_uv_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> str:
        raise TorchlinkError("uv is not here")

    monkeypatch.setattr(uv_program, "find_uv", gone)
    assert default_index() == ""
