"""Rebuild the warehouse when raw tables grew: outlines, tickets, one dbt build."""

from airflow.sdk import DAG

from citybrain.orchestration.assets import MARTS_READY, any_raw_table
from citybrain.orchestration.building import (
    build,
    check_build,
    decide_build,
    read_tickets,
    refresh_outlines,
)
from citybrain.orchestration.defaults import EVERY_HALF_HOUR, Tag, by_asset_or_cron, dag_defaults
from citybrain.orchestration.sources import read_sources
from citybrain.settings import get_settings

active = read_sources(get_settings()).active

with DAG(
    schedule=by_asset_or_cron(any_raw_table(active), EVERY_HALF_HOUR),
    **dag_defaults("build_warehouse", title="数仓建模", tags=[Tag.BUILD]),
):
    report = build()
    decide_build() >> [refresh_outlines(), read_tickets()] >> report
    check_build(report, outlets=[MARTS_READY])
