"""A display mart is swapped in only when its tests pass; a broken source leaves what people read."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from dbt_city import load

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse import transform
from citybrain.warehouse.transform import TransformReport, build_warehouse

pytestmark = pytest.mark.integration

MART = "mart_data_freshness"


@pytest.fixture
def project(
    city: Settings, built: TransformReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A copy of the dbt project that a test may break; builds run from it."""
    shutil.copytree(city.dbt_dir, tmp_path / "dbt_project")
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "sources").symlink_to(city.sources_dir)
    elsewhere = city.model_copy(update={"project": tmp_path})
    monkeypatch.setattr(transform, "get_settings", lambda: elsewhere)
    yield tmp_path / "dbt_project"


def _rows(connection: psycopg.Connection, schema: str) -> tuple[object, ...]:
    row = connection.execute(
        f"SELECT max(rows_loaded) FILTER (WHERE dataset = 'water_stage'), '{schema}.{MART}'::regclass::oid"  # type: ignore[arg-type]
        f" FROM {schema}.{MART}"
    ).fetchone()
    assert row is not None
    return row


def test_a_failing_test_keeps_yesterdays_rows_until_it_passes(
    city: Settings, project: Path, transformer: psycopg.Connection
) -> None:
    yesterday = _rows(transformer, "marts")
    load(
        city,
        "water_stage",
        [{"gauge_code": "341602W01", "observed_at": datetime(2026, 11, 22, tzinfo=UTC), "stage_m": 20.0}],
        source_version="2026-11-22T00:00:00+00:00",
        loaded_at=datetime.now(tz=UTC) - timedelta(minutes=1),
    )
    test = project / "tests" / "water_is_low.sql"
    test.write_text(
        f"select * from {{{{ ref('{MART}') }}}} where dataset = 'water_stage' and rows_loaded > 12\n"
    )

    failed = build_warehouse(select=f"{MART} stg_meta__delivery")
    assert failed.command == "build"
    assert failed.failures == ["test water_is_low: Got 1 result, configured to fail if != 0"]
    assert failed.published_marts == []
    assert _rows(transformer, "marts") == yesterday
    assert _rows(transformer, "marts_build")[0] == 13  # built beside, and held back

    test.write_text(f"select * from {{{{ ref('{MART}') }}}} where rows_loaded < 0\n")
    retried = build_warehouse(select=f"{MART} stg_meta__delivery")
    assert retried.command == "retry"
    assert [node.name for node in retried.per_node if node.kind in ("model", "test")] == ["water_is_low"]
    assert retried.published_marts == [MART]
    assert _rows(transformer, "marts")[0] == 13
    policies = transformer.execute(
        "SELECT polname FROM pg_policy WHERE polrelid = %s::regclass ORDER BY 1", (f"marts.{MART}",)
    ).fetchall()
    assert policies == [("built_by",), ("read_in_scope",)]


def test_a_renamed_raw_column_is_named_and_harms_nothing(
    city: Settings, project: Path, transformer: psycopg.Connection
) -> None:
    before = transformer.execute("SELECT count(*), max(stage_m) FROM marts.fct_water_stage").fetchone()
    with psycopg.connect(city.dsn(DatabaseRole.OWNER), autocommit=True) as owner:
        owner.execute("ALTER TABLE raw.water_stage RENAME COLUMN stage_m TO level_m")
        try:
            report = build_warehouse(select="stg_water_affairs__water_stage+")
        finally:
            owner.execute("ALTER TABLE raw.water_stage RENAME COLUMN level_m TO stage_m")
    assert len(report.failures) == 1
    assert report.failures[0].startswith("model stg_water_affairs__water_stage: Database Error")
    assert "stage_m does not exist" in report.failures[0]
    skipped = {node.name for node in report.per_node if node.status == "skipped"}
    assert "fct_water_stage" in skipped
    assert (
        transformer.execute("SELECT count(*), max(stage_m) FROM marts.fct_water_stage").fetchone() == before
    )
