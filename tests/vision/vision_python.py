"""Runs a script beside this file in the vision environment, which has torch and OpenCV."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from citybrain.settings import SOURCE_TREE

PYTHON = SOURCE_TREE / ".venv-vision" / "bin" / "python"
SCRIPTS = Path(__file__).parent / "scripts"

needs_vision = pytest.mark.skipif(
    not PYTHON.exists(), reason=f"{PYTHON} is missing: scripts/bootstrap.sh test installs it"
)


def run_there(script: str, home: Path, *arguments: str | Path, seconds: float = 120) -> Any:
    """The last line that `scripts/<script>` prints, read as JSON. Fails with its output when it fails."""
    done = subprocess.run(
        [PYTHON, SCRIPTS / script, *arguments],
        env=os.environ | {"CITYBRAIN_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])
