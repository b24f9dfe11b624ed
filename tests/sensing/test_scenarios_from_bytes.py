"""Each scenario that rules watch, from the bytes a source hands over to a closed case; near-misses open none.

Pictures' scenarios stand in tests/vision/test_scenarios_from_pictures.py.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bytes_of_a_day import BUSY_DESK, FIRES, LAGGING, LATE_DESK, ON_TIME, Day
from psycopg import sql

from citybrain.catalogue import load_dataset
from citybrain.ingest import gate_landed_batches, land_file
from citybrain.ingest.landing import land_bytes
from citybrain.sensing.rule_file import load_rule_files
from citybrain.sensing.sweep import sweep_city
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.outline import refresh_outlines
from citybrain.warehouse.transform import build_warehouse
from closing import close, send_out

pytestmark = [pytest.mark.integration, pytest.mark.slow]
READ = (
    *("dim_device", "dim_flood_warden", "fct_sensor_reading", "fct_air_quality_hour", "fct_rain_forecast"),
    *("dim_vehicle", "dim_corridor", "fct_satellite_hotspot", "dim_satellite_scene", "dim_management_line"),
    *("fct_building_permit", "mart_investment_projects_major", "fct_hotline_ticket"),
    "mart_gov_service_performance_attention",
)
# No test of a model that is not built here, which would hold up those that are.
SELECTED = " ".join((*(f"+{name}" for name in (*READ, "dim_compound")), "--indirect-selection", "buildable"))
# What is wrong, what is nearly so, and who ends it.
BY_READINGS = ("flood_waterlogging", "construction_dust", "gas_leak_monitoring", "bridge_health",
               "major_project_supervision", "gov_service_overdue")  # fmt: skip
BY_PEOPLE = ("multi_vehicle_supervision", "manhole_cover_anomaly", "elderly_living_alone", "hotline_12345",
             "straw_burning_ban", "illegal_construction", "river_lake_four_disorders")  # fmt: skip
KINDS = {
    "flood_waterlogging": "water_level",
    "construction_dust": "dust",
    "gas_leak_monitoring": "gas",
    "bridge_health": "bridge",
    "manhole_cover_anomaly": "manhole",
    "elderly_living_alone": "smart_meter",
}


def empty(settings: Settings) -> None:
    """Nothing loaded and nothing built, as tests before and after this one expect it."""
    with psycopg.connect(settings.dsn(DatabaseRole.OWNER)) as owner:
        tables = owner.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('meta', 'raw', 'quarantine')"
            " AND tablename <> 'alembic_version'"
        ).fetchall()
        names = sql.SQL(", ").join(sql.Identifier(*table) for table in tables)
        owner.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
        owner.execute("TRUNCATE sensing.spell, sensing.swept, sensing.track_point, sensing.measured_batch")
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER)) as dbt:
        relations = dbt.execute(
            "SELECT n.nspname, c.relname, c.relkind = 'v' FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v')"
            " AND (n.nspname IN ('staging', 'intermediate', 'marts_build')"
            " OR (n.nspname = 'marts' AND c.relname = ANY(%s)))",
            (list(READ),),
        ).fetchall()
        for schema, name, is_view in relations:
            kind = sql.SQL("VIEW" if is_view else "TABLE")
            dbt.execute(sql.SQL("DROP {} IF EXISTS {} CASCADE").format(kind, sql.Identifier(schema, name)))


def handed_over(day: Day, folder: Path, over: bool) -> None:
    """Bytes land, pass the gate, and become marts."""
    folder.mkdir(exist_ok=True)
    for number, (dataset, name, content) in enumerate(day.second() if over else day.first()):
        path = folder / str(number) / name
        path.parent.mkdir()
        path.write_bytes(content)
        land_file(dataset, path)
    readings = load_dataset(day.settings.sources_dir / "sensor_reading_live.yml")
    land_bytes(day.settings, readings, day.messages(over), datetime.now(UTC))
    outcomes = gate_landed_batches()
    assert [(one.dataset, one.reason) for one in outcomes if one.state != "loaded"] == []
    if not over:
        from citybrain.reading import read_tickets

        refresh_outlines(day.settings)
        assert read_tickets(day.settings).read > 1
    report = build_warehouse(SELECTED)
    assert report.failures == []


def swept(day: Day) -> None:
    from citybrain.events.intake import take_in

    done = sweep_city(day.settings, load_rule_files(day.settings).values())
    assert [(one.rule, one.state) for one in done if one.state.startswith(("failed", "waits"))] == []
    while take_in():
        pass


def looked_from_above(day: Day) -> None:
    from citybrain.vision.satellite import look_at_quarter, quarters_to_look_at

    for quarter in quarters_to_look_at(day.settings)[-3:]:
        look_at_quarter(day.settings, quarter)


def cases_of(day: Day, scenario: str, wrong: bool) -> list[Any]:
    """The cases of what is wrong in a scenario, or of what is nearly so."""
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    which = 0 if wrong else 1
    with as_system():
        cases = Case.objects.filter(scenario=scenario).order_by("id")
        if scenario in ("illegal_construction", "river_lake_four_disorders"):
            outside, inside = day.buildings
            places = {
                "illegal_construction": (outside, inside),
                "river_lake_four_disorders": (inside, outside),
            }
            lon, lat = day.place_of(places[scenario][which])
            return [
                case
                for case in cases
                if case.lon is not None
                and abs(float(case.lon) - lon) < 0.001
                and abs(float(case.lat) - lat) < 0.001
            ]
        return list(cases.filter(source_id=sources(day)[scenario][which]))


def sources(day: Day) -> dict[str, tuple[str, ...]]:
    fires = [f"{lat:.5f}-{lon:.5f}" for lat, lon in FIRES]
    return {
        **{scenario: tuple(day.devices[kind][:2]) for scenario, kind in KINDS.items()},
        "multi_vehicle_supervision": tuple(vehicle for vehicle, _ in day.trucks),
        "hotline_12345": day.ticket_groups,
        "straw_burning_ban": tuple(fires),
        "major_project_supervision": (LAGGING, ON_TIME),
        "gov_service_overdue": ("-".join(LATE_DESK), "-".join(BUSY_DESK)),
    }


@pytest.fixture(scope="module")
def opened(offices: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """A day on which everything goes wrong once, taken in."""
    from citybrain.desk.accounts.sync import sync

    empty(offices)
    day = Day(offices, datetime.now(UTC) - timedelta(minutes=1))
    handed_over(day, tmp_path_factory.mktemp("first"), over=False)
    sync(offices)  # the wardens of the register
    looked_from_above(day)
    swept(day)
    yield day
    empty(offices)


@pytest.fixture(scope="module")
def ended(opened: Day, tmp_path_factory: pytest.TempPathFactory) -> Day:
    """What was wrong is so no more, as far as bytes can tell; before that, each case went to its handler."""
    for scenario in (*BY_READINGS, *BY_PEOPLE):
        (case,) = cases_of(opened, scenario, wrong=True)
        if scenario in BY_READINGS:
            send_out(case)
    handed_over(opened, tmp_path_factory.mktemp("second"), over=True)
    swept(opened)
    return opened


@pytest.mark.parametrize("scenario", [*BY_READINGS, *BY_PEOPLE])
def test_what_is_wrong_is_a_case_and_what_is_nearly_so_is_none(opened: Day, scenario: str) -> None:
    (case,) = cases_of(opened, scenario, wrong=True)
    assert case.place_name and case.lead_id and case.state in ("detected", "dispatched", "filed")
    assert cases_of(opened, scenario, wrong=False) == []


def test_a_flood_wakes_the_wardens_of_its_point(opened: Day) -> None:
    from citybrain.events.scope import as_system

    (case,) = cases_of(opened, "flood_waterlogging", wrong=True)
    assert case.place_id == opened.devices["water_level"][0].replace("W", "P")
    with as_system():
        line = list(case.wake_ups.values_list("warden__place_id", "ordinal", "state"))
    assert line == [(case.place_id, 1, "ringing"), (case.place_id, 2, "waiting")]


@pytest.mark.parametrize("scenario", BY_READINGS)
def test_readings_close_what_they_opened(ended: Day, scenario: str) -> None:
    (case,) = cases_of(ended, scenario, wrong=True)
    assert case.state == "closed" and not case.forced and case.closed_at is not None


@pytest.mark.parametrize("scenario", BY_PEOPLE)
def test_people_close_what_readings_do_not(ended: Day, scenario: str) -> None:
    (case,) = cases_of(ended, scenario, wrong=True)
    assert case.state != "closed"
    assert close(case)[-1] == "approve"
    (case,) = cases_of(ended, scenario, wrong=True)
    assert case.state == "closed" and not case.forced


def test_the_near_misses_stay_without_a_case(ended: Day) -> None:
    assert [one for one in (*BY_READINGS, *BY_PEOPLE) if cases_of(ended, one, wrong=False)] == []
