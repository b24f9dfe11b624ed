"""A small demo city written once, and settings of a city of its own over the session's servers."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from citybrain.settings import Settings
from citybrain.simulate import CityReport, write_city

STARTED = datetime(2026, 3, 18, 2, 7, tzinfo=UTC)
ENTERPRISES = 3000


@dataclass(frozen=True)
class WrittenCity:
    settings: Settings
    report: CityReport


def settings_of_city(settings: Settings, home: Path, prefix: str) -> Settings:
    """The session's servers and passwords, but drops, feeds, truth and buckets of this city alone."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "secrets").symlink_to(settings.secrets_dir)
    own = {"home": home, "s3_bucket_prefix": prefix, "demo_enterprises": ENTERPRISES}
    return settings.model_copy(update=own)


@pytest.fixture(scope="session")
def city(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> WrittenCity:
    own = settings_of_city(settings, tmp_path_factory.mktemp("city"), "city-")
    return WrittenCity(own, write_city(own, STARTED))
