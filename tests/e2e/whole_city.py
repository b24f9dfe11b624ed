"""A running platform as tests see it."""

import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from citybrain.settings import Settings, get_settings
from citybrain.stack.ports import free_ports

CITYBRAIN = Path(sysconfig.get_path("scripts")) / "citybrain"
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
    "MQTT",
)
FIRMS = 600


STANDING = "CITYBRAIN_TEST_PLATFORM"
"""Name of the variable with the home of a platform that stands: tests then use it, and start none."""


def settings_under(environment: dict[str, str]) -> Settings:
    """The settings that a process with this environment would have."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        get_settings.cache_clear()
        settings = get_settings()
    get_settings.cache_clear()
    return settings


def standing_city() -> dict[str, str] | None:
    """The environment of the platform that stands, if one is named."""
    home = os.environ.get(STANDING)
    return {**os.environ, "CITYBRAIN_HOME": home} if home else None


@contextmanager
def own_city() -> Iterator[dict[str, str]]:
    """The environment of another platform: free ports, a small demo city, a home that goes in the end."""
    home = Path(tempfile.mkdtemp(prefix="citybrain-e2e-", dir="/tmp"))
    home.chmod(0o711)
    ports = zip(PORTS, free_ports(len(PORTS)), strict=True)
    try:
        yield {
            **{name: value for name, value in os.environ.items() if not name.startswith("CITYBRAIN_")},
            **{f"CITYBRAIN_{name}_PORT": str(port) for name, port in ports},
            "CITYBRAIN_HOME": str(home),
            "CITYBRAIN_DEMO_ENTERPRISES": str(FIRMS),
        }
    finally:
        shutil.rmtree(home)


@dataclass(frozen=True)
class RunningCity:
    """The settings of the running platform, what `citybrain up` printed and how long it took."""

    settings: Settings
    environment: dict[str, str]
    printed: str
    seconds: float

    def citybrain(self, *arguments: str, timeout: float = 900) -> "subprocess.CompletedProcess[str]":
        """Run a verb against this platform."""
        return subprocess.run(
            [CITYBRAIN, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
