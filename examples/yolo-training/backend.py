"""A backend that trains on request: it holds its environment for as long as it runs."""

from __future__ import annotations

import csv
import json
import pickle
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from ultralytics import YOLO


def train(weights: Path, data: Path, runs: Path) -> dict[str, float]:
    """Train an epoch from some weights; its losses and metrics, as they stand in the last row of ``results.csv``."""
    model = YOLO(str(weights))
    model.train(
        data=str(data), epochs=1, imgsz=32, batch=4, device="cpu", workers=0, project=str(runs), plots=False, amp=False
    )
    with (Path(model.trainer.save_dir) / "results.csv").open() as stream:
        *_, last = csv.DictReader(stream, skipinitialspace=True)
    return {name.strip(): float(value) for name, value in last.items()}


class Handler(BaseHTTPRequestHandler):
    """``POST /`` with ``{"weights": ..., "data": ..., "runs": ...}`` trains, and answers with the metrics."""

    def do_POST(self) -> None:
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            status, answer = 200, train(Path(order["weights"]), Path(order["data"]), Path(order["runs"]))
        except (pickle.UnpicklingError, RuntimeError, OSError) as error:
            status, answer = 500, {"error": f"{type(error).__name__}: {error}"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(f"listening on port {server.server_port}", flush=True)
    server.serve_forever()
