"""A small demo city written once, and the settings of a home of its own over the session's S3."""

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
    """The session's servers, but drops, feeds, truth and buckets of this city alone."""
    return settings.model_copy(
        update={
            "home": home,
            "s3_bucket_prefix": prefix,
            "s3_endpoint": settings.s3_address,
            "s3_access_key": _secret(settings.s3_access[0]),
            "s3_secret_key": _secret(settings.s3_access[1]),
            "demo_enterprises": ENTERPRISES,
        }
    )


def _secret(value: str):  # type: ignore[no-untyped-def]
    from pydantic import SecretStr

    return SecretStr(value)


@pytest.fixture(scope="session")
def city(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> WrittenCity:
    own = settings_of_city(settings, tmp_path_factory.mktemp("city"), "city-")
    return WrittenCity(own, write_city(own, STARTED))
