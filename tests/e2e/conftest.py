"""One whole platform for the session: `citybrain up` with a small demo city, in a home and on ports of its
own.
"""

import subprocess
import time
from collections.abc import Iterator

import pytest
from whole_city import CITYBRAIN, RunningCity, own_city, standing_city

from citybrain.settings import Settings, get_settings


def settings_under(environment: dict[str, str]) -> Settings:
    """The settings that a process with this environment would have."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        get_settings.cache_clear()
        settings = get_settings()
    get_settings.cache_clear()
    return settings


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
