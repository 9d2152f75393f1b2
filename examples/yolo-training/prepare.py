"""What a user of the backend brings: a data set, and weights that ultralytics saved, a pickled ``DetectionModel``."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from ultralytics import YOLO

SIZE, COUNT = 32, 8
HOME = Path(__file__).parent


def images(folder: Path) -> Path:
    """Draw squares of two colours on noise, with their labels; the file that describes the set."""
    chance = np.random.default_rng(0)
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number in range(COUNT):
        image = chance.integers(0, 60, (SIZE, SIZE, 3), dtype=np.uint8)
        kind, left, top, width = number % 2, *chance.integers(4, 14, 2), 12
        image[top : top + width, left : left + width] = (255, 255, 255) if kind else (0, 0, 255)
        box = [(left + width / 2) / SIZE, (top + width / 2) / SIZE, width / SIZE, width / SIZE]
        cv2.imwrite(str(folder / "images" / f"{number}.png"), image)
        (folder / "labels" / f"{number}.txt").write_text(" ".join(map(str, [kind, *box])))
    described = folder / "data.yaml"
    described.write_text(f"path: {folder}\ntrain: images\nval: images\nnames: [red, white]\n")
    return described


def weights(file: Path) -> Path:
    """Save a model as ultralytics does: the object itself, not its numbers."""
    model = YOLO(str(HOME / "model.yaml"), task="detect").model
    torch.save({"epoch": -1, "model": model.half(), "train_args": {}, "date": "", "version": "8.1.0"}, file)
    return file


if __name__ == "__main__":
    print(images(HOME.absolute() / "data"), weights(HOME / "start.pt"))
