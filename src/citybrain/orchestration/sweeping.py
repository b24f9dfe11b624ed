"""The task that sweeps the rules over readings, tracks and tables."""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import TriggerRule, XComArg, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from citybrain.orchestration.main_job import MAIN_DAG, leave_to_main_job
from citybrain.settings import Settings


def sweep_rules(trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> XComArg:
    """Sweep every rule whose time has come, in the main job every rule; figures by scenario.

    A rule that breaks keeps no other from being swept, and fails the task at its end. A rule whose table was
    not built yet waits. In the main job of a demo city what was told is held against what had been planted.
    """

    @task(task_id="sweep_rules", task_display_name="感知规则巡检", trigger_rule=trigger_rule)
    def sweep() -> dict[str, Any]:
        from citybrain.sensing.rule_file import load_rule_files
        from citybrain.sensing.sweep import sweep_city
        from citybrain.settings import get_settings

        context = get_current_context()
        leave_to_main_job(context)
        settings = get_settings()
        now = None if context["ti"].dag_id == MAIN_DAG else datetime.now(UTC)
        swept = sweep_city(settings, load_rule_files(settings).values(), now)
        figures: dict[str, dict[str, int]] = {}
        for one in swept:
            if one.state != "unchanged":
                told = f"{one.detected} detected, {one.cleared} cleared, {one.seconds:.3f} s"
                print(f"{one.detector}/{one.rule}: {one.state}: {told}")  # noqa: T201 - Airflow's task log
            counts = figures.setdefault(one.detector, {"detected": 0, "cleared": 0})
            counts["detected"] += one.detected
            counts["cleared"] += one.cleared
        if broken := [f"{one.detector}/{one.rule}" for one in swept if one.state.startswith("failed")]:
            raise AirflowFailException("rules that could not be swept: " + ", ".join(broken))
        if now is None:
            _score(settings)
        return figures

    return sweep()


def _score(settings: Settings) -> None:
    """Precision and recall by scenario into meta.rule_score, where a demo city knows the truth."""
    from citybrain.sensing.score import Truth, score
    from citybrain.simulate import read_ledger, sensing_truths

    ledger = read_ledger(settings)
    if ledger is None:
        return
    for one in score(settings, (Truth.of(*planted) for planted in sensing_truths(ledger))):
        figures = f"{one.found} of {one.truths} found, {one.right_told} of {one.told} right"
        print(f"{one.scenario}: {figures}")  # noqa: T201 - Airflow's task log
