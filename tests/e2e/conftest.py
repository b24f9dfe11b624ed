"""One whole platform for the session: `citybrain up` with a small demo city, in a home and on ports of its
own.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from whole_city import CITYBRAIN, RunningCity

from citybrain.settings import get_settings
from citybrain.stack.ports import free_ports

PORTS = (
    "POSTGRES",
    "S3",
    "S3_MASTER",
    "S3_VOLUME",
    "S3_FILER",
    "AIRFLOW",
    "SUPERSET",
    "FEEDS",
    "PAGES",
    "DESK",
)
FIRMS = 600


@pytest.fixture(scope="package")
def running_city() -> Iterator[RunningCity]:
    """The platform after its first `citybrain up`: everything runs, the main job is done, dashboards
    stand.
    """
    home = Path(tempfile.mkdtemp(prefix="citybrain-e2e-", dir="/tmp"))
    home.chmod(0o711)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("CITYBRAIN_")]:
            patch.delenv(name)
        patch.setenv("CITYBRAIN_HOME", str(home))
        patch.setenv("CITYBRAIN_DEMO_ENTERPRISES", str(FIRMS))
        for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True):
            patch.setenv(f"CITYBRAIN_{name}_PORT", str(port))
        environment = dict(os.environ)
        get_settings.cache_clear()
        settings = get_settings()
    get_settings.cache_clear()
    started = time.monotonic()
    try:
        first = subprocess.run(
            [CITYBRAIN, "up"], env=environment, capture_output=True, text=True, check=False
        )
        if first.returncode != 0:
            pytest.fail(f"citybrain up: {first.stdout}\n{first.stderr}", pytrace=False)
        yield RunningCity(settings, environment, first.stdout, time.monotonic() - started)
    finally:
        subprocess.run([CITYBRAIN, "down"], env=environment, capture_output=True, check=False)
        shutil.rmtree(home)
