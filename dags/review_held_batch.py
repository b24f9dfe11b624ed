"""A data engineer releases or refuses one batch that the quality gate held."""

from airflow.sdk import DAG, Param

from citybrain.orchestration.defaults import Tag, dag_defaults
from citybrain.orchestration.reviewing import apply_decision, ask_data_engineer, describe_batch

with DAG(
    schedule=None,
    params={"batch_id": Param(type="integer", minimum=1, title="批次编号")},
    **(dag_defaults("review_held_batch", title="红牌批次审核", tags=[Tag.REVIEW]) | {"max_active_runs": 100}),
):
    decide = ask_data_engineer()
    describe_batch() >> decide
    apply_decision(decide.output)
