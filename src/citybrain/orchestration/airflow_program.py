"""`python -m citybrain.orchestration.airflow_program scheduler …`: `airflow scheduler …`, with what every DAG
file and task of ours imports and reads in memory already.

The scheduler's workers and the DAG processor fork a process for each task and each file, which need not do
again what was done before the fork: that is most of what starting a task costs. Of content files only those
are remembered that are read anew when they change, and nothing here connects or starts a thread.
"""

import importlib
import pkgutil
import sys

import citybrain.orchestration
from citybrain.catalogue import usable_datasets
from citybrain.settings import get_settings

FOR_EVERY_TASK = (
    "airflow.sdk.execution_time.task_runner",
    "airflow.dag_processing.dagbag",
    "psycopg",
    "citybrain.warehouse.connection",
    "citybrain.ingest.gate_processes",
    "citybrain.ingest.landing",
    "citybrain.sensing.sweep",
    "citybrain.vision.active",
)


def prepare_for_tasks() -> None:
    """Import Airflow's runner, all modules of this room and what its frequent tasks ask of others; read the
    source files, which every task's DAG names.
    """
    for name in FOR_EVERY_TASK:
        importlib.import_module(name)
    room = citybrain.orchestration
    for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
        if module.name not in (__name__, f"{room.__name__}.accounts"):  # accounts is a program, too
            importlib.import_module(module.name)
    usable_datasets(get_settings())


def main() -> None:
    """Run Airflow's command line with this process's arguments."""
    from airflow.__main__ import main as airflow

    prepare_for_tasks()
    sys.argv[0] = "airflow"
    airflow()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
