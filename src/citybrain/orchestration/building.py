"""Tasks that rebuild the warehouse: outlines from raw geometry, one `dbt build`, its documentation."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, TriggerRule, XComArg, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from citybrain.orchestration.assets import PUBLISHED, mart
from citybrain.orchestration.main_job import leave_to_main_job

ANOTHER_BUILD = timedelta(minutes=30)


def decide_build() -> XComArg:
    """Is there anything to build? Skipped, and the build with it, when a build would change nothing."""

    @task(task_id="decide_build", task_display_name="判断是否需要建模")
    def decide() -> str:
        from citybrain.settings import get_settings
        from citybrain.warehouse.refresh_need import wait_for_build, why_build

        leave_to_main_job(get_current_context())
        settings = get_settings()
        wait_for_build(settings, ANOTHER_BUILD)  # what it read is known when it has ended
        reason = why_build(settings)
        if reason is None and not get_current_context()["params"].get("rebuild", False):
            raise AirflowSkipException("no batch was loaded and no model changed since the last good build")
        return reason or "asked for"

    return decide()


def decide_operations(trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> XComArg:
    """Did anybody record anything since a build read it? Skipped, and the build with it, when not."""

    @task(
        task_id="decide_operations",
        task_display_name="判断是否有新的处置或兑现记录",
        trigger_rule=trigger_rule,
    )
    def decide() -> str:
        from citybrain.settings import get_settings
        from citybrain.warehouse.refresh_need import wait_for_build, why_build_operations

        leave_to_main_job(get_current_context())
        settings = get_settings()
        wait_for_build(settings, ANOTHER_BUILD)
        reason = why_build_operations(settings)
        if reason is None:
            raise AirflowSkipException("no case, grant or match was recorded since the last build")
        return reason

    return decide()


def refresh_outlines() -> XComArg:
    """Outlines of areas from the newest boundaries; the number of changed rows."""

    @task(task_id="refresh_outlines", task_display_name="更新行政边界")
    def refresh() -> int:
        from citybrain.settings import get_settings
        from citybrain.warehouse.outline import refresh_outlines

        return refresh_outlines(get_settings())

    return refresh()


def read_tickets() -> XComArg:
    """Hotline tickets that nobody read: class of demand, community, groups; the number of them."""

    @task(task_id="read_tickets", task_display_name="阅读热线工单")
    def read() -> int:
        from citybrain.reading import read_tickets
        from citybrain.settings import get_settings

        return read_tickets(get_settings()).read

    return read()


def parse_models() -> XComArg:
    """dbt reads the project while tickets are read; what is wrong with it, the build says."""

    @task(task_id="parse_models", task_display_name="解析模型")
    def parse() -> None:
        from citybrain.warehouse.transform import parse_models

        parse_models()

    return parse()


def log_node(node: Any) -> None:
    """One line of the task's log for each node dbt finished."""
    print(f"{node.status:<8} {node.seconds:7.2f} s  {node.kind} {node.name}", flush=True)  # noqa: T201


def _announced(report: Any) -> dict[str, Any]:
    """The report of a build for other tasks, after an asset event for each mart that it published."""
    events = get_current_context()["outlet_events"][PUBLISHED]
    for name in report.published_marts:
        events.add(mart(name))
    return asdict(report)


def build() -> XComArg:
    """One `dbt build`: every node's result in the log, an asset event for each mart that was published.

    It runs when outlines or tickets could not be refreshed, too: what was known of them stands.
    """

    @task(
        task_id="build",
        task_display_name="构建模型",
        outlets=[PUBLISHED],
        trigger_rule=TriggerRule.NONE_SKIPPED,
    )
    def build_models() -> dict[str, Any]:
        from citybrain.warehouse.transform import build_warehouse

        return _announced(build_warehouse(on_node=log_node))

    return build_models()


def build_operations(trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> XComArg:
    """One `dbt build` of the models that read cases, grants and matching; `check_build` judges it."""

    @task(
        task_id="build_operations",
        task_display_name="更新处置与兑现主题表",
        outlets=[PUBLISHED],
        trigger_rule=trigger_rule,
    )
    def build_models() -> dict[str, Any]:
        from citybrain.warehouse.refresh_need import OPERATIONS
        from citybrain.warehouse.transform import build_warehouse

        return _announced(build_warehouse(OPERATIONS, on_node=log_node))

    return build_models()


def check_build(report: XComArg, outlets: Sequence[Asset]) -> XComArg:
    """Fails when any model or test failed; otherwise announces `outlets`."""

    @task(task_id="check_build", task_display_name="核对构建结果", outlets=list(outlets), retries=0)
    def check(report: Any) -> None:
        if report["failures"]:
            raise AirflowFailException("dbt: " + "; ".join(report["failures"]))

    return check(report)


def publish_docs() -> XComArg:
    """The dbt documentation site, among the published pages; skipped when it tells of this very project."""

    @task(task_id="publish_docs", task_display_name="发布模型文档")
    def docs() -> None:
        from citybrain.settings import get_settings
        from citybrain.warehouse.model_docs import docs_are_current, publish_docs

        if docs_are_current(get_settings()):
            raise AirflowSkipException("no model, source or description changed since the pages were written")
        publish_docs()

    return docs()
