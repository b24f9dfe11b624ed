"""The demo city at scale 0.1: every indicator of the 24 display scenarios has a value that varies, and
something planted stands among the first three rows of each attention list.

`CITYBRAIN_TEST_PLATFORM=<home> pytest tests/e2e/test_indicators_of_the_city.py` asks a platform that stands.
"""

import json
import subprocess
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from whole_city import CITYBRAIN, own_city, settings_under, standing_city

from citybrain.bi.content import load_dashboards
from citybrain.bi.semantics import Metric
from citybrain.bi.spec import AttentionTable
from citybrain.bi.statement import statement
from citybrain.catalogue import DisplayScenario, load_scenarios
from citybrain.catalogue.working_day import SHANGHAI
from citybrain.settings import SOURCE_TREE, DatabaseRole, Settings
from citybrain.simulate import read_ledger, truth_dir

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.timeout(1800)]

TENTH = "20000"
# What a figure may be told apart by: a place, a time, a class. Flags and measures are no such thing.
APART = ("text", "date", "timestamp with time zone", "integer")
SAME_FOR_ALL = {"origin", "origin_label"}
# Figures that stand still in a city that has only just begun, and why.
STANDING_STILL = {
    "ov_fresh_share": "everything has just arrived",
    "ov_hours_since_delivery": "everything has just arrived",
    "lake_on_time_rate": "everything has just arrived",
    "lake_fused_share": "a share of the whole lake, which has one value at a time",
    "pol_enterprises_served": "nobody has approved a payment yet",
    "pol_paid": "nobody has approved a payment yet",
    "tcm_policy_paid": "nobody has approved a payment yet",
    "tcm_price_index": "the market's newest day, one value at a time",
    "tcm_price_index_30d": "the market's newest day, one value at a time",
    "dq_failing_hours": "every rule was first asked when the city began",
}
# And figures that do so in a city that begins before the offices have been open for a while.
STANDING_STILL_AT_DAWN = {"ev_stage_4h": "nobody took a step of a case one to four hours before"}
NOON = 12


@pytest.fixture(scope="module")
def tenth() -> Iterator[Settings]:
    """A platform whose demo city has scale 0.1, after its first `citybrain up`; or the one that stands."""
    standing = standing_city()
    if standing is not None:
        yield settings_under(standing)
        return
    with own_city() as environment:
        environment["CITYBRAIN_DEMO_ENTERPRISES"] = TENTH
        settings = settings_under(environment)
        try:
            up = subprocess.run(
                [CITYBRAIN, "up"], env=environment, capture_output=True, text=True, check=False
            )
            assert up.returncode == 0, up.stdout + up.stderr
            yield settings
        finally:
            subprocess.run([CITYBRAIN, "down"], env=environment, capture_output=True, check=False)


@pytest.fixture(scope="module")
def reader(tenth: Settings) -> Iterator[psycopg.Connection]:
    """A connection that reads all marts."""
    with psycopg.connect(tenth.dsn(DatabaseRole.BI_READER), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def metrics() -> dict[str, Metric]:
    return load_dashboards(Settings(project=SOURCE_TREE)).metrics


def value(reader: psycopg.Connection, metric: Metric) -> object:
    query = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(metric.sql),  # type: ignore[arg-type]  # the project's own content
        sql.Identifier("marts", metric.mart),
    )
    row = reader.execute(query).fetchone()
    return row[0] if row else None


def varies(reader: psycopg.Connection, metric: Metric) -> bool:
    """Whether some column of the mart tells two values of the figure apart."""
    columns = reader.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'marts' AND table_name = %s"
        " AND data_type = ANY(%s) ORDER BY ordinal_position",
        (metric.mart, list(APART)),
    ).fetchall()
    for (column,) in columns:
        if column in SAME_FOR_ALL:
            continue
        query = sql.SQL(
            "SELECT count(DISTINCT v) FROM (SELECT ({})::text AS v FROM {} GROUP BY {}) AS g"
        ).format(
            sql.SQL(metric.sql),  # type: ignore[arg-type]
            sql.Identifier("marts", metric.mart),
            sql.Identifier(column),
        )
        found = reader.execute(query).fetchone()
        if found is not None and found[0] > 1:
            return True
    return False


@pytest.mark.parametrize("scenario", load_scenarios().display, ids=lambda scenario: scenario.id)
def test_indicators_have_values_that_vary(
    tenth: Settings, reader: psycopg.Connection, metrics: dict[str, Metric], scenario: DisplayScenario
) -> None:
    names = [name for indicator in scenario.indicators for name in indicator.metrics]
    values = {name: value(reader, metrics[name]) for name in names}
    assert [name for name, found in values.items() if found is None] == []
    standing_still = {name for name in names if not varies(reader, metrics[name])} - STANDING_STILL.keys()
    ledger = read_ledger(tenth)
    if ledger is not None and ledger.started.astimezone(SHANGHAI).hour < NOON:
        standing_still -= STANDING_STILL_AT_DAWN.keys()
    assert standing_still == set()


PROJECTS = ("investment_stalled", "major_project_lags", "major_project_silent", "major_project_unpermitted")
# What the demo city plants (truth/stories.json), and the columns that tell it on the attention list: joined
# by a blank, a row begins with what stands before the story's key, and with the key.
ON_THE_LIST: dict[str, tuple[tuple[str, ...], str, list[str]]] = {
    "air_quality": (("dark_station",), "", ["station_code"]),
    "city_lifeline": (("gas_rises", "bridge_strain", "drain_full", "cover_taken"), "", ["device_id"]),
    "city_overview": (("forgotten_case",), "", ["case_number"]),
    "economic_operation": (("investment_slump",), "", ["area_code", "indicator"]),
    "education_security": (("seats_short",), "", ["area_code"]),
    "emergency_resources": (("weekend_nights_unfilled",), "duty ", ["finding_kind", "county_code"]),
    "enterprise_landscape": (("troubled_firm",), "", ["uscc"]),
    "event_situation": (("forgotten_case",), "", ["case_number"]),
    "fire_safety": (("trouble_spot",), "", ["compound_name"]),
    "gov_service_performance": (("files_pile_up",), "", ["department"]),
    "health_resources": (("drug_shortage",), "", ["drug_code"]),
    "investment_projects": (PROJECTS, "", ["project_code"]),
    "municipal_assets": (("covers_stolen",), "", ["village_code"]),
    "policy_finds_enterprise": (("upgraded_firm",), "", ["uscc"]),
    "population_divisions": (("oldest_county",), "", ["county_code"]),
    "public_voice": (("rising_topic",), "", ["matter"]),
    "river_chief": (("finding_left",), "", ["finding_code"]),
    "shared_capability": (("silent_system",), "", ["system_code"]),
    "tcm_industry": (("herb_price_jump",), "", ["herb_code"]),
    "traffic_parking": (("late_bus_line",), "", ["thing_code"]),
    "urban_mgmt_performance": (("trouble_spot",), "", ["place_name"]),
    "water_environment": (("works_fails",), "", ["section_code"]),
}
OF_DEFECTS = {"data_lake_assets": "table_name", "data_quality": "dataset"}  # what is planted are bad lines


def first_rows(reader: psycopg.Connection, slug: str, columns: list[str]) -> list[str]:
    """The first three rows of a dashboard's attention list, told by these columns."""
    content = load_dashboards(Settings(project=SOURCE_TREE))
    tile = next(
        tile
        for row in content.scenarios[slug].tabs[0].rows
        for tile in row.tiles
        if isinstance(tile, AttentionTable)
    )
    told = tile.model_copy(update={"columns": columns, "link": None, "limit": 3})
    rows = reader.execute(statement(told, content)).fetchall()  # type: ignore[arg-type]
    return [" ".join(str(value) for value in row[: len(columns)]) for row in rows]


def test_every_display_scenario_has_something_planted() -> None:
    assert set(ON_THE_LIST) | set(OF_DEFECTS) == {scenario.id for scenario in load_scenarios().display}


@pytest.mark.parametrize("slug", ON_THE_LIST)
def test_the_planted_story_is_among_the_first_three_rows(
    tenth: Settings, reader: psycopg.Connection, slug: str
) -> None:
    names, before, columns = ON_THE_LIST[slug]
    planted = json.loads((truth_dir(tenth) / "stories.json").read_text(encoding="utf-8"))
    keys = [before + story["key"] for story in planted if story["story"] in names]
    rows = first_rows(reader, slug, columns)
    assert any(row.startswith(key) for row in rows for key in keys), (keys, rows)


@pytest.mark.parametrize("slug", OF_DEFECTS)
def test_what_was_spoilt_most_is_among_the_first_three_rows(
    tenth: Settings, reader: psycopg.Connection, slug: str
) -> None:
    sent = dict(
        reader.execute(
            "SELECT dataset, rows_loaded + rows_quarantined FROM marts.mart_data_freshness"
            " WHERE rows_loaded + rows_quarantined > 0"
        ).fetchall()
    )
    spoilt = {
        dataset: sum(
            len(file.read_bytes().splitlines()) for file in (truth_dir(tenth) / dataset).glob("*.jsonl")
        )
        for dataset in sent
    }
    worst = sorted(spoilt, key=lambda name: spoilt[name] / (sent[name] if slug == "data_lake_assets" else 1))[
        -5:
    ]
    rows = first_rows(reader, slug, [OF_DEFECTS[slug]])
    assert set(rows) & set(worst), (worst, rows)
