from __future__ import annotations

import detect
import numpy as np
import pytest
import torch

SIZES = [(1, 1), (64, 64), (100, 200), (480, 640), (33, 65), (720, 1280)]


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def image(request: pytest.FixtureRequest) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (*request.param, 3), dtype=np.uint8)


def test_letterbox_is_square(image: np.ndarray) -> None:
    assert detect.letterbox(image).shape == (64, 64, 3)


def test_letterbox_pads_with_grey(image: np.ndarray) -> None:
    assert image.shape == (64, 64, 3) or (detect.letterbox(image) == 114).all(-1).any()


def test_image_becomes_a_tensor(image: np.ndarray) -> None:
    assert detect.to_tensor(detect.letterbox(image)).shape == (3, 64, 64)


def test_detect_gives_a_table(image: np.ndarray) -> None:
    assert list(detect.detect(image).columns) == detect.COLUMNS


@pytest.mark.parametrize("grid", [2, 4, 8, 16])
def test_decode_gives_a_row_for_each_place(grid: int) -> None:
    assert detect.decode(torch.zeros(7, grid, grid)).shape == (grid * grid, 6)


@pytest.mark.parametrize("count", [1, 2, 10, 100])
def test_suppress_keeps_one_of_equal_boxes(count: int) -> None:
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0, 0.9, 1.0]]).repeat(count, 1)
    assert len(detect.suppress(boxes)) == 1


@pytest.mark.parametrize("count", [1, 2, 10, 100])
def test_suppress_keeps_boxes_apart(count: int) -> None:
    left = torch.arange(count)[:, None] * 20.0
    boxes = torch.cat((left, left * 0, left + 10, left * 0 + 10, torch.full((count, 2), 0.5)), dim=1)
    assert len(detect.suppress(boxes)) == count


def test_the_table_has_the_values() -> None:
    assert detect.table(torch.ones(2, 6)).to_numpy().sum() == 12


def test_two_runs_are_equal() -> None:
    one, other = (detect.network().state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)
