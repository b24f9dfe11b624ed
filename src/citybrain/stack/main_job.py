"""The main job over Airflow's REST API: trigger the DAG `city_refresh`, follow its tasks, say which one
failed and where its log is.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from citybrain.settings import Settings
from citybrain.stack import airflow
from citybrain.stack.errors import StackError

MAIN_DAG = "city_refresh"
PARSE = "parse_models"  # its task before the models are built
_DONE = {"success", "failed", "skipped", "upstream_failed", "removed"}
_RUN_ENDED = ("success", "failed")
_POLL_SECONDS = 2
_OVERLAP = timedelta(seconds=15)  # an end may be written after a later one
_PARSE_SECONDS = 180
_ERRORS_SHOWN = 5


@dataclass(frozen=True)
class FinishedTask:
    """One task instance that ended: its task, `title` as shown to people, its state, seconds it ran (None: it
    never ran).
    """

    task_id: str
    title: str
    state: str
    seconds: float | None


class AirflowApi:
    """Airflow's public API, signed in as one of the accounts."""

    def __init__(self, settings: Settings, account: str) -> None:
        self.settings = settings
        _, secret = airflow.ACCOUNTS[account]
        self._http = httpx.Client(base_url=settings.airflow_url, timeout=60, trust_env=False)
        credentials = {"username": account, "password": settings.secret(secret)}
        answer = self._send("POST", "/auth/token", json=credentials)
        if answer.is_error:
            raise StackError(
                f"Airflow refuses the login {account} (HTTP {answer.status_code}); {self._api_log()}"
            )
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def get(self, path: str, **parameters: str | int) -> Any:
        return self._answer(self._send("GET", f"/api/v2{path}", params=parameters))

    def start_run(self, dag_id: str, run_id: str) -> None:
        """Start a run; asked twice for the same id (an answer was lost), it is started once."""
        body = {"dag_run_id": run_id, "logical_date": None}
        answer = self._send("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)
        if answer.status_code != httpx.codes.CONFLICT:
            self._answer(answer)

    def has_dag(self, dag_id: str) -> bool:
        answer = self._send("GET", f"/api/v2/dags/{dag_id}")
        return answer.status_code != httpx.codes.NOT_FOUND and bool(self._answer(answer))

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        """One request, patiently: while DAGs are read for the first time a busy machine answers late."""
        try:
            for attempt in Retrying(
                retry=retry_if_exception_type(httpx.TransportError),
                stop=stop_after_attempt(5),
                wait=wait_fixed(2),
                reraise=True,
            ):
                with attempt:
                    answer = self._http.request(method, path, **content)
        except httpx.TransportError as error:
            raise StackError(f"Airflow does not answer {path} ({error!r}); {self._api_log()}") from error
        return answer

    def _answer(self, answer: httpx.Response) -> Any:
        if answer.is_error:
            raise StackError(
                f"Airflow answers HTTP {answer.status_code} to {answer.url.path}; {self._api_log()}"
            )
        return answer.json()

    def _api_log(self) -> str:
        return f"log {self.settings.log_dir / 'airflow-api.log'}"


def wait_for_dag(api: AirflowApi, dag_id: str, seconds: float = _PARSE_SECONDS) -> None:
    """Wait until the DAG has been read. Raises StackError with Airflow's import errors when it never is."""
    deadline = time.monotonic() + seconds
    while not api.has_dag(dag_id):
        errors = api.get("/importErrors")["import_errors"]
        broken = [error for error in errors if Path(error["filename"]).stem == dag_id]
        if broken or time.monotonic() > deadline:
            found = "".join(f"\n{e['filename']}:\n{e['stack_trace']}" for e in (broken or errors))
            log = api.settings.log_dir / "airflow-dag-processor.log"
            raise StackError(f"Airflow does not know the DAG {dag_id}; log {log}{found}")
        time.sleep(0.5)


def trigger(api: AirflowApi, dag_id: str = MAIN_DAG) -> str:
    """Start a run now and return its run id."""
    run_id = f"up__{datetime.now(UTC).isoformat()}"
    api.start_run(dag_id, run_id)
    return run_id


def follow(api: AirflowApi, run_id: str, dag_id: str = MAIN_DAG) -> Iterator[FinishedTask]:
    """Yield each task instance as it ends; returns when the run succeeded.

    Raises StackError naming every failed task and its log file when the run failed.
    """
    path = f"/dags/{dag_id}/dagRuns/{run_id}"
    titles = {
        task["task_id"]: task["task_display_name"] for task in api.get(f"/dags/{dag_id}/tasks")["tasks"]
    }
    told: set[str] = set()
    newest: dict[str, str] = {}  # asked for is what ended lately: the job works on the same processors
    while True:
        state = api.get(path)["state"]  # read before the tasks: when the run has ended, so have they
        since = {} if state in _RUN_ENDED else newest
        instances = api.get(f"{path}/taskInstances", limit=500, **since)["task_instances"]
        ended = sorted(instances, key=lambda found: found["end_date"] or "")
        for instance in ended:
            if instance["state"] in _DONE and instance["id"] not in told:
                told.add(instance["id"])
                title = _title(instance, titles)
                yield FinishedTask(instance["task_id"], title, instance["state"], instance["duration"])
        if state == "success":
            return
        if state == "failed":
            raise StackError(_failure(api.settings, dag_id, run_id, ended))
        if ended and ended[-1]["end_date"]:
            newest = {"end_date_gte": (datetime.fromisoformat(ended[-1]["end_date"]) - _OVERLAP).isoformat()}
        time.sleep(_POLL_SECONDS)


def _title(instance: dict[str, Any], titles: dict[str, str]) -> str:
    name = titles.get(instance["task_id"]) or instance["task_id"]
    mapped = instance.get("rendered_map_index")
    return f"{name} {mapped}" if mapped else str(name)


def _failure(settings: Settings, dag_id: str, run_id: str, instances: list[dict[str, Any]]) -> str:
    lines = [f"the job {dag_id} failed (run {run_id}, {settings.airflow_url}/dags/{dag_id}):"]
    for instance in instances:
        if instance["state"] == "failed":
            log = task_log(settings, dag_id, run_id, instance)
            lines.append(f"  task {_title(instance, {})}; log {log}{_errors(log)}")
    return "\n".join(lines)


def task_log(settings: Settings, dag_id: str, run_id: str, instance: dict[str, Any]) -> Path:
    """The log file of a task instance's last try, as Airflow's default template names it."""
    folder = airflow.task_log_folder(settings) / f"dag_id={dag_id}" / f"run_id={run_id}"
    folder /= f"task_id={instance['task_id']}"
    if instance["map_index"] >= 0:
        folder /= f"map_index={instance['map_index']}"
    return folder / f"attempt={max(1, instance['try_number'])}.log"


def _errors(log: Path) -> str:
    """What a task's log (JSON lines) says went wrong, a line each, indented; empty when it says nothing."""
    if not log.exists():
        return ""
    found: list[str] = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:  # a line cut off by a full disk, or plain text of a library
            continue
        if entry.get("level") not in ("error", "critical"):
            continue
        details = [
            f"{part.get('exc_type')}: {part.get('exc_value')}" for part in entry.get("error_detail") or ()
        ]
        found += [text for text in (details or [str(entry.get("event"))]) if text not in found]
    return "".join(f"\n    {text}" for text in found[:_ERRORS_SHOWN])
