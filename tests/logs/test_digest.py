"""Of a log, the lines that may say something are kept."""

from __future__ import annotations

import pytest

from torchlink.logs.digest import MOST_CHARACTERS, digest, without_prefix


@pytest.mark.parametrize(
    "prefix",
    [
        "2026-01-01T00:00:00.1234567Z ",
        "2026-01-01 00:00:00,123 - ",
        "[2026-01-01 00:00:00,123] ",
        "[rank0]: ",
        "[rank3]:[2026-01-01 00:00:00] ",
        "(RayTrainWorker pid=1234, ip=10.0.0.1) ",
        "trainer-1  | ",
        "build\tRun tests\t2026-01-01T00:00:00.123Z ",
        "##[error]",
        "E       ",
        "> ",
        "#12 4.211 ",
        "12:01:07 ",
    ],
)
def test_what_stands_before_a_line_is_gone(prefix: str) -> None:
    assert without_prefix(f"{prefix}RuntimeError: x") == "RuntimeError: x"


def test_indentation_stays() -> None:
    assert without_prefix('2026-01-01T00:00:00.1234567Z   File "a.py", line 3') == '  File "a.py", line 3'


def test_lines_far_from_what_is_told_are_left_out() -> None:
    text = "".join(f"step {place} loss\n" for place in range(5000)) + "ValueError: x\n"
    gathered = digest(text)
    assert len(gathered.lines) < 60
    assert gathered.lines[-2].text == "ValueError: x"
    assert gathered.lines[-2].number == 5001


def test_a_literal_makes_a_line_telling() -> None:
    text = "calm\n" * 300 + "nothing to resume\n" + "calm\n" * 300
    assert digest(text).text == ""
    assert "nothing to resume" in digest(text, ["nothing to resume"]).text


def test_lines_that_differ_in_digits_are_looked_at_twice() -> None:
    lines = [f"warning {place}\n" + "calm\n" * 100 for place in range(100)]
    told = [line.text for line in digest("".join(lines)).lines if line.text.startswith("warning")]
    assert told == ["warning 0", "warning 99"]


def test_escaped_tracebacks_are_unfolded() -> None:
    text = '{"message": "Traceback (most recent call last):\\n  File \\"a.py\\", line 3\\nKeyError: 1"}'
    assert [line.text for line in digest(text).lines][-1] == 'KeyError: 1"}'


def test_a_digest_is_bounded() -> None:
    text = "".join(f"error {'x' * (place % 1700)}{chr(97 + place % 26)}\n" for place in range(6000))
    gathered = digest(text)
    assert gathered.left_out
    assert len(gathered.text) <= MOST_CHARACTERS
    assert gathered.lines[-2].number == 6000


def test_a_line_without_end_is_taken_in_pieces() -> None:
    gathered = digest("x" * 3_000_000 + " RuntimeError: y")
    assert max(len(line.text) for line in gathered.lines) <= 2000
    assert {line.number for line in gathered.lines} == {1}
