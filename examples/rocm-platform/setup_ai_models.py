"""Installs what the models need."""

import subprocess
import sys

REQUIRED_PACKAGES = [
    "torch>=2.3.0",
    "torchvision>=0.18.0",
    "transformers>=4.35.0",
    "diffusers>=0.25.0",
]

for package in REQUIRED_PACKAGES:
    subprocess.check_call([sys.executable, "-m", "pip", "install", package])
