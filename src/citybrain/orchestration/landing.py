"""Tasks that land a source's new objects in the lake."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from airflow.sdk import XComArg, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from citybrain.catalogue import Dataset
from citybrain.orchestration.assets import landed
from citybrain.orchestration.defaults import CITY_TIME

log = logging.getLogger(__name__)


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


def by_family(datasets: Sequence[Dataset]) -> list[dict[str, Any]]:
    """The work of `land_each`: one group a family, for a task costs more than most landings."""
    families = sorted({dataset.family.value for dataset in datasets})
    return [
        {"family": family, "dataset_ids": [d.id for d in datasets if d.family.value == family]}
        for family in families
    ]


def land_each(groups: XComArg) -> XComArg:
    """One mapped task a family (see `by_family`). A source that fails stops no other: it is tried once more
    after them, and then fails its task. Nothing is announced.
    """

    @task(
        task_id="land",
        task_display_name="落地",
        map_index_template="{{ task.op_kwargs['group']['family'] }}",
        retries=0,
    )
    def land(group: dict[str, Any]) -> None:
        reports, failed = _land_all(group["dataset_ids"])
        if failed:
            again, failed = _land_all(list(failed))
            reports += again
        # Pushed, not returned: a failed task's return value is lost, and with it what the others landed.
        get_current_context()["ti"].xcom_push(key="return_value", value=reports)
        if failed:
            faults = "; ".join(f"{dataset_id}: {error}" for dataset_id, error in failed.items())
            raise AirflowFailException(faults)

    return land.expand(group=groups)


def _land_all(dataset_ids: Sequence[str]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The reports of what landed, and why the others did not."""
    reports, failed = [], {}
    for dataset_id in dataset_ids:
        try:
            reports.append(land_now(dataset_id))
        except Exception as error:  # one source's trouble, whatever it is, must not stop the others
            log.exception("landing of %s failed", dataset_id)
            failed[dataset_id] = " ".join(str(error).split())[:300] or type(error).__name__
    return reports, failed
