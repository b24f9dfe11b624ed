"""Tasks that land a source's new objects in the lake."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from airflow.sdk import XComArg, task
from airflow.sdk.exceptions import AirflowSkipException

from citybrain.catalogue import Dataset
from citybrain.orchestration.assets import landed
from citybrain.orchestration.defaults import CITY_TIME


def city_date(moment: datetime | None) -> date | None:
    """The business day a run stands for; None when it has no logical date (not started by the clock)."""
    return moment.astimezone(CITY_TIME).date() if moment is not None else None


def land_now(dataset_id: str, logical_date: date | None = None) -> dict[str, Any]:
    """Land what is new and log it; the report as JSON types."""
    from citybrain.ingest import land_dataset

    report = asdict(land_dataset(dataset_id, logical_date))
    print(f"{dataset_id}: {report}")  # noqa: T201 - Airflow's task log takes standard output
    return report


def land_source(dataset: Dataset) -> XComArg:
    """Land one dataset and announce it; skipped, without an event, when its source has nothing new."""

    @task(task_id="land", task_display_name="落地", outlets=[landed(dataset.id)])
    def land(dataset_id: str, logical_date: datetime | None = None) -> dict[str, Any]:
        report = land_now(dataset_id, city_date(logical_date))
        if not report["landed"]:
            raise AirflowSkipException(f"{dataset_id}: nothing new")
        return report

    return land(dataset.id)


def land_each(dataset_ids: XComArg | Sequence[str]) -> XComArg:
    """One mapped task a dataset: a source that fails stops no other. Nothing is announced."""

    @task(
        task_id="land",
        task_display_name="落地",
        map_index_template="{{ task.op_kwargs['dataset_id'] }}",
        retries=1,
    )
    def land(dataset_id: str) -> dict[str, Any]:
        return land_now(dataset_id)

    return land.expand(dataset_id=dataset_ids)
