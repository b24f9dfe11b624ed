"""Train a detector's network from its recipe; a run that was broken off is started again and goes on."""

from airflow.sdk import DAG

from citybrain.orchestration.defaults import Tag, dag_defaults
from citybrain.orchestration.training import train, training_form
from citybrain.settings import get_settings

with DAG(
    schedule=None,
    params=training_form(get_settings()),
    **dag_defaults("train_detector", title="训练识别模型", tags=[Tag.VIDEO]),
):
    train()
