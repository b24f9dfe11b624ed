"""Bring Superset in line with `dashboards/` and query every chart."""

from airflow.sdk import DAG

from citybrain.orchestration.assets import MARTS_READY
from citybrain.orchestration.defaults import EVERY_MORNING, Tag, by_asset_or_cron, dag_defaults
from citybrain.orchestration.publishing import publish, verify

with DAG(
    schedule=by_asset_or_cron(MARTS_READY, EVERY_MORNING),
    **dag_defaults("publish_dashboards", title="看板发布与校验", tags=[Tag.PUBLISH]),
):
    verify(publish())
