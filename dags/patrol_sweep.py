"""A patrol round over the cameras: asked for here, done by the vision workers."""

from airflow.sdk import DAG

from citybrain.orchestration.defaults import Tag, by_cron, dag_defaults
from citybrain.orchestration.patrolling import patrol, patrol_cron
from citybrain.settings import get_settings

with DAG(
    schedule=by_cron(patrol_cron(get_settings())),
    **dag_defaults("patrol_sweep", title="视频巡查", tags=[Tag.PATROL, Tag.VIDEO]),
):
    patrol()
