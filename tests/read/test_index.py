"""What package indexes offer, in each of their forms."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from tests.wheels import make_wheel, serve
from torchlink.model.errors import UnreadableError
from torchlink.read.index import (
    NO_METADATA,
    IndexFile,
    best_wheel,
    files_on_index,
    files_on_links,
    html_rows,
    json_rows,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for version in ("1.0", "1.1"):
        make_wheel(tmp_path / "shelf", "two-words", version)
    (tmp_path / "shelf" / "two_words-1.2.tar.gz").write_bytes(b"")
    (tmp_path / "shelf" / "notes.txt").write_bytes(b"")
    return tmp_path / "shelf"


@pytest.mark.parametrize("form", ["json", "html"])
def test_both_forms_of_a_server_say_the_same(folder: Path, form: str) -> None:
    with serve(folder) as server:
        server.form = form
        files = files_on_index(server.simple, "Two.Words")
        assert files_on_index(server.simple, "unknown") == ()
    assert [(file.version, file.is_wheel) for file in files] == [("1.0", True), ("1.1", True), ("1.2", False)]
    assert all(len(file.sha256) == 64 and file.url.startswith(server.url) for file in files)


def test_folders_are_indexes_and_links_too(folder: Path) -> None:
    linked = files_on_links(str(folder), "two-words")
    assert [file.version for file in linked] == ["1.0", "1.1", "1.2"]
    assert linked[0].url.startswith("file:") and linked[0].size > 0
    folder.rename(folder.parent / "two-words")
    assert files_on_index(folder.parent.as_uri(), "two_words")[1].version == "1.1"


def test_the_best_wheel_is_an_installers() -> None:
    def file(filename: str, version: str, *tags: str, yanked: str = "") -> IndexFile:
        return IndexFile(filename=filename, url="", version=version, tags=tags, yanked=yanked)

    files = (
        file("a.whl", "1.0", "py3-none-any"),
        file("b.whl", "1.0", "cp311-cp311-linux_x86_64"),
        file("c.whl", "1.0+cpu", "cp311-cp311-linux_x86_64"),
        file("d.whl", "1.0", "cp312-cp312-linux_x86_64"),
        file("e.tar.gz", "1.0"),
    )
    tags = {"cp311-cp311-linux_x86_64": 0, "py3-none-any": 1}
    assert best_wheel(files, Version("1.0"), tags) is files[1]
    assert best_wheel(files, Version("1.0+cpu"), tags) is files[2]
    assert best_wheel(files[3:], Version("1.0"), tags) is None


def test_metadata_beside_a_wheel_is_told_under_any_of_its_names() -> None:
    digest = "ab" * 32
    for said, wanted in (
        (f'"core-metadata": {{"sha256": "{digest}"}}, "data-dist-info-metadata": {{"sha256": "00"}}', digest),
        (f'"dist-info-metadata": {{"sha256": "{digest}"}}', digest),
        ('"core-metadata": true', ""),
        ('"core-metadata": false', NO_METADATA),
        ('"requires-python": ""', ""),
    ):
        page = f'{{"files": [{{"filename": "x", "url": "x", {said}}}]}}'
        (row,) = json_rows(page.encode(), "https://index.example/simple/x/")
        assert row["metadata"] == wanted
    for said in (f'data-core-metadata="sha256={digest}"', f'data-dist-info-metadata="SHA256={digest.upper()}"'):
        (row,) = html_rows(f'<a href="x.whl" {said}>x</a>'.encode(), "https://index.example/")
        assert row["metadata"] == digest
    assert html_rows(b'<a href="x.whl" data-core-metadata="true">x</a>', "https://index.example/")[0]["metadata"] == ""


def test_a_page_that_is_none_is_said() -> None:
    for data in (b"{", b"[]", b'{"files": 3}'):
        with pytest.raises(UnreadableError):
            list(json_rows(data, "https://index.example/simple/x/"))


@given(st.binary(max_size=300))
def test_no_bytes_break_a_reader(data: bytes) -> None:
    html_rows(data, "https://index.example/")
    with suppress(UnreadableError):
        list(json_rows(data, "https://index.example/"))
