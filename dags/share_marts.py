"""Write marts that were built anew as Iceberg tables of the lake, for engines outside the platform."""

from airflow.sdk import DAG

from citybrain.orchestration.assets import MARTS_READY
from citybrain.orchestration.defaults import EVERY_MORNING, Tag, by_asset_or_cron, dag_defaults
from citybrain.orchestration.sharing import share

with DAG(
    schedule=by_asset_or_cron(MARTS_READY, EVERY_MORNING),
    **dag_defaults("share_marts", title="开放数据表发布", tags=[Tag.PUBLISH]),
):
    share()
