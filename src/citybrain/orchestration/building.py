"""Tasks that rebuild the warehouse: outlines from raw geometry, one `dbt build`, its documentation."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from airflow.sdk import Asset, TriggerRule, XComArg, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from citybrain.orchestration.assets import PUBLISHED, mart


def prepare_build(trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> XComArg:
    """Outlines of areas from raw geometry; skipped, as the build then is, when there is nothing to build."""

    @task(task_id="prepare_build", task_display_name="准备建模", trigger_rule=trigger_rule)
    def prepare() -> str:
        from citybrain.settings import get_settings
        from citybrain.warehouse.outline import refresh_outlines
        from citybrain.warehouse.refresh_need import why_build

        settings = get_settings()
        reason = why_build(settings)
        if reason is None and not get_current_context()["params"].get("rebuild", False):
            raise AirflowSkipException("no batch was loaded and no model changed since the last good build")
        refresh_outlines(settings)
        return reason or "asked for"

    return prepare()


def log_node(node: Any) -> None:
    """One line of the task's log for each node dbt finished."""
    print(f"{node.status:<8} {node.seconds:7.2f} s  {node.kind} {node.name}", flush=True)  # noqa: T201


def build() -> XComArg:
    """One `dbt build`: every node's result in the log, an asset event for each mart that was published."""

    @task(task_id="build", task_display_name="构建模型", outlets=[PUBLISHED])
    def build_models() -> dict[str, Any]:
        from citybrain.settings import get_settings
        from citybrain.warehouse.refresh_need import built_from, note_built_from
        from citybrain.warehouse.transform import build_warehouse

        settings = get_settings()
        inputs = built_from(settings)
        report = build_warehouse(on_node=log_node)
        if report.command == "build":  # a retry leaves alone what had worked, whatever changed in it since
            note_built_from(settings, inputs)
        events = get_current_context()["outlet_events"][PUBLISHED]
        for name in report.published_marts:
            events.add(mart(name))
        return asdict(report)

    return build_models()


def check_build(report: XComArg, outlets: Sequence[Asset]) -> XComArg:
    """Fails when any model or test failed; otherwise announces `outlets`."""

    @task(task_id="check_build", task_display_name="核对构建结果", outlets=list(outlets), retries=0)
    def check(report: Any) -> None:
        if report["failures"]:
            raise AirflowFailException("dbt: " + "; ".join(report["failures"]))

    return check(report)


def publish_docs() -> XComArg:
    """The dbt documentation site, among the published pages."""

    @task(task_id="publish_docs", task_display_name="发布模型文档")
    def docs() -> None:
        from citybrain.warehouse.transform import publish_docs

        publish_docs()

    return docs()
