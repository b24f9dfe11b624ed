"""DAG runs on small real deliveries, against the real PostgreSQL, S3 and Airflow metadata."""

from typing import Any

import psycopg
import pytest

from citybrain.settings import DatabaseRole, Settings

pytestmark = pytest.mark.integration


def test_a_dry_run_lists_and_changes_nothing(run_dags: Any, clean_city: Settings) -> None:
    (result,) = run_dags({"dag_id": "city_refresh", "conf": {"dry_run": True}})
    assert result["state"] == "success"
    assert result["tasks"].pop("plan") == "success"
    assert set(result["tasks"].values()) == {"skipped"}
    with psycopg.connect(clean_city.dsn(DatabaseRole.LOADER)) as connection:
        assert connection.execute("SELECT count(*) FROM meta.delivery").fetchone() == (0,)
