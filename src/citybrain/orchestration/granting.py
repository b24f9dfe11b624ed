"""The task that makes grant lists of a match run; people decide on them in the desk."""

from typing import Any

from airflow.sdk import TriggerRule, XComArg, task

from citybrain.orchestration.verbs import run_verb


def make_grant_lists(trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> XComArg:
    """Lists for review from the newest match run; a decided list never changes."""

    @task(task_id="make_grant_lists", task_display_name="生成兑现名单", trigger_rule=trigger_rule)
    def make() -> dict[str, Any]:
        made: dict[str, Any] = run_verb("grants", "make-lists")
        return made

    return make()
