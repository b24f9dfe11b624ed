"""What follows a build: organisations and roles for the desk."""

from typing import Any

from airflow.sdk import TriggerRule, XComArg, task

from citybrain.orchestration.verbs import run_verb


def sync_desk(trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> XComArg:
    """Organisations and roles of the desk, as marts and files say."""

    @task(task_id="sync_desk", task_display_name="更新机构与岗位", trigger_rule=trigger_rule)
    def sync() -> dict[str, Any]:
        done: dict[str, Any] = run_verb("desk", "sync")
        return done

    return sync()
