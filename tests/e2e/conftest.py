"""One whole platform for the session: `citybrain up` with a small demo city, in a home and on ports of its
own.
"""

import subprocess
import time
from collections.abc import Iterator

import pytest
from whole_city import CITYBRAIN, RunningCity, own_city, settings_under, standing_city


@pytest.fixture(scope="package")
def running_city() -> Iterator[RunningCity]:
    """The platform after its first `citybrain up`: everything runs, the main job is done, dashboards
    stand. Or the one that `CITYBRAIN_TEST_PLATFORM` names, for tests that change nothing of it.
    """
    standing = standing_city()
    if standing is not None:
        yield RunningCity(settings_under(standing), standing, "", 0.0)
        return
    with own_city() as environment:
        settings = settings_under(environment)
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
