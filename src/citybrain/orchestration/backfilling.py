"""The task of the DAG `backfill`: past logical dates of one dataset, gone over again."""

from typing import Any

from airflow.sdk import Param, XComArg, get_current_context, task


def backfill_form(dataset_ids: list[str]) -> dict[str, Param]:
    """The trigger form of `backfill`."""
    return {
        "dataset": Param(type="string", enum=dataset_ids, title="数据集"),
        "from": Param(type="string", format="date", title="起始业务日期"),
        "to": Param(type="string", format="date", title="截止业务日期"),
        "dry_run": Param(
            True, type="boolean", title="试运行", description="只列出将要执行的内容，不做任何改动"
        ),
    }


def go_over() -> XComArg:
    """Runs `citybrain backfill` with the form's values; fails when a day or a batch could not be done."""

    @task(task_id="backfill", task_display_name="补数", retries=0)
    def backfill() -> Any:
        from citybrain.orchestration.verbs import run_verb

        params = get_current_context()["params"]
        asked = [params["dataset"], "--from", params["from"], "--to", params["to"]]
        done = run_verb("backfill", *asked, *(["--dry-run"] if params["dry_run"] else []))
        print(done)  # noqa: T201 - Airflow's task log takes standard output
        return done

    return backfill()
