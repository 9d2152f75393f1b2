from __future__ import annotations

from pathlib import Path

import backend
import prepare
import pytest
import torch
from ultralytics import YOLO


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare.images(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare.weights(tmp_path_factory.mktemp("weights") / "start.pt")


def test_every_image_has_a_label(data: Path) -> None:
    names = {path.stem for path in (data.parent / "images").iterdir()}
    assert names == {path.stem for path in (data.parent / "labels").iterdir() if path.suffix == ".txt"}


def test_the_model_is_built_from_its_description() -> None:
    model = YOLO(str(prepare.HOME / "model.yaml"), task="detect").model
    assert sum(parameter.numel() for parameter in model.parameters()) > 1000


def test_the_model_predicts() -> None:
    model = YOLO(str(prepare.HOME / "model.yaml"), task="detect").model.eval()
    with torch.no_grad():
        assert torch.isfinite(model(torch.zeros(1, 3, 32, 32))[0]).all()


def test_weights_are_loaded(start: Path) -> None:
    assert YOLO(str(start)).names == {0: "0", 1: "1"}


def test_an_epoch_is_trained(start: Path, data: Path, tmp_path: Path) -> None:
    metrics = backend.train(start, data, tmp_path)
    assert metrics["val/box_loss"] > 0
    assert (tmp_path / "train" / "weights" / "last.pt").is_file()


def test_training_goes_on_from_its_own_weights(start: Path, data: Path, tmp_path: Path) -> None:
    backend.train(start, data, tmp_path)
    assert backend.train(tmp_path / "train" / "weights" / "last.pt", data, tmp_path)["val/box_loss"] > 0
