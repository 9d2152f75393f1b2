"""torch's containers, written byte by byte, so that each can be wrong in one place."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib

from tests.checkpoint.ops import whole

MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
VERSION = b"\x80\x02M\xe9\x03."
SYSTEM = b"\x80\x02}q\x00(X\x10\x00\x00\x00protocol_versionq\x01M\xe9\x03X\r\x00\x00\x00little_endianq\x02\x88u."
NO_STORAGES = b"\x80\x02]q\x00."


def torch_zip(
    data: bytes, *, extra: dict[str, bytes] | None = None, folder: str = "archive", packed: bool = False
) -> bytes:
    """An archive as ``torch.save`` writes it, around a pickle."""
    out = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr(f"{folder}/data.pkl", data)
        archive.writestr(f"{folder}/byteorder", b"little")
        for member, content in (extra or {}).items():
            archive.writestr(member if "/" in member else f"{folder}/{member}", content)
        archive.writestr(f"{folder}/version", b"3\n")
    return out.getvalue()


def legacy(
    data: bytes = b"\x80\x02N.",
    *,
    magic: bytes = MAGIC,
    version: bytes = VERSION,
    system: bytes = SYSTEM,
    keys: bytes = NO_STORAGES,
    tail: bytes = b"",
) -> bytes:
    """The five pickles of torch before 1.6."""
    return magic + version + system + data + keys + tail


def legacy_tar(**members: bytes) -> bytes:
    """The tar of torch before 0.4."""
    contents = {
        "sys_info": SYSTEM,
        "pickle": b"\x80\x02N.",
        "tensors": b"\x80\x02K\x00.",
        "storages": b"\x80\x02K\x00." + whole(b"]"),
        **members,
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, data in contents.items():
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


class RawZip:
    """A zip archive whose local headers and directory can be made to differ."""

    def __init__(self) -> None:
        self._body = b""
        self._directory = b""
        self._count = 0

    def add(
        self,
        member: str,
        data: bytes,
        *,
        local: str = "",
        crc: int | None = None,
        flags: int = 0,
        local_flags: int | None = None,
        listed: bool = True,
    ) -> None:
        checksum = zlib.crc32(data) if crc is None else crc
        inner = (local or member).encode()
        outer = member.encode()
        offset = len(self._body)
        self._body += (
            struct.pack(
                "<4s5H3I2H",
                b"PK\x03\x04",
                20,
                flags if local_flags is None else local_flags,
                0,
                0,
                0,
                checksum,
                len(data),
                len(data),
                len(inner),
                0,
            )
            + inner
            + data
        )
        if listed:
            self._count += 1
            self._directory += (
                struct.pack(
                    "<4s6H3I5H2I",
                    b"PK\x01\x02",
                    20,
                    20,
                    flags,
                    0,
                    0,
                    0,
                    checksum,
                    len(data),
                    len(data),
                    len(outer),
                    0,
                    0,
                    0,
                    0,
                    0,
                    offset,
                )
                + outer
            )

    def bytes(self, *, before: bytes = b"", after: bytes = b"", comment: bytes = b"") -> bytes:
        end = struct.pack(
            "<4s4H2IH",
            b"PK\x05\x06",
            0,
            0,
            self._count,
            self._count,
            len(self._directory),
            len(self._body),
            len(comment),
        )
        return before + self._body + self._directory + end + comment + after


def npy(descr: str, shape: tuple[int, ...], data: bytes) -> bytes:
    """A ``.npy`` file."""
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data
