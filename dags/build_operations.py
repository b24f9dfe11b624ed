"""Bring the marts of cases, grants and matching up to date when something was recorded."""

from airflow.sdk import DAG

from citybrain.orchestration.building import build_operations, check_build, decide_operations
from citybrain.orchestration.defaults import EVERY_TEN_MINUTES, Tag, by_cron, dag_defaults

with DAG(
    schedule=by_cron(EVERY_TEN_MINUTES),
    **dag_defaults("build_operations", title="处置与兑现数据更新", tags=[Tag.BUILD]),
):
    report = build_operations()
    decide_operations() >> report
    check_build(report, outlets=[])
