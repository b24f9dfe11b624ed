"""One whole platform for the session: `citybrain up` with a small demo city, in a home and on ports of its
own.
"""

import subprocess
import time
from collections.abc import Iterator

import pytest
from whole_city import CITYBRAIN, RunningCity, own_city

from citybrain.settings import get_settings


@pytest.fixture(scope="package")
def running_city() -> Iterator[RunningCity]:
    """The platform after its first `citybrain up`: everything runs, the main job is done, dashboards
    stand.
    """
    with own_city() as environment:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
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
