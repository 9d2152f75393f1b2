"""Wheels made in a moment, and a package index on this machine that serves them as servers do."""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str | bytes] | None = None,
    *,
    requires: Iterable[str] = (),
    headers: Iterable[str] = (),
    tag: str = "py3-none-any",
) -> Path:
    """Write a wheel as a build backend does, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{name.replace('-', '_')}-{version}"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *headers]
    lines += [f"Requires-Dist: {line}" for line in requires]
    contents: dict[str, str | bytes] = dict(
        files if files is not None else {f"{name.replace('-', '_')}/__init__.py": ""}
    )
    contents[f"{stem}.dist-info/METADATA"] = "\n".join(lines) + "\n\nA description.\n"
    contents[f"{stem}.dist-info/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
    record = "".join(f"{path},,\n" for path in contents) + f"{stem}.dist-info/RECORD,,\n"
    path = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in contents.items():
            archive.writestr(member, content)
        archive.writestr(f"{stem}.dist-info/RECORD", record)
    return path


@dataclass(slots=True)
class Served:
    """An index that runs, and what it was asked."""

    url: str
    ranges: bool = True
    form: str = "json"
    broken: bool = False
    wrong_hash: bool = False
    metadata: str = ""
    """What the index says of the METADATA beside wheels: ``right``, ``wrong`` (its hash), or nothing."""
    uploads: dict[str, str] = field(default_factory=dict)
    """When files were uploaded, by name."""
    pythons: dict[str, str] = field(default_factory=dict)
    """Which Pythons the index says that files are for, by name."""
    requests: list[tuple[str, str, int]] = field(default_factory=list)
    """Path, ``Range`` header, bytes sent."""

    @property
    def simple(self) -> str:
        return f"{self.url}/simple"

    def moved(self) -> int:
        return sum(size for path, _, size in self.requests if path.endswith(".whl"))


@contextmanager
def serve(folder: Path) -> Iterator[Served]:
    """Serve a folder of wheels and source distributions as a package index."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(folder))
    served = Served(f"http://127.0.0.1:{server.server_address[1]}")
    _STATES[server.server_address[1]] = served
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_STATES: dict[int, Served] = {}


def _handler(folder: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state = _STATES[self.server.server_address[1]]  # type: ignore[index]
            if state.broken:
                return self._send(503, b"", "text/plain")
            if self.path.startswith("/simple/"):
                name = self.path.split("/")[2]
                rows = [path for path in sorted(folder.iterdir()) if _project(path) == name]
                if not rows:
                    return self._send(404, b"", "text/plain")
                if state.form == "junk":
                    return self._send(200, b"<html><h1>Please log in</h1><a href='/login'>here</a></html>", "text/html")
                if state.form == "html":
                    return self._send(200, _html(rows), "text/html")
                return self._send(200, _json(rows, state), "application/vnd.pypi.simple.v1+json")
            if self.path.endswith(".whl.metadata"):
                return self._metadata(folder / self.path.rpartition("/")[2].removesuffix(".metadata"), state)
            return self._file(folder / self.path.rpartition("/")[2], state)

        def _metadata(self, path: Path, state: Served) -> None:
            data = metadata_of(path) if state.metadata else b""
            state.requests.append((self.path, "", len(data)))
            return self._send(200 if data else 404, data, "application/octet-stream")

        def _file(self, path: Path, state: Served) -> None:
            if not path.is_file():
                return self._send(404, b"", "text/plain")
            data, asked = path.read_bytes(), self.headers.get("Range", "")
            if asked and state.ranges:
                first, _, last = asked.removeprefix("bytes=").partition("-")
                start = int(first) if first else max(0, len(data) - int(last))
                part = data[start : int(last) + 1] if first and last else data[start:]
                state.requests.append((self.path, asked, len(part)))
                span = f"bytes {start}-{start + len(part) - 1}/{len(data)}"
                return self._send(206, part, "application/octet-stream", ("Content-Range", span))
            state.requests.append((self.path, asked, len(data)))
            return self._send(200, data, "application/octet-stream")

        def _send(self, code: int, data: bytes, kind: str, *headers: tuple[str, str]) -> None:
            self.send_response(code)
            told = (("Content-Type", kind), ("Content-Length", str(len(data))), ("Accept-Ranges", "bytes"))
            for name, value in (*told, *headers):
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _project(path: Path) -> str:
    return path.name.partition("-")[0].replace("_", "-").lower()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def metadata_of(path: Path) -> bytes:
    """The METADATA of a wheel."""
    with zipfile.ZipFile(path) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name)


def _told_metadata(path: Path, state: Served) -> dict[str, object]:
    if not state.metadata or path.suffix != ".whl":
        return {}
    right = hashlib.sha256(metadata_of(path)).hexdigest()
    return {"core-metadata": {"sha256": right if state.metadata == "right" else "0" * 64}}


def _json(rows: Iterable[Path], state: Served) -> bytes:
    files = [
        {
            "filename": path.name,
            "url": f"../../files/{path.name}",
            "hashes": {"sha256": "0" * 64 if state.wrong_hash else _digest(path)},
            "size": path.stat().st_size,
            "upload-time": state.uploads.get(path.name, "2020-01-01T00:00:00Z"),
            "requires-python": state.pythons.get(path.name),
            **_told_metadata(path, state),
        }
        for path in rows
    ]
    return json.dumps({"meta": {"api-version": "1.1"}, "name": "x", "files": files}).encode()


def _html(rows: Iterable[Path]) -> bytes:
    links = (f'<a href="../../files/{path.name}#sha256={_digest(path)}">{path.name}</a>' for path in rows)
    return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
