"""One place for what every DAG shares: start, owner, retries, tags, help text."""

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import (
    AssetOrTimeSchedule,
    CronPartitionTimetable,
    CronTriggerTimetable,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
)
from airflow.sdk.definitions.asset import BaseAsset

from citybrain.orchestration.callbacks import log_failure
from citybrain.settings import Settings, get_settings

CITY_TIME = ZoneInfo("Asia/Shanghai")
PLATFORM_OWNER = "data_resources"
"""The department that runs the platform itself owns every DAG that belongs to no single dataset."""

EVERY_MINUTE = "* * * * *"
EVERY_TEN_MINUTES = "*/10 * * * *"
EVERY_HALF_HOUR = "*/30 * * * *"
EVERY_MORNING = "30 6 * * *"


class Tag(StrEnum):
    """The closed list of DAG tags, as people filter by them."""

    INGEST = "数据接入"
    GATE = "质量门禁"
    REVIEW = "人工审核"
    BUILD = "数据建模"
    PUBLISH = "看板发布"
    POLICY = "政策匹配"
    PATROL = "视频巡查"
    RULES = "感知规则"
    MAIN = "主流程"
    GOVERNMENT = "政务数据"
    INDUSTRY = "行业数据"
    INTERNET = "互联网数据"
    SATELLITE = "卫星遥感"
    VIDEO = "视频数据"
    IOT = "物联网数据"
    REAL = "真实数据"
    SYNTHETIC = "合成数据"


WRONG_CONTENT_STAYS_WRONG = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="citybrain.catalogue.content_file.ContentError",
            action=RetryAction.FAIL,
            reason="a content file is wrong: a retry reads the same file",
        )
    ]
)


def first_start(settings: Settings) -> datetime:
    """When this installation first read its DAGs, to the minute, in city time.

    With a fixed date in the past every DAG would run for its last tick the moment the platform first starts.
    """
    path = settings.home / "installed_at"
    if not path.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".installed_at.{os.getpid()}")
        draft.write_text(
            datetime.now(CITY_TIME).replace(second=0, microsecond=0).isoformat(), encoding="ascii"
        )
        try:
            os.link(draft, path)
        except FileExistsError:  # another process was first: its moment counts
            pass
        finally:
            draft.unlink()
    return datetime.fromisoformat(path.read_text(encoding="ascii").strip()).astimezone(CITY_TIME)


def dag_help(dag_id: str, settings: Settings) -> str:
    """The DAG's page of the documentation. Raises FileNotFoundError: a DAG without help does not load."""
    return (settings.project / "docs" / "reference" / "dags" / f"{dag_id}.md").read_text(encoding="utf-8")


def dag_defaults(
    dag_id: str,
    *,
    title: str,
    tags: Iterable[Tag],
    owner: str = PLATFORM_OWNER,
    doc_md: str | None = None,
    retries: int = 2,
    retry_delay: timedelta = timedelta(seconds=30),
) -> dict[str, Any]:
    """Keyword arguments of every `DAG(…)`: `with DAG(**dag_defaults("gate_batches", …), schedule=…)`.

    `doc_md` is the help text; unset means the page `docs/reference/dags/<dag_id>.md`.
    """
    settings = get_settings()
    return {
        "dag_id": dag_id,
        "dag_display_name": title,
        "doc_md": doc_md if doc_md is not None else dag_help(dag_id, settings),
        "tags": sorted(tag.value for tag in tags),
        "start_date": first_start(settings),
        "catchup": False,
        "max_active_runs": 1,
        "is_paused_upon_creation": False,
        "default_args": {
            "owner": owner,
            "retries": retries,
            "retry_delay": retry_delay,
            "retry_policy": WRONG_CONTENT_STAYS_WRONG,
            "execution_timeout": timedelta(hours=1),
            "on_failure_callback": log_failure,
        },
    }


def by_cron(cron: str | None) -> CronTriggerTimetable | None:
    """A cron expression read in city time; None: only when asked."""
    return CronTriggerTimetable(cron, timezone=str(CITY_TIME)) if cron is not None else None


def by_quarter() -> CronPartitionTimetable:
    """A run for each quarter, once its scenes and their corrections are there; the partition's key is the
    month in which it ran, such as 2026-11.
    """
    return CronPartitionTimetable("10 6 25 2,5,8,11 *", timezone=str(CITY_TIME), key_format="%Y-%m")


def by_asset_or_cron(assets: BaseAsset, cron: str) -> AssetOrTimeSchedule:
    """Woken by any of the assets; the clock finds what a lost wake-up left behind."""
    return AssetOrTimeSchedule(assets=assets, timetable=CronTriggerTimetable(cron, timezone=str(CITY_TIME)))
