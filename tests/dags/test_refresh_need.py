"""When is there something to build? Against the real tables, with a copy of the real project."""

import shutil
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.refresh_need import (
    BUILD_LOCK,
    OPERATIONS,
    built_from,
    note_built_from,
    project_hash,
    wait_for_build,
    why_build,
    why_build_operations,
)

pytestmark = pytest.mark.integration
PROJECT = Path(__file__).parents[2]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def city(clean_city: Settings, desk: Settings, tmp_path: Path) -> Settings:
    """The test's database under a project of its own, whose files the test may change."""
    ignored = shutil.ignore_patterns("target", "logs", "dbt_packages", "__pycache__")
    shutil.copytree(PROJECT / "dbt_project", tmp_path / "dbt_project", ignore=ignored)
    shutil.copytree(PROJECT / "dags" / "sources", tmp_path / "dags" / "sources")
    return clean_city.model_copy(update={"project": tmp_path})


def batch(city: Settings, state: str, settled_at: datetime | None) -> None:
    digest = sha256(f"{state}{settled_at}".encode()).hexdigest()
    with psycopg.connect(city.dsn(DatabaseRole.LOADER)) as connection:
        connection.execute(
            "INSERT INTO meta.batch (dataset, object_key, sha256, bytes, source_name, source_version,"
            " logical_date, state, reason, settled_at)"
            " VALUES ('water_stage', %s, %s, 1, 'a', '1', '2026-03-01', %s, 'test', %s)",
            [digest, digest, state, settled_at],
        )


def run(city: Settings, outcome: str, started_at: datetime, selection: str | None = None) -> None:
    with psycopg.connect(city.dsn(DatabaseRole.TRANSFORMER)) as connection:
        connection.execute(
            "INSERT INTO meta.transform_run (command, selection, started_at, finished_at, outcome)"
            " VALUES ('build', %s, %s, %s, %s)",
            [selection, started_at, started_at + timedelta(minutes=1), outcome],
        )


def test_nothing_was_ever_loaded(city: Settings) -> None:
    assert why_build(city) is None
    batch(city, "landed", None)
    batch(city, "refused", NOON)
    assert why_build(city) is None


def test_the_first_batch_is_a_reason(city: Settings) -> None:
    batch(city, "loaded", NOON)
    assert why_build(city) == "no good build yet, 1 batches loaded"


def test_nothing_new_after_a_good_build(city: Settings) -> None:
    batch(city, "loaded", NOON)
    run(city, "succeeded", NOON + timedelta(hours=1))
    note_built_from(city, built_from(city))
    assert why_build(city) is None


def test_a_batch_that_becomes_visible_during_the_build_is_a_reason(city: Settings) -> None:
    """Its settling time may lie before the build's start: only what the build could see tells."""
    batch(city, "loaded", NOON)
    before = built_from(city)
    batch(city, "loaded", NOON - timedelta(seconds=5))
    run(city, "succeeded", NOON + timedelta(hours=1))
    note_built_from(city, before)
    assert "1 batches loaded since" in (why_build(city) or "")


@pytest.mark.parametrize("later", [("failed", None), ("succeeded", "mart_air_quality")])
def test_a_failed_or_partial_build_settles_nothing(city: Settings, later: tuple[str, str | None]) -> None:
    run(city, "succeeded", NOON)
    note_built_from(city, built_from(city))
    batch(city, "loaded", NOON + timedelta(hours=1))
    run(city, later[0], NOON + timedelta(hours=2), later[1])
    note_built_from(city, built_from(city))
    assert "1 batches loaded since" in (why_build(city) or "")


def test_a_changed_model_or_source_is_a_reason(city: Settings) -> None:
    batch(city, "loaded", NOON)
    run(city, "succeeded", NOON + timedelta(hours=1))
    note_built_from(city, built_from(city))
    assert why_build(city) is None

    source = city.sources_dir / "water_stage.yml"
    source.write_text(source.read_text(encoding="utf-8") + "\n# a remark\n", encoding="utf-8")
    assert "changed since" in (why_build(city) or "")
    note_built_from(city, built_from(city))

    (city.dbt_dir / "models" / "new_model.sql").write_text("select 1 as one\n", encoding="utf-8")
    assert "changed since" in (why_build(city) or "")
    note_built_from(city, built_from(city))

    (city.dbt_dir / "models" / "new_model.sql").rename(city.dbt_dir / "models" / "renamed.sql")
    assert "changed since" in (why_build(city) or "")


def test_what_a_build_leaves_behind_changes_nothing(city: Settings) -> None:
    before = project_hash(city)
    for folder in ("target", "logs"):
        (city.dbt_dir / folder).mkdir(exist_ok=True)
        (city.dbt_dir / folder / "manifest.json").write_text("{}", encoding="utf-8")
    assert project_hash(city) == before


def test_another_build_is_waited_for(city: Settings) -> None:
    """Whoever decides while a build runs would build again what it is building."""
    with psycopg.connect(city.dsn(DatabaseRole.TRANSFORMER), autocommit=True) as building:
        building.execute("SELECT pg_advisory_lock(hashtext(%s))", [BUILD_LOCK])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            wait_for_build(city, timedelta(milliseconds=300))
    wait_for_build(city, timedelta(seconds=5))


def test_a_build_nobody_noted_counts_as_changed(city: Settings) -> None:
    """The command line builds too; the worst of not knowing is one build more."""
    batch(city, "loaded", NOON)
    run(city, "succeeded", NOON + timedelta(hours=1))
    assert "nobody noted" in (why_build(city) or "")


def record(city: Settings) -> None:
    """What the desk does with every change of a case and every decision."""
    with psycopg.connect(city.dsn(DatabaseRole.DESK)) as desk:
        desk.execute("SELECT ledger.append('case_opened', 'case/1', '{}')")


def test_operations_wait_for_the_first_build_of_everything(city: Settings) -> None:
    record(city)
    assert why_build_operations(city) is None
    run(city, "succeeded", NOON)
    assert "nobody noted" in (why_build_operations(city) or "")


@pytest.mark.parametrize("selection", [None, OPERATIONS])
def test_what_was_recorded_after_a_build_began_is_a_reason(city: Settings, selection: str | None) -> None:
    run(city, "succeeded", NOON)
    note_built_from(city, built_from(city))
    assert why_build_operations(city) is None
    record(city)
    assert "ledger entries" in (why_build_operations(city) or "")
    before = built_from(city)
    record(city)
    run(city, "succeeded", NOON + timedelta(hours=1), selection)
    note_built_from(city, before)
    assert "ledger entries" in (why_build_operations(city) or "")
    note_built_from(city, built_from(city))
    assert why_build_operations(city) is None


def test_a_build_of_operations_settles_nothing_else(city: Settings) -> None:
    batch(city, "loaded", NOON)
    run(city, "succeeded", NOON)
    note_built_from(city, built_from(city))
    batch(city, "loaded", NOON + timedelta(hours=1))
    run(city, "succeeded", NOON + timedelta(hours=2), OPERATIONS)
    note_built_from(city, built_from(city))
    assert "1 batches loaded since" in (why_build(city) or "")
    assert why_build_operations(city) is None


@pytest.mark.parametrize("later", [("failed", OPERATIONS), ("succeeded", "mart_event_situation")])
def test_operations_built_badly_or_in_part_are_built_again(city: Settings, later: tuple[str, str]) -> None:
    run(city, "succeeded", NOON)
    note_built_from(city, built_from(city))
    record(city)
    run(city, later[0], NOON + timedelta(hours=1), later[1])
    note_built_from(city, built_from(city))
    assert "ledger entries" in (why_build_operations(city) or "")
