"""Cases in the marts: what `dbt_services.py` recorded, and the figures the event dashboard makes of it."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from dbt_city import GUOYANG, LIXIN, MENGCHENG, QIAOCHENG

from citybrain.bi.content import load_dashboards
from citybrain.settings import Settings

pytestmark = pytest.mark.integration


def rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()  # type: ignore[arg-type]  # literals of this file


def figure(connection: psycopg.Connection, settings: Settings, metric: str) -> Any:
    """A metric of `dashboards/metrics.yml` over its whole mart."""
    defined = load_dashboards(settings).metrics[metric]
    return rows(connection, f"SELECT {defined.sql} FROM marts.{defined.mart}")[0][0]


def test_cases_as_they_stand(transformer: psycopg.Connection) -> None:
    cases = rows(
        transformer,
        "SELECT case_number, county_code, domain_name, state_label, handler_name, is_closed_on_time,"
        " is_checked_by_machine, minutes_to_close FROM marts.mart_event_situation ORDER BY 1",
    )
    assert cases == [
        ("E1", QIAOCHENG, "公共安全", "已结案", "某物业", True, True, Decimal(25)),
        ("E2", QIAOCHENG, "城市治理", "已结案", "某社区", False, False, Decimal(1440)),
        ("E3", GUOYANG, "公共安全", "处置中", "某物业", None, None, None),
        ("E4", GUOYANG, "公共安全", "已作废", "未派遣", None, None, None),
    ]


def test_figures_of_the_event_dashboard(city: Settings, transformer: psycopg.Connection) -> None:
    assert figure(transformer, city, "ev_new_30d") == 3  # the voided one does not count
    assert figure(transformer, city, "ev_open") == 1
    assert figure(transformer, city, "ev_overdue_now") == 1
    # one of three that should be closed by now was closed on time
    assert figure(transformer, city, "ev_on_time_rate") == pytest.approx(Decimal(1) / 3)
    assert figure(transformer, city, "ev_auto_share") == pytest.approx(Decimal(2) / 3)
    assert figure(transformer, city, "ev_minutes_over") == pytest.approx(120, abs=20)
    assert figure(transformer, city, "ev_rework") == 1
    assert [figure(transformer, city, f"ev_stage_{age}") for age in ("1h", "4h", "24h", "longer")] == [
        0,
        1,
        0,
        0,
    ]


def test_a_limit_that_runs_out_shows_without_a_build(city: Settings, transformer: psycopg.Connection) -> None:
    with transformer.transaction(force_rollback=True):
        transformer.execute(
            "UPDATE marts.mart_event_situation SET next_due_at = now() + interval '1 hour' WHERE is_open"
        )
        assert figure(transformer, city, "ev_overdue_now") == 0


def test_every_stay_of_a_reworked_case(transformer: psycopg.Connection) -> None:
    stays = rows(
        transformer,
        "SELECT stage_label, round(stayed_minutes) FROM marts.mart_event_situation_stage"
        " WHERE case_number = 'E2' ORDER BY entry_step",
    )
    assert [label for label, _ in stays] == [
        *("待核实", "待接单", "已处置", "核查中"),
        *("返工", "已处置", "核查中"),
    ]
    assert [minutes for _, minutes in stays] == [30, 1290, 0, 60, 30, 0, 30]


def test_days_of_the_city_are_the_days_of_its_counties(transformer: psycopg.Connection) -> None:
    totals = rows(
        transformer,
        "SELECT area_level, sum(cases_new), sum(cases_closed), sum(cases_closed_on_time), sum(signals)"
        " FROM marts.mart_event_situation_day GROUP BY 1 ORDER BY 1",
    )
    assert totals == [("city", 3, 2, 1, 3), ("county", 3, 2, 1, 3)]
    assert rows(
        transformer, "SELECT count(*) FROM marts.mart_event_situation_day WHERE band_high IS NOT NULL"
    ) == [
        (0,)  # three days are no history
    ]


def test_counties_of_cases(transformer: psycopg.Connection) -> None:
    counties = rows(
        transformer,
        "SELECT county_code, cases_open, cases_new_30d, cases_closed_30d, cases_closed_on_time_30d"
        " FROM marts.mart_event_situation_county ORDER BY 1",
    )
    assert counties == [
        (QIAOCHENG, 0, 2, 2, 1), (GUOYANG, 1, 1, 0, 0), (MENGCHENG, 0, 0, 0, 0), (LIXIN, 0, 0, 0, 0)
    ]  # fmt: skip


def test_no_person_reaches_the_warehouse(city: Settings, transformer: psycopg.Connection) -> None:
    for statement in (
        "SELECT reporter_id FROM ops.event_case",
        "SELECT reason FROM ops.transition",
        "SELECT username FROM ops.person",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            transformer.execute(statement)  # type: ignore[arg-type]  # literals above
