"""One airflow DAG `ingest_<dataset>` for each active file in `dags/sources/`, on the file's own schedule."""

from airflow.sdk import DAG

from citybrain.orchestration.defaults import by_cron
from citybrain.orchestration.landing import land_source
from citybrain.orchestration.sources import read_sources, source_dag
from citybrain.settings import get_settings

# Airflow drops every DAG of a file that raises: a source file that cannot be read has no DAG here, and
# dags/source_faults.py reports it.
for dataset in read_sources(get_settings()).active:
    with DAG(schedule=by_cron(dataset.schedule), **source_dag(dataset)):
        land_source(dataset)
