"""What follows a patrol: its signals become cases, the demo city's people handle them, detectors check."""

import time
from typing import Any

from airflow.sdk import TriggerRule, XComArg, task

from citybrain.orchestration.verbs import run_verb

_TAKEN_IN_SECONDS = 60
_CHECKED_SECONDS = 120
LEFT_TO_YOU = "property"
"""The demo account whose cases wait for whoever tries the desk."""


def settle_cases(trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> XComArg:
    """Wait until the desk's worker has taken in every signal; in the demo city let people act, and wait for
    the checks of what they did. Figures of cases afterwards.

    A worker that is late fails nothing: what is still open stands in the figures and in the desk.
    """

    @task(task_id="settle_cases", task_display_name="事件受理、处置与核查", trigger_rule=trigger_rule)
    def settle() -> dict[str, Any]:
        from citybrain.events.counting import case_counts, waiting_for_machines
        from citybrain.settings import get_settings

        settings = get_settings()

        def machines_rest(seconds: float) -> int:
            deadline = time.monotonic() + seconds
            while (waiting := waiting_for_machines(settings)) and time.monotonic() < deadline:
                time.sleep(1)
            return waiting

        waiting = machines_rest(_TAKEN_IN_SECONDS)
        acts: dict[str, Any] = {}
        if settings.demo and case_counts(settings)["cases_open"]:
            acts = run_verb("simulate", "people", "--leave", LEFT_TO_YOU)
            waiting = machines_rest(_CHECKED_SECONDS)
        return {**case_counts(settings), "waiting_for_machines": waiting, "acts": acts}

    return settle()
