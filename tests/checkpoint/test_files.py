"""Verifying, comparing, listing and converting, on files that need no torch."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.checkpoint.build import safetensors_file, torch_file
from tests.checkpoint.ops import name, text, value, whole
from torchlink.checkpoint.convert import VALUES, to_safetensors
from torchlink.checkpoint.diff import compare, entries_of, renamed
from torchlink.checkpoint.extract import extract
from torchlink.checkpoint.inspect import content, inspect
from torchlink.checkpoint.listing import list_checkpoints
from torchlink.checkpoint.repair import repair
from torchlink.checkpoint.to_torch import to_torch
from torchlink.checkpoint.verify import verify, verify_index
from torchlink.cli.checkpoint import command
from torchlink.model.errors import TorchlinkError, UnreadableError

SHAPES = {"layer.weight": (3, 4), "layer.bias": (3,), "scale": ()}


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], standalone_mode=False)
    if result.exception:
        raise result.exception
    return int(result.return_value or 0), result.output


def test_verify_finds_flipped_bits(tmp_path: Path) -> None:
    path = torch_file(tmp_path / "a.pt", SHAPES, epoch=3)
    assert verify(path).problems == ()
    data = bytearray(path.read_bytes())
    at = data.find(b"\x00\x00\x80\x3f")
    data[at] ^= 1
    path.write_bytes(data)
    problems = verify(path).problems
    assert len(problems) == 1
    assert "data/" in problems[0]
    assert run("verify", path)[0] == 1


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.99])
def test_verify_finds_truncation(tmp_path: Path, keep: float) -> None:
    for path in (torch_file(tmp_path / "a.pt", SHAPES), safetensors_file(tmp_path / "a.safetensors", SHAPES)):
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * keep)])
        assert verify(path).problems


def test_verify_reads_checksums_beside_the_file(tmp_path: Path) -> None:
    path = torch_file(tmp_path / "a.pt", SHAPES)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  a.pt\n{'0' * 64}  b.pt\n")
    assert verify(path).problems == ()
    assert "sha256 in SHA256SUMS" in verify(path).checked
    (tmp_path / "a.pt.md5").write_text("0" * 32)
    assert "md5" in verify(path).problems[0]
    named = torch_file(tmp_path / f"net-{digest[:8]}.pth", SHAPES)
    assert ("its name" in str(verify(named).problems)) == (
        not hashlib.sha256(named.read_bytes()).hexdigest().startswith(digest[:8])
    )


def test_verify_index(tmp_path: Path) -> None:
    safetensors_file(tmp_path / "a.safetensors", {"one": (2,)})
    safetensors_file(tmp_path / "b.safetensors", {"two": (3,), "three": (1,)})
    index = tmp_path / "model.safetensors.index.json"
    weight_map = {"one": "a.safetensors", "two": "b.safetensors", "three": "b.safetensors"}
    index.write_text(json.dumps({"metadata": {"total_size": 24}, "weight_map": weight_map}))
    assert verify_index(index).problems == ()
    weight_map["four"] = "b.safetensors"
    weight_map["five"] = "c.safetensors"
    del weight_map["three"]
    index.write_text(json.dumps({"weight_map": weight_map}))
    problems = " ".join(verify_index(index).problems)
    assert "four is not in b.safetensors" in problems
    assert "c.safetensors" in problems
    assert "three is in b.safetensors" in problems
    index.write_text("[]")
    with pytest.raises(UnreadableError):
        verify_index(index)


def test_diff_and_renaming(tmp_path: Path) -> None:
    left = entries_of(torch_file(tmp_path / "a.pt", {f"module.{key}": shape for key, shape in SHAPES.items()}, epoch=1))
    right = entries_of(
        safetensors_file(tmp_path / "b.safetensors", {**SHAPES, "layer.weight": (3, 5), "position_ids": (1,)})
    )
    found = compare(left, right)
    assert found.renaming is not None
    assert renamed("module.layer.weight", found.renaming) == "layer.weight"
    fitted = compare({renamed(key, found.renaming): entry for key, entry in left.items()}, right)
    assert [one.name for one in fitted.shapes] == ["layer.weight"]
    assert fitted.missing == ("position_ids",)
    assert fitted.harmless == ("position_ids",)
    assert not fitted.equal
    code, output = run("diff", tmp_path / "a.pt", tmp_path / "b.safetensors")
    assert code == 1
    assert "module." in output
    assert run("diff", tmp_path / "a.pt", tmp_path / "a.pt")[0] == 0


def test_diff_with_a_list_of_keys(tmp_path: Path) -> None:
    path = torch_file(tmp_path / "a.pt", SHAPES)
    keys = tmp_path / "keys.txt"
    keys.write_text("layer.weight\nlayer.bias\nhead.weight\n")
    found = compare(entries_of(path), entries_of(keys))
    assert found.missing == ("head.weight",)
    assert found.unexpected == ("scale",)
    shapes = tmp_path / "keys.json"
    shapes.write_text(
        json.dumps({"layer.weight": [3, 4], "layer.bias": {"shape": [9], "dtype": "torch.float32"}, "scale": []})
    )
    assert [one.name for one in compare(entries_of(path), entries_of(shapes)).shapes] == ["layer.bias"]


def test_list(tmp_path: Path) -> None:
    for step, loss in ((100, 0.9), (200, 0.4), (300, 0.6)):
        torch_file(tmp_path / f"step_{step}.pt", SHAPES, global_step=step, epoch=step // 100, val_loss=loss)
    whole_file = torch_file(tmp_path / "step_400.pt", SHAPES, global_step=400, val_loss=0.1)
    os.truncate(whole_file, whole_file.stat().st_size - 40)
    (tmp_path / "notes.txt").write_text("x")
    folder = tmp_path / "checkpoint-350"
    folder.mkdir()
    safetensors_file(folder / "model.safetensors", SHAPES)
    (folder / "trainer_state.json").write_text(
        json.dumps({"global_step": 350, "epoch": 3.5, "log_history": [{"eval_loss": 0.5}]})
    )
    found = {Path(one.path).name: one for one in list_checkpoints(tmp_path)}
    assert set(found) == {"step_100.pt", "step_200.pt", "step_300.pt", "step_400.pt", "checkpoint-350"}
    assert found["step_400.pt"].torn
    assert found["checkpoint-350"].latest
    assert found["step_200.pt"].best
    assert found["step_300.pt"].losses == {"val_loss": 0.6}
    code, output = run("list", tmp_path)
    assert code == 1
    assert "torn" in output
    assert len(json.loads(run("list", tmp_path, "--format", "json")[1])) == 5


def test_convert_there_and_back(tmp_path: Path) -> None:
    path = torch_file(tmp_path / "a.pt", SHAPES, epoch=3, name="x")
    done = to_safetensors(path, tmp_path / "a.safetensors")
    assert done.tensors == 3
    assert verify(tmp_path / "a.safetensors").problems == ()
    found, _ = inspect(tmp_path / "a.safetensors")
    assert json.loads(found.metadata[VALUES]) == {"epoch": 3, "name": "x"}
    to_torch(tmp_path / "a.safetensors", tmp_path / "b.pt")
    back = entries_of(tmp_path / "b.pt")
    assert {key.removeprefix("model."): entry for key, entry in back.items()} == entries_of(path)
    assert to_safetensors(path, tmp_path / "c.safetensors", part="model").files[0].exists()
    assert set(entries_of(tmp_path / "c.safetensors")) == set(SHAPES)
    with pytest.raises(TorchlinkError, match="exists"):
        to_safetensors(path, tmp_path / "a.safetensors")
    with pytest.raises(TorchlinkError, match="no part 'nothing'"):
        to_safetensors(path, tmp_path / "d.safetensors", part="nothing")
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]


def test_convert_by_the_command_line(tmp_path: Path) -> None:
    path = torch_file(tmp_path / "a.pt", SHAPES, epoch=3)
    code, output = run("convert", path, "--max-shard-size", "50B")
    assert code == 0
    assert "3 tensors" in output
    assert (tmp_path / "a.safetensors.index.json").exists()
    assert verify_index(tmp_path / "a.safetensors.index.json").problems == ()


def _object_file(path: Path) -> Path:
    """A whole object of a class that exists nowhere."""
    module = name("my.models", "Net") + b")\x81}("
    for attribute in ("_parameters", "_buffers", "_modules"):
        module += text(attribute) + b"}"
    path.write_bytes(whole(module + text("settings") + value({"a": 1}) + b"ub"))
    return path


def test_repair_turns_objects_into_dictionaries(tmp_path: Path) -> None:
    namespace = name("argparse", "Namespace") + b")\x81}" + text("lr") + value(0.5) + b"sb"
    path = tmp_path / "a.pt"
    path.write_bytes(whole(b"}" + text("args") + namespace + b"s"))
    done = repair(path, tmp_path / "b.pt")
    assert list(done.changes) == ["an object of argparse.Namespace became a dict"]
    found, _ = inspect(tmp_path / "b.pt")
    assert content(found)["tree"] == {"args": {"lr": 0.5}}


def test_repair_refuses_what_it_cannot_make_safe(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(whole(b"}" + text("x") + name("my.code", "make") + value((1,)) + b"Rs"))
    with pytest.raises(TorchlinkError, match=r"x \(what my\.code\.make makes\)"):
        repair(path, tmp_path / "b.pt")
    path.write_bytes(whole(name("os", "getcwd") + b")R"))
    with pytest.raises(TorchlinkError, match="dangerous"):
        repair(path, tmp_path / "b.pt")
    assert not (tmp_path / "b.pt").exists()


def test_extract_needs_something_to_extract(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(whole(value({"epoch": 1})))
    with pytest.raises(TorchlinkError, match="no module"):
        extract(path, tmp_path / "b.pt")
    done = extract(_object_file(path), tmp_path / "c.pt")
    assert done.label == "my.models.Net"


def test_inspect_by_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    path = torch_file(tmp_path / "a.pt", SHAPES, epoch=3, loss=0.25)
    code, output = run("inspect", path)
    assert code == 0
    assert "tensor 3×4 float32" in output
    assert "epoch 3, loss 0.25" in output
    document = json.loads(run("inspect", path, "--format", "json")[1])
    assert document["artifacts"][0]["content"]["parameters"] == 16


def test_remote_files_are_read_in_ranges(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    from torchlink.checkpoint.reader import read_contents
    from torchlink.checkpoint.remote import open_remote

    path = torch_file(tmp_path / "a.pt", {"big": (2000, 1000), "small": (3,)}, epoch=3)
    with fsspec.open("memory://bucket/a.pt", "wb") as target:
        target.write(path.read_bytes())
    source = open_remote("memory://bucket/a.pt")
    contents = read_contents(source)
    assert len(contents.storages) == 2
    assert not contents.problems
    assert source.transferred < 300_000 < path.stat().st_size
