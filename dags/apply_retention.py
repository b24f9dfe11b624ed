"""Remove data whose retention is over, by the personal-data class of its dataset."""

from airflow.sdk import DAG

from citybrain.orchestration.defaults import EVERY_MORNING, Tag, by_cron, dag_defaults
from citybrain.orchestration.retaining import apply_limits

with DAG(
    schedule=by_cron(EVERY_MORNING),
    **dag_defaults("apply_retention", title="到期数据清理", tags=[Tag.GATE]),
):
    apply_limits()
