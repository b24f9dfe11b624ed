"""Tasks that bring Superset in line with `dashboards/` and query every chart."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import TriggerRule, XComArg, task


def publish(trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> XComArg:
    """Dashboards, charts, datasets, roles and row rules as the files say."""

    @task(task_id="publish", task_display_name="发布看板", trigger_rule=trigger_rule)
    def apply_dashboards() -> dict[str, Any]:
        from citybrain.bi import apply

        return asdict(apply())

    return apply_dashboards()


def verify() -> XComArg:
    """Query every chart through Superset; fails when one has no answer."""

    @task(task_id="verify", task_display_name="校验图表")
    def verify_charts() -> dict[str, Any]:
        from citybrain.bi import verify

        return asdict(verify())

    return verify_charts()
