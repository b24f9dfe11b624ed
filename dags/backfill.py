"""Go over past logical dates of one dataset again: the source is asked anew, deliveries are judged anew."""

from airflow.sdk import DAG

from citybrain.orchestration.backfilling import backfill_form, go_over
from citybrain.orchestration.defaults import Tag, dag_defaults
from citybrain.orchestration.sources import read_sources
from citybrain.settings import get_settings

active = read_sources(get_settings()).active

with DAG(
    schedule=None,
    params=backfill_form([dataset.id for dataset in active]),
    **dag_defaults("backfill", title="按业务日期补数", tags=[Tag.INGEST, Tag.GATE]),
):
    go_over()
