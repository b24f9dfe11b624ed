"""The first task of the main job: what it is asked to do."""

from typing import Any

from airflow.sdk import Param, XComArg, get_current_context, task

from citybrain.settings import get_settings


def refresh_form(dataset_ids: list[str]) -> dict[str, Param]:
    """The trigger form of `city_refresh`."""
    return {
        "dry_run": Param(
            False, type="boolean", title="试运行", description="只列出将要执行的内容，不做任何改动"
        ),
        "sources": Param(
            [],
            type="array",
            items={"type": "string", "enum": dataset_ids},
            uniqueItems=True,
            examples=dataset_ids,
            title="数据集",
            description="只接入所选数据集；不选则接入全部",
        ),
        "rebuild": Param(False, type="boolean", title="强制重建", description="没有新数据时也重新构建模型"),
    }


def plan() -> XComArg:
    """Datasets to land, by family. A dry run logs what it would do, and skips everything after it."""

    @task.short_circuit(task_id="plan", task_display_name="制定计划")
    def plan_refresh() -> list[dict[str, Any]]:
        from citybrain.ingest import SourceError, waiting
        from citybrain.orchestration.landing import by_family
        from citybrain.orchestration.sources import read_sources
        from citybrain.warehouse.refresh_need import why_build

        settings = get_settings()
        params = get_current_context()["params"]
        sources = read_sources(settings)
        datasets = [d for d in sources.active if not params["sources"] or d.id in params["sources"]]
        for fault in sources.faults:
            print(f"left out: {fault}")  # noqa: T201 - Airflow's task log takes standard output
        if params["dry_run"]:
            for dataset in datasets:
                try:
                    found = ", ".join(waiting(dataset.id)) or "nothing"
                except SourceError as error:  # the others are looked at all the same
                    found = f"cannot be looked at: {error}"
                print(f"would look at: {dataset.id}: {found}")  # noqa: T201
            print(f"warehouse before landing: {why_build(settings) or 'nothing to build'}")  # noqa: T201
            return []
        return by_family(datasets)

    return plan_refresh()
