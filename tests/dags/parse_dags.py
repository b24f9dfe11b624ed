"""Run as a program of its own: parse a DAG folder as the DAG processor does and print what it found, as JSON.

Airflow reads its configuration once, at import, and takes over logging; a process of its own keeps both out
of the test session.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

HEAVY = (
    "great_expectations",
    "pyarrow",
    "pandas",
    "dbt",
    "minio",
    "psycopg",
    "shapely",
    "citybrain.ingest",
    "citybrain.bi",
)


def assets_of(condition: Any) -> list[str]:
    return sorted(key.name for key, _ in condition.iter_assets()) if condition is not None else []


def facts(dag: Any) -> dict[str, Any]:
    from airflow.serialization.serialized_objects import DagSerialization

    stored = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    stored.timetable.validate()
    return {
        "dag_id": dag.dag_id,
        "file": Path(dag.fileloc).name,
        "title": dag.dag_display_name,
        "doc": dag.doc_md,
        "owners": sorted({task.owner for task in dag.tasks}),
        "tags": sorted(dag.tags),
        "start": dag.start_date.isoformat(),
        "timezone": str(dag.timezone),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "schedule": stored.timetable.summary,
        "woken_by": assets_of(getattr(stored.timetable, "asset_condition", None)),
        "tasks": [task.task_id for task in dag.tasks],
        "outlets": sorted(outlet.name for task in dag.tasks for outlet in task.outlets),
        "params": {name: dag.params.get_param(name).schema for name in dag.params},
    }


def main(folder: str) -> None:
    import airflow.models  # the DAG processor has all of Airflow in memory before it parses
    import airflow.providers.standard.operators.hitl
    import airflow.providers.standard.operators.trigger_dagrun  # noqa: F401
    from airflow.dag_processing.dagbag import DagBag

    loaded_before = {name for name in HEAVY if name in sys.modules}
    seconds = {}
    for path in sorted(Path(folder).glob("*.py")):
        began = time.process_time()
        DagBag(path)
        seconds[path.name] = time.process_time() - began
    bag = DagBag(folder)
    sys.stdout.write(
        json.dumps(
            {
                "errors": {Path(path).name: text for path, text in bag.import_errors.items()},
                "seconds": seconds,
                "heavy": sorted(name for name in HEAVY if name in sys.modules and name not in loaded_before),
                "dags": {dag_id: facts(dag) for dag_id, dag in bag.dags.items()},
            }
        )
    )


main(sys.argv[1])
