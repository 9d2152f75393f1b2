"""The tag of torch's builds for a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchlink.cli.main import run
from torchlink.model.errors import TorchlinkError
from torchlink.model.machine import Gpu, Machine, Vendor
from torchlink.pins import backends
from torchlink.pins.backends import best_tag, chosen_tag
from torchlink.read.http import UnreachableError

TAGS = ("cpu", "cu118", "cu124", "cu126", "rocm6.1", "rocm6.2.4", "xpu")
NVIDIA = Gpu(vendor=Vendor.NVIDIA, name="H100", architecture="sm_90")
AMD = Gpu(vendor=Vendor.AMD, name="MI300X", architecture="gfx942")


def machine(*gpus: Gpu, driver: str = "", cuda: str = "", rocm: str = "") -> Machine:
    return Machine(system="linux", processor="x86_64", gpus=gpus, nvidia_driver=driver, driver_cuda=cuda, rocm=rocm)


@pytest.mark.parametrize(
    ("target", "tag"),
    [
        (machine(), "cpu"),
        (machine(NVIDIA, driver="580.65.06", cuda="13.0"), "cu126"),
        (machine(NVIDIA, driver="550.54.15", cuda="12.4"), "cu124"),
        (machine(NVIDIA, driver="525.60.13", cuda="12.0"), "cu118"),
        (machine(NVIDIA, driver="470.57.02", cuda="11.4"), "cu118"),
        (machine(AMD), "rocm6.2.4"),
        (machine(AMD, rocm="6.1.3"), "rocm6.1"),
    ],
)
def test_the_newest_that_the_machine_bears(target: Machine, tag: str) -> None:
    assert best_tag(TAGS, target) == tag


def test_none_fits() -> None:
    with pytest.raises(TorchlinkError, match="no build is for this machine"):
        best_tag(TAGS, machine(NVIDIA, driver="440.33", cuda="10.2"))


def test_what_the_index_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "tags_of", lambda version: TAGS)
    assert chosen_tag("cu126", "2.6.0", machine()) == ("cu126", "")
    assert chosen_tag("auto", "2.6.0", machine()) == ("cpu", "")
    with pytest.raises(TorchlinkError, match=r"no \+cu121 build"):
        chosen_tag("cu121", "2.6.0", machine())
    with pytest.raises(TorchlinkError, match="is no tag"):
        chosen_tag("cuda12", "2.6.0", machine())


def unreached(version: str) -> tuple[str, ...]:
    raise UnreachableError("no network")


def test_without_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "tags_of", unreached)
    tag, told = chosen_tag("cu126", "2.6.0", machine())
    assert (tag, "unknown" in told) == ("cu126", True)
    with pytest.raises(TorchlinkError, match="is not reached"):
        chosen_tag("auto", "2.6.0", machine(NVIDIA))


def test_a_project_is_set_to_a_tag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(backends, "tags_of", unreached)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    text = "--extra-index-url https://download.pytorch.org/whl/rocm5.7\ntorch==2.3.1+rocm5.7\n"
    (tmp_path / "requirements.txt").write_text(text, encoding="utf-8")
    assert run(["pins", "set", "--backend", "cu121", "--project", str(tmp_path), "--offline"]) == 0
    assert (tmp_path / "requirements.txt").read_text(encoding="utf-8") == text.replace("rocm5.7", "cu121")
    assert "unknown" in capsys.readouterr().err
    assert run(["pins", "set", "--project", str(tmp_path)]) == 2
