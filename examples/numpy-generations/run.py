"""Makes the environment of this example beside it, and lets torchlink check the project in it.

    uv run examples/numpy-generations/run.py

Downloads about 75 MB. The environment is examples/numpy-generations/.venv; delete it when you are done.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent
ENVIRONMENT = PROJECT / ".venv"


def main() -> int:
    """Build, unless it is there, and check. Returns the exit code of ``torchlink check``."""
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        uv = os.environ.get("UV", "uv")
        subprocess.run([uv, "venv", "--quiet", "--python", ">=3.10,<3.12", str(ENVIRONMENT)], check=True)
        # One after the other, as environments grow: nobody resolves the whole set again.
        pins = ["--no-deps", "--requirement", str(PROJECT / "requirements.txt")]
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *pins], check=True)
    torchlink = Path(sys.executable).with_name("torchlink")
    return subprocess.run([str(torchlink), "check", str(PROJECT)]).returncode


if __name__ == "__main__":
    sys.exit(main())
