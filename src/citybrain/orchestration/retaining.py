"""The task that removes data whose retention is over."""

from datetime import datetime
from typing import Any

from airflow.sdk import XComArg, task
from airflow.sdk.exceptions import AirflowSkipException

from citybrain.orchestration.defaults import CITY_TIME


def apply_limits() -> XComArg:
    """Remove what is over its limit; skipped when nothing is."""

    @task(task_id="apply_retention", task_display_name="清理到期数据")
    def apply() -> list[dict[str, Any]]:
        from dataclasses import asdict

        from citybrain.ingest import Expired, apply_retention
        from citybrain.settings import get_settings

        def log_batch(batch: Expired) -> None:
            print(f"batch {batch.batch_id} of {batch.dataset}: {batch.rows} rows removed", flush=True)  # noqa: T201

        gone = apply_retention(get_settings(), datetime.now(CITY_TIME).date(), log_batch)
        if not gone:
            raise AirflowSkipException("nothing is over its retention limit")
        return [
            {**asdict(batch), "logical_date": str(batch.logical_date), "kept_until": str(batch.kept_until)}
            for batch in gone
        ]

    return apply()
