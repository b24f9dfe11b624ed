"""Facts of cases grow by what changed, and end as if built anew. Stands last: it goes on with the
cases that the other tests look at.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from dbt_city import QIAOCHENG
from dbt_services import insert, past_the_rules

from citybrain.settings import Settings
from citybrain.warehouse.dbt_process import run_dbt
from citybrain.warehouse.transform import TransformReport, build_warehouse

pytestmark = [pytest.mark.integration, pytest.mark.slow]

GROWING = (
    "intermediate.int_case__stage",
    "intermediate.int_case__limit",
    "marts.fct_case",
    "marts.fct_case_transition",
)
COMPANY = 9002


def facts(connection: psycopg.Connection) -> dict[str, list[Any]]:
    return {
        table: sorted(connection.execute(f"SELECT row_to_json(f)::text FROM {table} f").fetchall())  # type: ignore[arg-type]
        for table in GROWING
    }


def go_on(settings: Settings) -> None:
    """The open case is handled and closed late, a new one is found, an ended one is seen again and exempt
    from its lateness, a company is called something else.
    """
    now = datetime.now(UTC)
    with past_the_rules(settings) as connection:
        for step, action, before, state in (
            (4, "handle", "handling", "handled"),
            (5, "request_check", "handled", "checking"),
            (6, "pass_check", "checking", "closed"),
        ):
            insert(
                connection, "ops.transition",
                case_id=3, version=step, from_state=before, to_state=state, action=action,
                organisation_id=COMPANY, reason="", rules_version=1, at=now, data={},
            )  # fmt: skip
        connection.execute(
            "UPDATE ops.event_case SET state = 'closed', closed_at = %s, handled_at = %s, version = 6,"
            " deadline_at = NULL WHERE id = 3",
            (now, now),
        )
        connection.execute("UPDATE ops.clock SET state = 'stopped', due_at = NULL WHERE case_id = 3")
        connection.execute("UPDATE ops.event_case SET sightings = 7, exempt = true WHERE id = 2")
        connection.execute("UPDATE ops.organisation SET name = '某新物业' WHERE id = %s", (COMPANY,))
        connection.execute(
            "INSERT INTO ops.event_case SELECT (jsonb_populate_record(c, jsonb_build_object("
            "'id', 50, 'number', 'E50', 'state', 'detected', 'found_at', %s::text, 'closed_at', NULL,"
            " 'source_id', 'camera-50'))).* FROM ops.event_case c WHERE id = 4",
            ((now - timedelta(minutes=1)).isoformat(),),
        )
        insert(
            connection, "ops.transition",
            case_id=50, version=1, from_state="", to_state="detected", action="register",
            reason="", rules_version=1, at=now, data={},
        )  # fmt: skip


def test_an_increment_ends_as_a_build_of_everything(
    city: Settings, built: TransformReport, transformer: psycopg.Connection
) -> None:
    before = facts(transformer)
    go_on(city)
    report = build_warehouse("source:ops+")
    assert report.failures == []
    grown = facts(transformer)
    assert all(grown[table] != before[table] for table in GROWING)
    case = transformer.execute(
        "SELECT state, handler_name, is_closed_on_time, newest_transition_id > 0 FROM marts.fct_case"
        " WHERE case_id = 3"
    ).fetchall()
    assert case == [("closed", "某新物业", False, True)]
    assert transformer.execute(
        "SELECT sightings, is_exempt, has_handling_run_out, is_closed_on_time FROM marts.fct_case"
        " WHERE case_id = 2"
    ).fetchall() == [(7, True, True, None)]
    names = [table.split(".")[1] for table in GROWING]
    assert run_dbt(city, ["run", "--full-refresh", "--select", *names]).code == 0
    anew = facts(transformer)
    for table in ("intermediate.int_case__stage", "intermediate.int_case__limit", "marts.fct_case"):
        assert grown[table] == anew[table]
    # a step keeps the name that the organisation had when it was loaded
    assert len(grown["marts.fct_case_transition"]) == len(anew["marts.fct_case_transition"])


def test_what_did_not_change_is_not_written_again(
    city: Settings, built: TransformReport, transformer: psycopg.Connection
) -> None:
    untouched = "SELECT xmin::text FROM marts.fct_case_transition WHERE case_id = 1 ORDER BY step"
    before = transformer.execute(untouched).fetchall()
    assert build_warehouse("fct_case_transition").failures == []
    assert transformer.execute(untouched).fetchall() == before


def test_marts_of_counties_and_compounds(built: TransformReport, transformer: psycopg.Connection) -> None:
    assert transformer.execute(
        "SELECT findings, findings_by_machine, findings_confirmed, findings_cleared, area_freed_m2::float,"
        " patrols_done FROM marts.mart_river_chief WHERE county_code = %s ORDER BY month",
        (QIAOCHENG,),
    ).fetchall() == [(3, 2, 2, 1, 120.5, 4), (1, 0, 0, 0, 0.0, 3)]
    assert transformer.execute(
        "SELECT count(*) FILTER (WHERE is_connected), count(*) FROM marts.mart_fire_safety"
    ).fetchall() == [(28, 29)]
    assert transformer.execute(
        "SELECT cases_reported, cases_closing_due, cases_closed_on_time, cases_reworked"
        " FROM marts.mart_urban_mgmt_performance"
    ).fetchall() == [(1, 0, 0, 1)]  # late, and exempt since
