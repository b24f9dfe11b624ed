"""A register of cameras, a folder of stills, and a network that reads what the test has drawn."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from patrol_city import CAMERAS, COMPOUND_ROWS, City, camera_rows, only_cameras, write_detector

from citybrain.settings import DatabaseRole, Settings, get_settings
from citybrain.warehouse.connection import connect
from standing_in import standing_in

_MARTS = {
    "dim_compound": "(compound_id text, compound_name text, area_code text, county_code text,"
    " community_name text, property_company_id text, property_company_name text)",
    "dim_camera": "(camera_id text, camera_name text, compound_id text, scenario text, area_code text,"
    " lon numeric(9, 6), lat numeric(9, 6), snapshot_url text, origin text, enabled boolean)",
}


@pytest.fixture(scope="session")
def register(desk: Settings) -> Iterator[Settings]:
    """The marts the patrol reads; those of dbt stand aside meanwhile."""
    with standing_in(desk, _MARTS, [DatabaseRole.WATCHER, DatabaseRole.DESK]) as dbt:
        dbt.cursor().executemany(
            "INSERT INTO marts.dim_compound VALUES (%s, %s, %s, %s, %s, %s, %s)", COMPOUND_ROWS
        )
        yield desk


@pytest.fixture
def city(register: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    """Cameras of this test alone, under a detector with a lane for each; no look or photo of another test
    waits.
    """
    mark = uuid.uuid4().hex[:6]
    cameras = [f"{mark}F{number:03}" for number in range(CAMERAS)]
    only_cameras(register, camera_rows(cameras))
    project = tmp_path / "project"
    write_detector(project, cameras)
    monkeypatch.setenv("CITYBRAIN_PROJECT", str(project))
    monkeypatch.setenv("CITYBRAIN_DROP_FOLDER", str(tmp_path / "drop"))
    get_settings.cache_clear()
    settings = get_settings()
    assert os.environ["CITYBRAIN_HOME"] == str(settings.home)
    with connect(settings, DatabaseRole.WATCHER, autocommit=True) as watcher:
        yield City(settings, watcher, cameras)
    get_settings.cache_clear()
