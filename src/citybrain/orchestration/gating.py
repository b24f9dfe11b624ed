"""Tasks that send landed batches through the quality gate, and open a review for each batch it held."""

from collections.abc import Iterable
from dataclasses import asdict
from itertools import groupby
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import TriggerRule, XComArg, get_current_context, task
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.exceptions import AirflowFailException

from citybrain.orchestration.assets import LOADED, raw_table
from citybrain.orchestration.main_job import leave_to_main_job

REVIEW_DAG = "review_held_batch"


def gate_all() -> list[dict[str, Any]]:
    """Gate until no landed batch is left (Great Expectations is imported once a process)."""
    from citybrain.ingest import gate_everything

    outcomes = [asdict(outcome) for outcome in gate_everything()]
    for outcome in outcomes:
        print(  # noqa: T201 - Airflow's task log takes standard output
            "batch {batch_id} of {dataset}: {state}, card {card}: {rows_in} rows in, {rows_loaded} loaded, "
            "{rows_quarantined} quarantined, {rows_rejected} rejected. {reason}".format_map(outcome)
        )
    return outcomes


def gate_and_announce() -> XComArg:
    """Gate what landed; one asset event for each raw table that grew, none when nothing was loaded."""

    @task(task_id="gate", task_display_name="质量门禁", outlets=[LOADED])
    def gate() -> list[dict[str, Any]]:
        context = get_current_context()
        leave_to_main_job(context)
        outcomes = gate_all()
        events = context["outlet_events"][LOADED]
        loaded = sorted((o for o in outcomes if o["state"] == "loaded"), key=lambda o: o["dataset"])
        for dataset_id, batches in groupby(loaded, key=lambda o: o["dataset"]):
            ids = {batch["batch_id"]: batch["rows_loaded"] for batch in batches}
            events.add(raw_table(dataset_id), extra={"batches": list(ids), "rows": sum(ids.values())})
        return outcomes

    return gate()


def broken_down(outcomes: Iterable[dict[str, Any]]) -> list[str]:
    """Batches that could not be judged, each with the reason; they wait, landed, for the next run."""
    return [
        f"batch {outcome['batch_id']} of {outcome['dataset']}: {outcome['reason']}"
        for outcome in outcomes
        if outcome["state"] == "landed" and outcome["reason"]
    ]


def check_gate(outcomes: XComArg) -> XComArg:
    """Fails when the gate broke down on a batch; what it could judge is loaded and announced already."""

    @task(task_id="check_gate", task_display_name="核对门禁结果", retries=0)
    def check(outcomes: Any) -> None:
        if faults := broken_down(outcomes):
            raise AirflowFailException("; ".join(faults))

    return check(outcomes)


def gate_after_landing() -> XComArg:
    """Gate what landed, also when some source failed. Nothing is announced: the same run builds from it."""

    @task(task_id="gate", task_display_name="质量门禁", trigger_rule=TriggerRule.ALL_DONE)
    def gate() -> list[dict[str, Any]]:
        return gate_all()

    return gate()


def review_run_id(batch_id: int) -> str:
    """One review a batch: a second trigger finds the run there."""
    return f"batch_{batch_id}"


def open_reviews() -> tuple[XComArg, MappedOperator]:
    """A run of the review DAG for each held batch without one: (task that finds, task that opens them).

    It asks for all held batches, not for those of this run: a trigger lost to a crash is made up for later.
    """

    @task(task_id="find_held_batches", task_display_name="查找待审核批次")
    def find_held_batches() -> list[dict[str, Any]]:
        from citybrain.ingest import held_batches

        reviews = get_current_context()["ti"]
        waiting = []
        for batch in held_batches():
            run_id = review_run_id(batch.batch_id)
            if reviews.get_dr_count(dag_id=REVIEW_DAG, run_ids=[run_id]) == 0:
                waiting.append({"trigger_run_id": run_id, "conf": {"batch_id": batch.batch_id}})
        return waiting

    found = find_held_batches()
    opened = TriggerDagRunOperator.partial(
        task_id="open_review",
        task_display_name="发起审核",
        trigger_dag_id=REVIEW_DAG,
        logical_date=None,
        skip_when_already_exists=True,
        map_index_template="{{ task.trigger_run_id }}",
    ).expand_kwargs(found)
    return found, opened
