"""Inference as YOLOv5 does it: letterbox, forward, non-maximum suppression, and the boxes as a pandas table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
import torchvision

COLUMNS = ["xmin", "ymin", "xmax", "ymax", "confidence", "class"]


def letterbox(image: np.ndarray, size: int = 64) -> np.ndarray:
    """Scale an image by whole steps and pad it to a square."""
    step = max(1, int(np.ceil(max(image.shape[:2]) / size)))
    small = image[::step, ::step]
    square = np.full((size, size, 3), 114, dtype=np.uint8)
    square[: small.shape[0], : small.shape[1]] = small
    return square


def to_tensor(image: np.ndarray) -> torch.Tensor:
    """HWC bytes to CHW floats."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float() / 255


def network(classes: int = 2) -> torch.nn.Module:
    """A very small stand-in for the model: boxes on a grid of 8 × 8."""
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, stride=4, padding=1), torch.nn.SiLU(), torch.nn.Conv2d(8, 5 + classes, 1, stride=2)
    )


def decode(raw: torch.Tensor, size: int = 64) -> torch.Tensor:
    """The grid's values as rows of box, confidence and class."""
    grid = raw.shape[-1]
    rows, columns = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    centre = torch.stack((columns, rows)) * (size / grid) + size / grid / 2
    half = raw[2:4].sigmoid() * size / 4
    score, kind = (raw[4].sigmoid() * raw[5:].softmax(0)).max(0)
    boxes = torch.cat((centre - half, centre + half, score[None], kind[None].float()))
    return boxes.flatten(1).T


def suppress(boxes: torch.Tensor, iou: float = 0.45) -> torch.Tensor:
    """Keep the best of boxes that overlap."""
    return boxes[torchvision.ops.nms(boxes[:, :4], boxes[:, 4], iou)]


def table(boxes: torch.Tensor) -> pd.DataFrame:
    """Boxes as a table, as ``results.pandas().xyxy`` gives them."""
    return pd.DataFrame(boxes.numpy(), columns=COLUMNS)


@torch.no_grad()
def detect(image: np.ndarray) -> pd.DataFrame:
    """All of it."""
    return table(suppress(decode(network()(to_tensor(letterbox(image))[None])[0])))


if __name__ == "__main__":
    print(detect(np.random.default_rng(0).integers(0, 255, (100, 200, 3), dtype=np.uint8)).head())
