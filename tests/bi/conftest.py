"""A copy of the content rooms that a test may spoil."""

import shutil
from pathlib import Path

import pytest

from citybrain.bi.checks import Dashboards
from citybrain.bi.content import load_dashboards
from citybrain.settings import SOURCE_TREE, Settings


@pytest.fixture
def room(tmp_path: Path) -> Settings:
    """Settings over a project of its own with our dashboards and the marts that dbt declares."""
    shutil.copytree(SOURCE_TREE / "dashboards", tmp_path / "dashboards")
    marts = Path("dbt_project", "models", "marts")
    shutil.copytree(SOURCE_TREE / marts, tmp_path / marts)
    sources = Path("dags", "sources")
    shutil.copytree(SOURCE_TREE / sources, tmp_path / sources)
    return Settings(project=tmp_path, home=tmp_path / "home")


@pytest.fixture
def small_room(room: Settings) -> Settings:
    """The same with three dashboards and no wall: reading all 24 takes a second each time."""
    for path in (room.dashboards_dir / "scenarios").glob("*.yml"):
        if path.stem not in ("air_quality", "event_situation", "city_overview"):
            path.unlink()
    for path in (room.dashboards_dir / "wall").glob("*.yml"):
        path.unlink()
    return room


@pytest.fixture(scope="session")
def content(tmp_path_factory: pytest.TempPathFactory) -> Dashboards:
    """The checkout's own content, checked."""
    return load_dashboards(Settings(project=SOURCE_TREE, home=tmp_path_factory.mktemp("home")))
