"""The last task of the main job: what this run did, in figures, and whether all of it worked."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

from airflow.sdk import TriggerRule, XComArg, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from citybrain.orchestration.assets import CITY_REFRESHED
from citybrain.orchestration.gating import broken_down

FAILED = {"failed", "upstream_failed"}


def figures(
    landings: Iterable[list[dict[str, Any]]],
    outcomes: Iterable[dict[str, Any]] | None,
    build: dict[str, Any] | None,
    published: dict[str, Any] | None,
) -> dict[str, Any]:
    """Figures of one run; a part that did not run counts nothing.

    `landed, loaded, quarantined, rejected` are rows of the batches this run gated, `files` new deliveries.
    """
    reports, outcomes = list(chain.from_iterable(landings)), list(outcomes or ())
    states = [outcome["state"] for outcome in outcomes]

    def rows(name: str) -> int:
        return sum(outcome[name] or 0 for outcome in outcomes)

    return {
        "sources": len(reports),
        "files": sum(len(landing["landed"]) for landing in reports),
        "duplicates": sum(landing["duplicates"] for landing in reports),
        "files_rejected": sum(landing["rejected"] for landing in reports),
        "batches": len(outcomes),
        "states": {state: states.count(state) for state in sorted(set(states))},
        "landed": rows("rows_in"),
        "loaded": rows("rows_loaded"),
        "quarantined": rows("rows_quarantined"),
        "rejected": rows("rows_rejected"),
        "broken_down": broken_down(outcomes),
        "models": build["models"] if build else 0,
        "tests": build["tests"] if build else 0,
        "failures": build["failures"] if build else [],
        "dashboards": published["dashboards"] if published else 0,
        "charts": published["charts"] if published else 0,
    }


def summarise(landings: XComArg, outcomes: XComArg, build: XComArg, published: XComArg) -> XComArg:
    """Runs last, whatever happened: pushes the figures, then fails if a task, a gate or a model failed."""

    @task(
        task_id="summary",
        task_display_name="汇总",
        trigger_rule=TriggerRule.ALL_DONE,
        retries=0,
        outlets=[CITY_REFRESHED],
    )
    def summary(landings: Any, outcomes: Any, build: Any, published: Any) -> None:
        counts = figures(landings or (), outcomes, build, published)
        context = get_current_context()
        instance, run_id = context["ti"], context["run_id"]
        states = instance.get_task_states(dag_id=instance.dag_id, run_ids=[run_id])[run_id]
        counts["failed_tasks"] = sorted(name for name, state in states.items() if state in FAILED)
        print(counts)  # noqa: T201 - Airflow's task log takes standard output
        instance.xcom_push(
            key="return_value", value=counts
        )  # pushed, not returned: a failed task's return value is lost
        if faults := [*counts["failed_tasks"], *counts["broken_down"], *counts["failures"]]:
            raise AirflowFailException("failed: " + "; ".join(faults))

    return summary(landings, outcomes, build, published)
