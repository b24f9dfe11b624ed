"""What Airflow calls when a task has failed for good."""

from typing import Any

import structlog

log = structlog.get_logger(__name__)


def help_page(dag_id: str) -> str:
    """The page that says what to do, relative to the checkout. Generated ingest DAGs share one."""
    name = "ingest_sources" if dag_id.startswith("ingest_") else dag_id
    return f"docs/reference/dags/{name}.md"


def log_failure(context: Any) -> None:
    """One structured line: who owns the failed task and where its help is. No value of the data is in it."""
    task_instance = context["task_instance"]
    log.error(
        "task failed",
        dag_id=task_instance.dag_id,
        task_id=task_instance.task_id,
        map_index=task_instance.map_index,
        run_id=task_instance.run_id,
        try_number=task_instance.try_number,
        owner=context["task"].owner,
        help=help_page(task_instance.dag_id),
        error=type(context.get("exception")).__name__,
    )
