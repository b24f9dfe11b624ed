"""Look at what readings, tracks and tables have brought since the last sweep, minute by minute."""

from airflow.sdk import DAG

from citybrain.orchestration.assets import MARTS_READY
from citybrain.orchestration.defaults import EVERY_MINUTE, Tag, by_asset_or_cron, dag_defaults
from citybrain.orchestration.sweeping import sweep_rules

with DAG(
    schedule=by_asset_or_cron(MARTS_READY, EVERY_MINUTE),
    **dag_defaults("sweep_rules", title="感知规则巡检", tags=[Tag.RULES, Tag.IOT], retries=0),
):
    sweep_rules()
