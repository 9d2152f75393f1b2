"""Logs of every encoding become the same text."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchlink.logs.decode import decode

MESSAGE = "Traceback (most recent call last):\nRuntimeError: Numpy is not available\n"


@pytest.mark.parametrize(
    "data",
    [
        MESSAGE.encode(),
        codecs.BOM_UTF8 + MESSAGE.encode(),
        MESSAGE.encode("utf-16"),
        codecs.BOM_UTF16_BE + MESSAGE.encode("utf-16-be"),
        MESSAGE.encode("utf-16-le"),
        MESSAGE.encode("utf-16-be"),
        MESSAGE.encode("utf-32"),
        MESSAGE.replace("\n", "\r\n").encode("utf-16"),
        MESSAGE.replace("\n", "\r").encode(),
        "".join(f"\x1b[31m{line}\x1b[0m\n" for line in MESSAGE.splitlines()).encode(),
        "".join(f"[31m{line}[0m\n" for line in MESSAGE.splitlines()).encode(),
        f"\x1b]0;title\x07{MESSAGE}".encode(),
    ],
)
def test_the_text_is_the_same(data: bytes) -> None:
    assert decode(data) == MESSAGE


@pytest.mark.parametrize("quoted", ["‘GLIBC_2.32’", "â€˜GLIBC_2.32â€™"])
def test_quotes_become_plain(quoted: str) -> None:
    assert decode(f"version {quoted} not found".encode()) == "version 'GLIBC_2.32' not found"


def test_what_was_appended_in_another_encoding_is_read_too() -> None:
    data = "PS C:\\> python train.py\n".encode("utf-16") + MESSAGE.encode() * 20
    assert decode(data).endswith(MESSAGE)


def test_utf_16_that_was_appended_to_utf_8_is_read_too() -> None:
    assert decode(b"first line\n" * 400 + MESSAGE.encode("utf-16-le")).endswith(MESSAGE)


def test_other_bytes_are_replaced() -> None:
    assert decode("DLL load failed: 找不到".encode("gbk")).startswith("DLL load failed: ")


@given(st.binary(max_size=2000))
def test_nothing_raises(data: bytes) -> None:
    decode(data)
