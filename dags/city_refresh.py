"""The main job: land every source, gate, build, match policies, patrol, settle cases, publish, summarise."""

from datetime import timedelta

from airflow.sdk import DAG, TriggerRule

from citybrain.orchestration.building import (
    build,
    build_operations,
    check_build,
    decide_build,
    decide_operations,
    parse_models,
    read_tickets,
    refresh_outlines,
)
from citybrain.orchestration.defaults import Tag, dag_defaults
from citybrain.orchestration.gating import gate_after_landing, open_reviews
from citybrain.orchestration.granting import make_grant_lists
from citybrain.orchestration.handling import settle_cases
from citybrain.orchestration.landing import land_each
from citybrain.orchestration.matching import match_policies
from citybrain.orchestration.patrolling import patrol, write_first_stills
from citybrain.orchestration.planning import plan, refresh_form
from citybrain.orchestration.publishing import publish, verify, verify_standing
from citybrain.orchestration.remembering import write_case_history
from citybrain.orchestration.serving import sync_desk
from citybrain.orchestration.sources import read_sources
from citybrain.orchestration.summary import summarise
from citybrain.orchestration.sweeping import sweep_rules
from citybrain.settings import get_settings

active = read_sources(get_settings()).active

with DAG(
    schedule=None,
    params=refresh_form([dataset.id for dataset in active]),
    **dag_defaults(
        "city_refresh", title="全城数据刷新", tags=[Tag.MAIN], retries=1, retry_delay=timedelta(seconds=5)
    ),
):
    landings = land_each(plan())
    outcomes = gate_after_landing()
    held, reviews = open_reviews()
    report = build()
    published = publish(trigger_rule=TriggerRule.NONE_FAILED)
    standing = verify_standing(published)
    verified = verify(published)
    matched = match_policies(trigger_rule=TriggerRule.NONE_FAILED)

    parsed = parse_models()
    landings >> outcomes >> decide_build() >> [refresh_outlines(), read_tickets(), parsed] >> report
    operations = build_operations()
    checked = check_build(operations, outlets=[])
    served = sync_desk(trigger_rule=TriggerRule.NONE_FAILED)
    listed = make_grant_lists(trigger_rule=TriggerRule.NONE_FAILED)
    remembered = write_case_history(trigger_rule=TriggerRule.NONE_FAILED)
    first_round, patrolled = patrol(trigger_rule=TriggerRule.NONE_FAILED)
    swept = sweep_rules(trigger_rule=TriggerRule.NONE_FAILED)
    settled = settle_cases(trigger_rule=TriggerRule.NONE_FAILED)
    # Cameras, rules or policies that fail keep nobody from seeing the rest; the summary names them.
    decided = decide_operations(trigger_rule=TriggerRule.ALL_DONE)
    report >> [served, matched, published]
    served >> [first_round, remembered, swept]
    parsed >> write_first_stills() >> first_round  # beside the build, which keeps one processor busy
    [matched, served] >> listed >> decided
    [patrolled, swept] >> settled >> decided >> operations
    [standing, operations] >> verified
    remembered >> decided
    outcomes >> held >> reviews
    [checked, verified, reviews] >> summarise(landings, outcomes, report, published)
