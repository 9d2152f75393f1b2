#!/bin/bash
set -euo pipefail

ROCM_INDEX="https://download.pytorch.org/whl/rocm5.7"

pip install "numpy>=1.24,<2.0"
pip install torch==2.2.0+rocm5.7 torchvision==0.17.0+rocm5.7 --index-url "$ROCM_INDEX"
