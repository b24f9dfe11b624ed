"""Send landed batches through the quality gate into raw; held ones go to review."""

from airflow.sdk import DAG

from citybrain.orchestration.assets import any_landed
from citybrain.orchestration.defaults import EVERY_TEN_MINUTES, Tag, by_asset_or_cron, dag_defaults
from citybrain.orchestration.gating import check_gate, gate_and_announce, open_reviews
from citybrain.orchestration.sources import read_sources
from citybrain.settings import get_settings

active = read_sources(get_settings()).active

with DAG(
    schedule=by_asset_or_cron(any_landed(active), EVERY_TEN_MINUTES),
    **dag_defaults("gate_batches", title="质量门禁与入库", tags=[Tag.GATE]),
):
    held, reviews = open_reviews()
    outcomes = gate_and_announce()
    check_gate(outcomes)
    outcomes >> held >> reviews
