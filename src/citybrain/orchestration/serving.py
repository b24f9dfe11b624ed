"""What follows a build: organisations for the desk, grant lists for its officers, and the demo city's day."""

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


def make_grant_lists() -> XComArg:
    """Lists for review from the newest match run; a decided list never changes."""

    @task(task_id="make_grant_lists", task_display_name="生成兑现名单")
    def make() -> dict[str, Any]:
        made: dict[str, Any] = run_verb("grants", "make-lists")
        return made

    return make()
