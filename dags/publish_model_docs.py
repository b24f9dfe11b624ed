"""Write the dbt documentation anew when the models it tells of changed."""

from airflow.sdk import DAG

from citybrain.orchestration.assets import CITY_REFRESHED, MARTS_READY
from citybrain.orchestration.building import publish_docs
from citybrain.orchestration.defaults import EVERY_MORNING, Tag, by_asset_or_cron, dag_defaults

with DAG(
    schedule=by_asset_or_cron(MARTS_READY | CITY_REFRESHED, EVERY_MORNING),
    **dag_defaults("publish_model_docs", title="模型文档发布", tags=[Tag.BUILD]),
):
    publish_docs()
