"""Metadata formats, from bytes."""

from __future__ import annotations

import email.parser

from hypothesis import given
from hypothesis import strategies as st

from torchlink.model.names import normalise
from torchlink.read.metadata import (
    parse_conda_record,
    parse_core_metadata,
    parse_direct_url,
    parse_headers,
    parse_record,
    parse_requires_txt,
)


def test_headers_end_at_the_empty_line() -> None:
    core = parse_core_metadata(
        b"Metadata-Version: 2.1\nName: Demo_Kit\nVersion: 1.0+cu121\nRequires-Dist: numpy (<2)\n"
        b"Requires-Dist: x ;\n  extra == 'y'\nProvides-Extra: y\nRequires-Python: >=3.8\n\nRequires-Dist: body\n"
    )
    assert (core.name, core.version) == ("Demo_Kit", "1.0+cu121")
    assert core.requires == ("numpy (<2)", "x ; extra == 'y'")
    assert core.requires_python == ">=3.8"
    assert core.extras == ("y",)


def test_a_folded_licence_with_lines_of_blanks_does_not_end_the_headers() -> None:
    # scipy's METADATA: its requirements follow some 900 lines of licence.
    data = b"Name: demo\nLicense: Copyright\n        \n        All rights\n  \nRequires-Dist: numpy\n\nbody"
    assert parse_core_metadata(data).requires == ("numpy",)


def test_line_ends_and_encodings() -> None:
    assert parse_core_metadata(b"Name: demo\r\nVersion: 1\r\n\r\nVersion: 2\r\n").version == "1"
    assert parse_core_metadata("\ufeffName: demo\nAuthor: Zoë\n".encode()).name == "demo"
    assert parse_core_metadata(b"Author: Zo\xeb\nName: demo\nVersion: 1\n").version == "1"
    assert parse_core_metadata(b"\nName: demo\n\nName: body").name == "demo"
    assert parse_core_metadata(b"Name: UNKNOWN\n").name == ""


@given(st.binary(max_size=400))
def test_any_bytes_are_read(data: bytes) -> None:
    parse_core_metadata(data)
    parse_conda_record(data)
    parse_direct_url(data)
    parse_requires_txt(data)
    list(parse_record(data))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Name", "Version", "Requires-Dist", "License", "X-Odd"]),
            st.lists(st.text("ab=;.<' ", max_size=9), min_size=1, max_size=3),
        ),
        min_size=1,
        max_size=9,
    )
)
def test_headers_are_those_that_the_email_parser_reads(fields: list[tuple[str, list[str]]]) -> None:
    text = "".join(f"{name}: " + "\n   ".join(lines) + "\n" for name, lines in fields) + "\nbody\n"
    message = email.parser.Parser().parsestr(text)
    ours = parse_headers(text)
    for name in {name for name, _ in fields}:
        expected = [" ".join(value.split()) for value in message.get_all(name, [])]
        assert [" ".join(value.split()) for value in ours[name.lower()]] == expected


def test_record() -> None:
    plain = b"demo/__init__.py,sha256=x,12\r\n../../../bin/demo,,\n\ndemo-1.dist-info/RECORD,,\n"
    assert list(parse_record(plain)) == ["demo/__init__.py", "../../../bin/demo", "demo-1.dist-info/RECORD"]
    assert list(parse_record(b'"demo/a,b.py",,\n"demo/""q"".py",,\n')) == ["demo/a,b.py", 'demo/"q".py']
    assert list(parse_record("demo/ä.py,,\n".encode("latin-1"))) == ["demo/ä.py"]


def test_requires_txt() -> None:
    data = b"""numpy>=1.20
# a comment
torch @ https://example.org/torch.whl

[:python_version < "3.8"]
typing

[gpu]
cupy; sys_platform == "linux"

[dev:os_name == "posix"]
pytest
"""
    requires, extras = parse_requires_txt(data)
    assert requires == (
        "numpy>=1.20",
        "torch @ https://example.org/torch.whl",
        'typing; (python_version < "3.8")',
        'cupy; (sys_platform == "linux") and extra == "gpu"',
        'pytest; (os_name == "posix") and extra == "dev"',
    )
    assert extras == ("gpu", "dev")


def test_direct_url() -> None:
    assert parse_direct_url(b'{"url": "file:///x", "dir_info": {"editable": true}}') == ("file:///x", True)
    assert parse_direct_url(b'{"url": "https://x/a.whl", "archive_info": {}}') == ("https://x/a.whl", False)
    assert parse_direct_url(b'{"url": 3}') == ("", False)
    assert parse_direct_url(b"[" * 100_000) == ("", False)


def test_conda_record() -> None:
    record = parse_conda_record(b'{"name": "mkl", "version": "2023.1.0", "files": ["lib/libmkl_rt.so.2", 3]}')
    assert record is not None
    assert record.files == ("lib/libmkl_rt.so.2",)
    assert parse_conda_record(b'{"name": "mkl"}') is None
    assert parse_conda_record(b"[]") is None


def test_names() -> None:
    assert normalise("Ruamel.YAML__clib") == "ruamel-yaml-clib"
