"""Verdicts, and what is said of them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from tests.checkpoint.archives import RawZip, legacy, npy, torch_zip
from tests.checkpoint.ops import Raw, binary, call, name, text, value, whole
from torchlink.checkpoint.judge import Safety
from torchlink.checkpoint.scan import Scanned, scan, scan_many
from torchlink.cli.checkpoint import command
from torchlink.report import json as report_json


def _scan(data: bytes, folder: Path, file: str = "a.pt") -> Scanned:
    path = folder / file
    path.write_bytes(data)
    return scan(path)


def _tensor(key: str = "0", numel: int = 4, shape: tuple[int, ...] = (2, 2), stride: tuple[int, ...] = (2, 1)) -> Raw:
    storage = Raw(value(("storage", Raw(name("torch", "FloatStorage")), key, "cpu", numel)) + b"Q")
    return Raw(
        call(
            "torch._utils",
            "_rebuild_tensor_v2",
            storage,
            0,
            shape,
            stride,
            False,
            Raw(call("collections", "OrderedDict")),
        )
    )


def _checkpoint(**tensors: Raw) -> bytes:
    return whole(value(dict(tensors)))


CLEAN = {
    "state dict": torch_zip(_checkpoint(weight=_tensor()), extra={"archive/data/0": bytes(16)}),
    "numbers": torch_zip(whole(value({"epoch": 3, "loss": 0.5, "name": "x", "none": None, "list": [1, (2,)]}))),
    "legacy": legacy(whole(value({"a": 1}))),
    "bare": whole(value({"a": 1})),
    "defaultdict": whole(call("collections", "defaultdict", Raw(name("builtins", "list")))),
    "namespace": whole(call("argparse", "Namespace") + b"}" + text("lr") + value(0.1) + b"sb"),
    "bytes in protocol 2": whole(call("_codecs", "encode", "\x00\xff", "latin1")),
    "npy": npy("<f4", (2, 2), bytes(16)),
    "npy of objects": npy("|O", (1,), whole(value([1]))),
    "nested tensor bytes": whole(call("torch.storage", "_load_from_bytes", legacy(whole(value({"a": 1})))), 3),
    "module of torch": whole(name("torch.nn.modules.linear", "Identity") + b")\x81}" + text("training") + b"\x88sb"),
}


@pytest.mark.parametrize("title", CLEAN)
def test_clean(title: str, tmp_path: Path) -> None:
    scanned = _scan(CLEAN[title], tmp_path)
    assert scanned.judgement.safety is Safety.CLEAN, scanned.judgement.reasons


UNREADABLE = {
    "empty": b"",
    "text": b"hello, world",
    "git lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 3\n",
    "html": b"<!DOCTYPE html><html></html>",
    "cut off": torch_zip(whole(value({"a": 1})))[:-30],
    "half a pickle": whole(value({"a": 1}))[:-4],
    "missing storage": torch_zip(_checkpoint(weight=_tensor())),
    "short storage": torch_zip(_checkpoint(weight=_tensor()), extra={"archive/data/0": bytes(8)}),
    "view outside": torch_zip(
        _checkpoint(weight=_tensor(shape=(3, 3), stride=(3, 1))), extra={"archive/data/0": bytes(16)}
    ),
    "bytes after the pickle": whole(value({"a": 1})) + b"\x00\x01\x02",
    "npy cut off": npy("<f4", (2, 2), bytes(12)),
    "safetensors cut off": b"\x40\x00\x00\x00\x00\x00\x00\x00"
    + b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'.ljust(64)
    + bytes(4),
    "safetensors overlap": (lambda h: len(h).to_bytes(8, "little") + h + bytes(8))(
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    ),
    "safetensors nested deep": (lambda h: len(h).to_bytes(8, "little") + h)(b'{"a":' + b"[" * 100_000),
}


@pytest.mark.parametrize("title", UNREADABLE)
def test_unreadable(title: str, tmp_path: Path) -> None:
    scanned = _scan(UNREADABLE[title], tmp_path)
    assert scanned.judgement.safety is Safety.UNREADABLE, scanned.judgement


def test_wrong_crc_and_no_crc(tmp_path: Path) -> None:
    for crc, expected in ((5, Safety.UNREADABLE), (0, Safety.CLEAN)):
        archive = RawZip()
        archive.add("archive/data.pkl", whole(value({"a": 1})), crc=crc)
        archive.add("archive/version", b"3\n", crc=0)
        assert _scan(archive.bytes(), tmp_path).judgement.safety is expected


def test_unknown_global_is_named(tmp_path: Path) -> None:
    scanned = _scan(torch_zip(whole(name("models.yolo", "Model") + b")\x81")), tmp_path)
    assert scanned.judgement.safety is Safety.UNKNOWN_GLOBAL
    assert scanned.judgement.reasons[0].name == "models.yolo.Model"


def test_extensions_are_unknown(tmp_path: Path) -> None:
    assert _scan(whole(b"\x82\x07"), tmp_path).judgement.safety is Safety.UNKNOWN_GLOBAL


def test_code_archives_are_never_clean(tmp_path: Path) -> None:
    script = torch_zip(whole(value({})), extra={"constants.pkl": whole(b")"), "code/__torch__.py": b"def f(): pass"})
    scanned = _scan(script, tmp_path)
    assert scanned.format == "TorchScript"
    assert scanned.judgement.safety is Safety.UNKNOWN_GLOBAL
    hostile = torch_zip(
        whole(value({})), extra={"constants.pkl": whole(b")"), "code/__torch__.py": b"x = ops.aten.save(y, 'f')"}
    )
    assert _scan(hostile, tmp_path).judgement.safety is Safety.DANGEROUS


def test_large_bytes_stay_where_they_are(tmp_path: Path) -> None:
    data = whole(value({"a": 1}) + b"0" + binary(bytes(70 << 20)), 3)
    scanned = _scan(data, tmp_path)
    assert scanned.judgement.safety is Safety.CLEAN


def test_duplicate_members_are_all_looked_at(tmp_path: Path) -> None:
    with pytest.warns(UserWarning), zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("a/data.pkl", whole(call("os", "getcwd")))
        archive.writestr("a/data.pkl", whole(value({})))
        archive.writestr("a/version", "3\n")
    assert scan(tmp_path / "a.pt").judgement.safety is Safety.DANGEROUS


def test_many_files_on_several_processes(tmp_path: Path) -> None:
    for index in range(80):
        (tmp_path / f"{index}.pt").write_bytes(CLEAN["numbers"])
    found = list(scan_many([str(tmp_path / f"{index}.pt") for index in range(80)], processes=2))
    assert [one.path for one in found] == [str(tmp_path / f"{index}.pt") for index in range(80)]
    assert {one.judgement.safety for one in found} == {Safety.CLEAN}


@pytest.mark.parametrize(
    ("title", "code"), [("state dict", 0), ("missing storage", 2), ("dangerous", 1), ("unknown", 1)]
)
def test_exit_codes(title: str, code: int, tmp_path: Path) -> None:
    files = {
        **CLEAN,
        **UNREADABLE,
        "dangerous": whole(call("os", "getcwd")),
        "unknown": whole(name("my", "Thing") + b")\x81"),
    }
    path = tmp_path / "a.pt"
    path.write_bytes(files[title])
    result = CliRunner().invoke(command, ["scan", str(path)], standalone_mode=False)
    assert result.return_value == code
    assert str(path) in result.output


def test_a_folder_leaves_out_what_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("hello")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "a.pt").write_bytes(CLEAN["numbers"])
    result = CliRunner().invoke(command, ["scan", str(tmp_path)], standalone_mode=False)
    assert result.return_value == 0
    assert "2 other files" in result.output
    result = CliRunner().invoke(command, ["scan", str(tmp_path / "README.md")], standalone_mode=False)
    assert result.return_value == 2


def test_json_is_the_report(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(whole(call("os", "getcwd")))
    result = CliRunner().invoke(command, ["scan", str(path), "--format", "json"], standalone_mode=False)
    document = json.loads(result.output)
    schema = json.loads(Path(report_json.__file__).with_name("schema.json").read_text())
    jsonschema.validate(document, schema)
    assert document["verdict"] == "broken"
    assert document["findings"][0]["kind"] == "unsafe"
    assert document["artifacts"][0]["verdict"] == "dangerous"


@pytest.mark.parametrize("form", ["sarif", "markdown", "junit", "github"])
def test_other_formats(form: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(whole(call("os", "getcwd")))
    result = CliRunner().invoke(command, ["scan", str(path), "--format", form], standalone_mode=False)
    assert "os.getcwd" in result.output


def test_names_cannot_steer_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(whole(name("evil\x1b[2J", "x")))
    result = CliRunner().invoke(command, ["scan", str(path)], standalone_mode=False)
    assert "\x1b" not in result.output
