"""Bytes of a log → text. Logs come in every encoding, and in several at once: nothing here raises."""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 4096
_NULLS_OF_UTF16 = 0.3
"""Share of one byte of each pair that is null where ASCII text stands in UTF-16."""

_QUOTES = str.maketrans("‘’“”´\u00a0", "''\"\"' ")
_MOJIBAKE = (("â€˜", "'"), ("â€™", "'"), ("â€œ", '"'), ("â€\x9d", '"'), ("â€ť", '"'), ("â€", '"'))
"""Typographic quotes in UTF-8 that something has read as Windows-1252."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]{0,40}[ -/]{0,8}[@-~]|\][^\x07\x1b\n]{0,400}(?:\x07|\x1b\\)|[@-Z\\^_])")
_BARE_COLOURS = re.compile(r"\[(?:\d{1,3};?){1,4}m")
"""Colour codes where something has dropped the escape character."""
_CONTROLS = bytes(code for code in range(32) if chr(code) not in "\t\n\r\x07\x1b")
_MARKS = "\ufeff\ufffe"


def decode(data: bytes) -> str:
    """The text of a log: one encoding or several, without terminal control sequences, with plain quotes.

    Lines end with ``\\n``. A carriage return ends a line too: what a progress bar overwrites is kept.
    """
    text = _text(data).replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = _plain_quotes(text)
    if "\x1b" in text:
        text = _ESCAPES.sub("", text).replace("\x1b", "")
    text = text.replace("\x07", "")
    if "[0m" in text or "[m" in text:
        text = _BARE_COLOURS.sub("", text)
    return text


def _text(data: bytes) -> str:
    encoding = _wide_encoding(data)
    if encoding:
        text = data.decode(encoding, "replace")
        # Bytes of another encoding that were appended swallow line breaks in pairs.
        if text.count("\n") >= 0.9 * data.count(b"\n"):
            return text
    return data.translate(None, _CONTROLS).decode("utf-8-sig", "replace")


def _wide_encoding(data: bytes) -> str:
    """The encoding with two or four bytes a character that the bytes are in; empty for every other."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return "" if encoding == "utf-8-sig" else encoding
    sample = data[:_SAMPLE]
    if b"\0" not in sample:
        return ""
    pairs = max(1, len(sample) // 2)
    if sample[1::2].count(0) / pairs > _NULLS_OF_UTF16:
        return "utf-16-le"
    if sample[0::2].count(0) / pairs > _NULLS_OF_UTF16:
        return "utf-16-be"
    return ""


def _plain_quotes(text: str) -> str:
    for mark in _MARKS:
        text = text.replace(mark, "")
    for wrong, right in _MOJIBAKE:
        text = text.replace(wrong, right)
    return text.translate(_QUOTES)
