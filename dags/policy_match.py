"""Match policies with enterprises when the facts were published anew; by the clock for changed item files."""

from airflow.sdk import DAG

from citybrain.orchestration.assets import POLICIES_MATCHED, mart
from citybrain.orchestration.defaults import EVERY_HALF_HOUR, Tag, by_asset_or_cron, dag_defaults
from citybrain.orchestration.granting import make_grant_lists
from citybrain.orchestration.matching import match_policies

with DAG(
    schedule=by_asset_or_cron(mart("mart_enterprise_facts"), EVERY_HALF_HOUR),
    **dag_defaults("policy_match", title="政策匹配", tags=[Tag.POLICY]),
):
    match_policies(outlets=[POLICIES_MATCHED]) >> make_grant_lists()
