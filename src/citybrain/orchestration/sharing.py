"""The task that brings the open tables up to the marts."""

from typing import Any

from airflow.sdk import XComArg, task
from airflow.sdk.exceptions import AirflowSkipException


def share() -> XComArg:
    """Marts that were built anew become snapshots of their Iceberg tables; skipped when none was."""

    @task(task_id="share", task_display_name="发布开放数据表")
    def share_built_marts() -> list[dict[str, Any]]:
        from dataclasses import asdict

        from citybrain.settings import get_settings
        from citybrain.sharing import SharedMart, share_marts

        def log_mart(shared: SharedMart) -> None:
            print(f"{shared.mart}: {shared.rows} rows, {shared.metadata}", flush=True)  # noqa: T201

        shared = share_marts(get_settings(), on_mart=log_mart)
        if not shared:
            raise AirflowSkipException("every open table holds its mart's last build")
        return [asdict(mart) for mart in shared]

    return share_built_marts()
