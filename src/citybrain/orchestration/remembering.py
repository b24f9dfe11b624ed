"""The demo city's past: cases of the months before it started, written into the desk once."""

from typing import Any

from airflow.sdk import TriggerRule, XComArg, task
from airflow.sdk.exceptions import AirflowSkipException

from citybrain.orchestration.verbs import run_verb


def write_case_history(trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> XComArg:
    """Figures of the past that stands; skipped where real people work, and where no past is wanted.

    It follows the desk's sync: the past names companies and communities that the desk must know.
    """

    @task(task_id="write_case_history", task_display_name="示范城市：写入历史案件", trigger_rule=trigger_rule)
    def write() -> dict[str, Any]:
        from citybrain.settings import get_settings

        settings = get_settings()
        if not settings.demo or settings.demo_case_months == 0:
            raise AirflowSkipException("no past of a demo city is wanted")
        done: dict[str, Any] = run_verb("simulate", "cases")
        return done

    return write()
