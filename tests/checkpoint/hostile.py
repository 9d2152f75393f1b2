"""Files that do something when they are loaded, at least one for each technique: they create a marker, and no more."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.checkpoint.archives import MAGIC, RawZip, legacy, legacy_tar, npy, torch_zip
from tests.checkpoint.gadgets import GADGETS, Gadget
from tests.checkpoint.ops import Raw, binary, call, name, short_text, stacked, text, value, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """One file, and how it is loaded."""

    name: str
    build: Callable[[str], bytes]
    """From the marker's path to the file's bytes."""
    loader: str = "torch"
    """``torch`` (``weights_only=False``), ``pickle``, ``pickle.py``, ``joblib``, ``numpy``, ``gzip``."""
    runs: bool = True
    """Whether it creates the marker under CPython 3.11 with torch 2.13; others need another reader or release."""


def payload(mark: str) -> bytes:
    """The plainest of all: a value on the stack, and a folder on the disk."""
    return call("os", "mkdir", mark)


def harmless() -> bytes:
    return whole(value({"epoch": 3}))


_SYSTEM = Raw(name("os", "mkdir"))

_OPCODES: dict[str, Callable[[str], bytes]] = {
    "INST": lambda m: whole(b"(" + text(m) + b"ios\nmkdir\n"),
    "OBJ": lambda m: whole(b"(" + name("os", "mkdir") + text(m) + b"o"),
    "NEWOBJ of a class": lambda m: whole(name("io", "FileIO") + value((m, "w")) + b"\x81" + b"0" + payload(m)),
    "NEWOBJ_EX": lambda m: whole(
        name("subprocess", "Popen") + value((["touch", m],)) + b"}\x92" + b"0" + payload(m), 4
    ),
    "STACK_GLOBAL": lambda m: whole(stacked("os", "mkdir") + value((m,)) + b"R", 4),
    "STACK_GLOBAL of BINUNICODE": lambda m: whole(text("os") + text("mkdir") + b"\x93" + value((m,)) + b"R", 4),
    "STACK_GLOBAL of Python 2 strings": lambda m: whole(b"U\x02osU\x05mkdir\x93" + value((m,)) + b"R", 4),
    "STACK_GLOBAL of quoted strings": lambda m: whole(b"S'os'\nS'mkdir'\n\x93" + value((m,)) + b"R", 4),
    "STACK_GLOBAL of escaped strings": lambda m: whole(b"S'\\x6fs'\nS'mk\\x64ir'\n\x93" + value((m,)) + b"R", 4),
    "STACK_GLOBAL of UNICODE lines": lambda m: whole(b"V\\u006fs\nVmkdir\n\x93" + value((m,)) + b"R", 4),
    "STACK_GLOBAL from the memo": lambda m: whole(
        short_text("os") + b"\x940" + short_text("mkdir") + b"\x940h\x00h\x01\x93" + value((m,)) + b"R", 4
    ),
    "STACK_GLOBAL through PUT and GET": lambda m: whole(
        short_text("os") + b"p77\n0" + short_text("mkdir") + b"q\x050g77\nh\x05\x93" + value((m,)) + b"R", 4
    ),
    "STACK_GLOBAL, MEMOIZE after a gap": lambda m: whole(
        b"Nq\x050" + short_text("os") + b"\x940" + short_text("mkdir") + b"\x940h\x01h\x02\x93" + value((m,)) + b"R", 4
    ),
    "STACK_GLOBAL over a memo that changes": lambda m: whole(
        short_text("collections")
        + b"q\x00"
        + b"0"
        + short_text("os")
        + b"q\x000h\x00"
        + short_text("mkdir")
        + b"\x93"
        + value((m,))
        + b"R",
        4,
    ),
    "STACK_GLOBAL with DUP and POP": lambda m: whole(
        short_text("os") + b"20" + short_text("mkdir") + b"2N00\x93" + value((m,)) + b"R", 4
    ),
    "STACK_GLOBAL under a popped mark": lambda m: whole(
        short_text("os") + b"(NN1" + short_text("mkdir") + b"(0\x93" + value((m,)) + b"R", 4
    ),
    "dotted name of protocol 4": lambda m: whole(stacked("torch.serialization", "os.mkdir") + value((m,)) + b"R", 4),
    "dotted GLOBAL under PROTO 4": lambda m: whole(name("torch.serialization", "os.mkdir") + value((m,)) + b"R", 4),
    "dotted name below an allowed class": lambda m: whole(
        stacked("collections", "OrderedDict.fromkeys.__self__.__class__.__base__.__subclasses__") + b")R0" + payload(m),
        4,
    ),
    "module inside an allowed module": lambda m: whole(
        stacked("torch.storage", "io.FileIO") + value((m, "w")) + b"R", 4
    ),
    "protocol 0": lambda m: b"cos\nmkdir\n(V" + m.encode() + b"\ntR.",
    "protocol 1": lambda m: b"cos\nmkdir\n(" + text(m) + b"tR.",
    "no PROTO": lambda m: payload(m) + b".",
    "PROTO twice": lambda m: b"\x80\x02\x80\x05" + stacked("os", "mkdir") + value((m,)) + b"R.",
    "PROTO at the end": lambda m: payload(m) + b"\x80\x04.",
    "popped result": lambda m: whole(payload(m) + b"0" + value({"a": 1})),
    "result hidden under a popped mark": lambda m: whole(b"(" + payload(m) + b"1" + value({"a": 1})),
    "in a dictionary's key": lambda m: whole(b"}" + payload(m) + b"Ns"),
    "in a persistent id": lambda m: whole(payload(m) + b"Q"),
    "in a BUILD state": lambda m: whole(call("argparse", "Namespace") + payload(m) + b"0}" + b"b"),
    "callable kept in the memo": lambda m: whole(
        name("os", "mkdir") + b"q\x000" + value({"a": 1}) + b"h\x00" + value((m,)) + b"R0"
    ),
    "callable in a list": lambda m: whole(b"](" + name("os", "mkdir") + b"q\x01e0h\x01" + value((m,)) + b"R"),
    "callable doubled": lambda m: whole(name("os", "mkdir") + b"2" + value((m,)) + b"R"),
    "BUILD that calls __setstate__": lambda m: whole(
        call("torch.nn.modules.linear", "Identity")
        + b"}"
        + text("__setstate__")
        + name("os", "mkdir")
        + b"sb"
        + text(m)
        + b"b"
    ),
    "BUILD that changes a function": lambda m: whole(
        name("torch._utils", "_rebuild_tensor")
        + b"}"
        + text("x")
        + name("os", "mkdir")
        + b"sb0"
        + stacked("torch._utils", "_rebuild_tensor.x")
        + value((m,))
        + b"R",
        4,
    ),
    "BUILD that changes a class": lambda m: whole(
        name("argparse", "Namespace") + b"N}" + text("__setattr__") + name("os", "mkdir") + b"s\x86b0" + payload(m)
    ),
    "APPEND through an object": lambda m: whole(
        call("argparse", "Namespace") + b"}" + text("append") + name("os", "mkdir") + b"sb" + text(m) + b"a"
    ),
    "APPENDS through an object": lambda m: whole(
        call("types", "SimpleNamespace")
        + b"}"
        + text("extend")
        + name("subprocess", "call")
        + b"sb("
        + text("touch")
        + text(m)
        + b"e"
    ),
    "ADDITEMS through an object": lambda m: whole(
        call("types", "SimpleNamespace") + b"}" + text("add") + name("os", "mkdir") + b"sb(" + text(m) + b"\x90", 4
    ),
    "SETITEM on os.environ's module": lambda m: whole(
        name("os", "environ") + text("X") + text("1") + b"s0" + payload(m)
    ),
    "defaultdict of a factory": lambda m: whole(
        call("functools", "partial", _SYSTEM, m)
        + b"q\x000"
        + name("collections", "defaultdict")
        + b"h\x00\x85R0"
        + b"h\x00)R"
    ),
    "extension registry": lambda m: whole(
        call("copyreg", "add_extension", "os", "mkdir", 0x42) + b"0\x82\x42" + value((m,)) + b"R"
    ),
    "hexadecimal INT": lambda m: whole(b"I0x10\n0" + payload(m)),
    "INT with spaces": lambda m: whole(b"I 1\n0" + payload(m)),
    "LONG in hexadecimal": lambda m: whole(b"L0x10L\n0" + payload(m)),
    "GET with a sign": lambda m: whole(b"Np+1\n0g+1\n0" + payload(m)),
    "GET with spaces": lambda m: whole(b"Np1 \n0g 1\n0" + payload(m)),
    "frame that ends inside an opcode": lambda m: (
        b"\x80\x04\x95" + struct.pack("<Q", 3) + stacked("os", "mkdir") + value((m,)) + b"R."
    ),
    "frame inside a frame": lambda m: (
        b"\x80\x04\x95"
        + struct.pack("<Q", 30)
        + b"\x95"
        + struct.pack("<Q", 2)
        + stacked("os", "mkdir")
        + value((m,))
        + b"R."
    ),
    "empty frame": lambda m: b"\x80\x04\x95" + struct.pack("<Q", 0) + stacked("os", "mkdir") + value((m,)) + b"R.",
    "bytes that are no UTF-8": lambda m: whole(binary(b"\xff\xfe") + b"0" + payload(m)),
    "text with a lone surrogate": lambda m: whole(text("\ud800") + b"0" + payload(m)),
    "carriage returns around": lambda m: whole(text("\r\n\x00") + b"0" + payload(m)),
    "then an unknown opcode": lambda m: b"\x80\x02" + payload(m) + b"\xff",
    "then nothing": lambda m: b"\x80\x02" + payload(m),
    "then STOP on an empty stack": lambda m: b"\x80\x02" + payload(m) + b"0.",
    "then a protocol of the future": lambda m: b"\x80\x02" + payload(m) + b"\x80\xff.",
    "then a memo number that is missing": lambda m: whole(payload(m) + b"h\xee"),
    "then an INT that is none": lambda m: whole(payload(m) + b"Ix\n"),
    "then text that is cut off": lambda m: b"\x80\x02" + payload(m) + b"X\xff\xff\xff\x7f.",
    "then a STACK_GLOBAL of numbers": lambda m: whole(payload(m) + b"K\x01K\x02\x93", 4),
    "then a module that is missing": lambda m: whole(payload(m) + name("no_such_module_at_all", "x")),
    "then REDUCE of a number": lambda m: whole(payload(m) + b"K\x01)R"),
    "then an exception": lambda m: whole(payload(m) + call("builtins", "int", "x")),
    "then a name of a megabyte": lambda m: whole(payload(m) + name("a" * 1_000_000, "b")),
    "then a huge memo number": lambda m: whole(payload(m) + b"Nr\xff\xff\xff\x0f"),
    "then out-of-band buffers": lambda m: whole(payload(m) + b"\x97", 5),
    "after fifty thousand marks": lambda m: whole(b"(" * 50_000 + payload(m)),
    "after a tuple of a thousand levels": lambda m: whole(b")" + b"\x85" * 1000 + b"0" + payload(m)),
    "after a megabyte of text": lambda m: whole(text("x" * 1_000_000) + b"0" + payload(m)),
}


def _wrapped(name_: str, wrap: Callable[[bytes], bytes], loader: str = "torch", runs: bool = True) -> Hostile:
    return Hostile(name=name_, build=lambda m: wrap(whole(payload(m))), loader=loader, runs=runs)


def _raw_zip(
    data: bytes, *, local: str = "", crc: int | None = None, flags: int = 0, local_flags: int | None = None
) -> RawZip:
    archive = RawZip()
    archive.add("archive/data.pkl", data, local=local, crc=crc, flags=flags, local_flags=local_flags)
    archive.add("archive/version", b"3\n")
    return archive


def _twice(data: bytes, *, last: bool) -> bytes:
    archive = RawZip()
    for content in (harmless(), data) if last else (data, harmless()):
        archive.add("archive/data.pkl", content)
    archive.add("archive/version", b"3\n")
    return archive.bytes()


def _other_case(data: bytes) -> bytes:
    archive = RawZip()
    archive.add("archive/DATA.PKL", data)
    archive.add("archive/version", b"3\n")
    return archive.bytes()


def _unlisted_beside(data: bytes) -> bytes:
    archive = RawZip()
    archive.add("archive/other.pkl", harmless(), local="archive/data.pkl")
    archive.add("archive/data.pkl", data)
    archive.add("archive/version", b"3\n")
    return archive.bytes()


def _joblib_objects(data: bytes) -> bytes:
    wrapper = name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81"
    dtype = call("numpy", "dtype", "O8", False, True)
    state = (
        b"}(" + text("subclass") + name("numpy", "ndarray") + text("shape") + value((1,)) + text("order") + text("C")
    )
    state += text("dtype") + dtype + text("allow_mmap") + b"\x89" + b"u"
    return b"\x80\x03" + wrapper + state + b"b" + data + b"."


_CONTAINERS: tuple[Hostile, ...] = (
    _wrapped("zip", torch_zip),
    _wrapped("zip, packed", lambda d: torch_zip(d, packed=True)),
    _wrapped("zip, wrong CRC", lambda d: _raw_zip(d, crc=1).bytes()),
    _wrapped("zip, no CRCs", lambda d: _raw_zip(d, crc=0).bytes()),
    _wrapped("zip, flags in the local header", lambda d: _raw_zip(d, local_flags=1).bytes()),
    _wrapped("zip, encryption flag", lambda d: _raw_zip(d, flags=1).bytes(), runs=False),
    _wrapped("zip, local name differs", lambda d: _raw_zip(d, local="archive/data.txt").bytes()),
    _wrapped("zip, member twice, the last hostile", lambda d: _twice(d, last=True), runs=False),
    _wrapped("zip, member twice, the first hostile", lambda d: _twice(d, last=False)),
    _wrapped("zip, upper case", _other_case),
    _wrapped("zip, hidden behind another", _unlisted_beside),
    _wrapped("zip, in another folder", lambda d: torch_zip(harmless(), extra={"other/data.pkl": d}), runs=False),
    _wrapped(
        "zip, pickle among the storages", lambda d: torch_zip(harmless(), extra={"archive/data/0": d}), runs=False
    ),
    _wrapped("zip, pickle named as text", lambda d: torch_zip(harmless(), extra={"archive/notes.txt": d}), runs=False),
    _wrapped("zip with a comment", lambda d: _raw_zip(d).bytes(comment=b"hello")),
    _wrapped("zip with bytes behind it", lambda d: _raw_zip(d).bytes(after=b"\x00" * 10)),
    _wrapped("zip in a zip", lambda d: torch_zip(harmless(), extra={"archive/inner.zip": torch_zip(d)}), runs=False),
    _wrapped("legacy", legacy),
    _wrapped("legacy, in the magic number", lambda d: legacy(magic=d[:-1] + b"0" + MAGIC[2:])),
    _wrapped("legacy, in the version", lambda d: legacy(version=d[:-1] + b"0M\xe9\x03.")),
    _wrapped("legacy, in the system's record", lambda d: legacy(system=d)),
    _wrapped("legacy, in the storage keys", lambda d: legacy(keys=d[:-1] + b"0].")),
    _wrapped("legacy, then a clean zip", lambda d: legacy(d, tail=torch_zip(harmless()))),
    _wrapped("clean legacy, then a zip", lambda d: legacy(tail=torch_zip(d)), runs=False),
    _wrapped("clean legacy, then a sixth pickle", lambda d: legacy(tail=d), runs=False),
    _wrapped("legacy tar, in the object", lambda d: legacy_tar(pickle=d)),
    _wrapped("legacy tar, in the storages", lambda d: legacy_tar(storages=b"\x80\x02K\x00." + d)),
    _wrapped("legacy tar, in the tensors", lambda d: legacy_tar(tensors=d)),
    _wrapped("pickle", lambda d: d, "pickle"),
    _wrapped("pickle, second in the stream", lambda d: harmless() + d, "stream"),
    _wrapped("pickle in gzip", gzip.compress, "joblib"),
    _wrapped("pickle in zlib", zlib.compress, "joblib"),
    _wrapped("pickle in bz2", bz2.compress, "joblib"),
    _wrapped("pickle in xz", lzma.compress, "joblib"),
    _wrapped("pickle in raw lzma", lambda d: lzma.compress(d, format=lzma.FORMAT_ALONE), "joblib"),
    _wrapped("joblib, array of objects", _joblib_objects, "joblib"),
    _wrapped("joblib, bare", lambda d: d, "joblib"),
    _wrapped("npy of objects", lambda d: npy("|O", (1,), d), "numpy"),
    _wrapped(
        "npz of objects",
        lambda d: torch_zip(b"", folder="x", extra={"a/a.npy": npy("|O", (1,), d)}),
        "numpy",
        runs=False,
    ),
    _wrapped("tar of a zip", lambda d: legacy_tar(model=torch_zip(d)), runs=False),
    _wrapped("7z by its magic", lambda d: b"7z\xbc\xaf\x27\x1c" + d, runs=False),
    _wrapped("pickle after a magic of another format", lambda d: b"\x93NUMPY" + d, runs=False),
    Hostile(
        name="torch.load of bytes inside",
        build=lambda m: torch_zip(whole(call("torch.storage", "_load_from_bytes", torch_zip(whole(payload(m)))), 3)),
    ),
    Hostile(
        name="legacy bytes inside",
        build=lambda m: torch_zip(whole(call("torch.storage", "_load_from_bytes", legacy(whole(payload(m)))), 3)),
    ),
    Hostile(
        name="bytes inside, handed on",
        build=lambda m: torch_zip(
            whole(
                call(
                    "torch._tensor",
                    "_rebuild_from_type_v2",
                    Raw(name("torch.storage", "_load_from_bytes")),
                    Raw(name("torch", "Tensor")),
                    (legacy(whole(payload(m))),),
                    {},
                ),
                3,
            )
        ),
    ),
    Hostile(
        name="bytes inside, built by a call",
        build=lambda m: torch_zip(
            whole(
                call(
                    "torch.storage", "_load_from_bytes", Raw(call("builtins", "bytes", list(legacy(whole(payload(m))))))
                ),
                3,
            )
        ),
    ),
    Hostile(
        name="bytes inside, as text",
        build=lambda m: torch_zip(
            whole(
                call(
                    "torch.storage",
                    "_load_from_bytes",
                    Raw(call("_codecs", "encode", legacy(whole(payload(m))).decode("latin-1"), "latin1")),
                )
            )
        ),
    ),
)


def hostile_files() -> Iterator[Hostile]:
    """All of them: every gadget, every trick with opcodes, every container."""
    for title, gadget in GADGETS.items():
        yield Hostile(name=f"gadget: {title}", build=_in_zip(gadget), runs=title not in _NOT_HERE)
    for title, build in _OPCODES.items():
        yield Hostile(name=f"opcodes: {title}", build=_bare_in_zip(build), runs=title not in _NOT_RUN)
        yield Hostile(name=f"bare: {title}", build=build, loader="pickle")
    yield from _CONTAINERS


_NOT_HERE = {"tempfile.mkdtemp", "unittest.mock._importer", "ensurepip._run_pip", "lib2to3 driver"}
# C's unpickler reads on behind such a frame in a file, and not in a buffer: nothing that we would call clean.
_NOT_RUN = {"frame that ends inside an opcode", "frame inside a frame"}


def _in_zip(gadget: Gadget) -> Callable[[str], bytes]:
    return lambda mark: torch_zip(whole(gadget(mark)))


def _bare_in_zip(build: Callable[[str], bytes]) -> Callable[[str], bytes]:
    return lambda mark: torch_zip(build(mark))
