"""The main job does the work of the DAGs that assets wake; while it runs they leave it to it."""

from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

MAIN_DAG = "city_refresh"


def leave_to_main_job(context: Any) -> None:
    """Raise AirflowSkipException in another DAG's task while the main job runs.

    Nothing would break without it, claims and locks see to that: it spares the machine doing all of it twice.
    What comes too late for the main job is found by the next run of the clock.
    """
    instance = context["ti"]
    if instance.dag_id == MAIN_DAG:
        return
    if instance.get_dr_count(dag_id=MAIN_DAG, states=["running"]):
        raise AirflowSkipException(f"{MAIN_DAG} is running and does this itself")
