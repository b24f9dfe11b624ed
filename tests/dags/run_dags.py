"""Run as a program of its own: DAG runs one after the other, by `dag.test()`; prints what became of each.

Reads a JSON list on stdin: {"dag_id", "conf", "mark_success": pattern of task ids not to run, "answers": who
answers a waiting approval, in order: {"username", "password", "option", "note"}}. The answers go through
Airflow's REST application, signed in as that user; their HTTP status is part of the result.
"""

import json
import re
import sys
import threading
import time
from typing import Any


def answer(dag_id: str, people: list[dict[str, str]], statuses: list[int]) -> None:
    """Wait for the run's approval, then let each person answer it."""
    from airflow.api_fastapi.app import create_app
    from fastapi.testclient import TestClient

    client = TestClient(create_app(apps="all"))

    def signed_in(person: dict[str, str]) -> dict[str, str]:
        login = {"username": person["username"], "password": person["password"]}
        return {"Authorization": f"Bearer {client.post('/auth/token', json=login).json()['access_token']}"}

    headers = signed_in(people[0])
    waiting: list[dict[str, Any]] = []
    deadline = time.monotonic() + 60
    while not waiting and time.monotonic() < deadline:
        time.sleep(0.5)
        listed = client.get(
            f"/api/v2/dags/{dag_id}/dagRuns/~/hitlDetails",
            params={"response_received": False, "state": "awaiting_input"},
            headers=headers,
        )
        waiting = listed.json()["hitl_details"]
    instance = waiting[0]["task_instance"]
    run_path = f"/api/v2/dags/{dag_id}/dagRuns/{instance['dag_run_id']}"
    for person in people:
        response = client.patch(
            f"{run_path}/taskInstances/{instance['task_id']}/-1/hitlDetails",
            headers=signed_in(person),
            json={"chosen_options": [person["option"]], "params_input": {"note": person["note"]}},
        )
        statuses.append(response.status_code)


def run(dag: Any, request: dict[str, Any]) -> dict[str, Any]:
    from airflow.models.asset import AssetEvent
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    statuses: list[int] = []
    if request.get("answers"):
        threading.Thread(target=answer, args=(dag.dag_id, request["answers"], statuses), daemon=True).start()
    pattern = re.compile(request["mark_success"]) if request.get("mark_success") else None
    done = dag.test(logical_date=None, run_conf=request.get("conf", {}), mark_success_pattern=pattern)
    with create_session() as session:
        states = {}
        for instance in done.get_task_instances(session=session):
            mapped = f"[{instance.rendered_map_index}]" if instance.map_index >= 0 else ""
            states[instance.task_id + mapped] = instance.state
        stored = session.scalars(
            select(XComModel).where(XComModel.run_id == done.run_id, XComModel.key == "return_value")
        )
        returned = {row.task_id: XComModel.deserialize_value(row) for row in stored if row.map_index < 0}
        events = session.scalars(select(AssetEvent).where(AssetEvent.source_run_id == done.run_id))
        return {
            "run_id": done.run_id,
            "state": done.state,
            "tasks": states,
            "returned": returned,
            "events": sorted(event.asset.name for event in events),
            "answers": statuses,
        }


def main() -> None:
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag

    requests = json.load(sys.stdin)
    (bundle,) = DagBundlesManager().get_all_dag_bundles()
    bundle.initialize()
    bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
    results = [run(bag.dags[request["dag_id"]], request) for request in requests]
    sys.stdout.write("\n" + json.dumps(results, default=str) + "\n")


main()
