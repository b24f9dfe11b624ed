"""What changed on the ground, quarter by quarter: a run for each, once its scenes are there."""

from airflow.sdk import DAG

from citybrain.orchestration.defaults import Tag, by_quarter, dag_defaults
from citybrain.orchestration.looking_down import look_at_quarters, quarter_form

with DAG(
    schedule=by_quarter(),
    params=quarter_form(),
    **dag_defaults("satellite_change", title="卫星变化检测", tags=[Tag.SATELLITE]),
):
    look_at_quarters()
