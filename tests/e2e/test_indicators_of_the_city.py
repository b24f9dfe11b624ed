"""The demo city at scale 0.1: every indicator of the 24 display scenarios has a value that varies."""

import json
import subprocess
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from whole_city import CITYBRAIN, own_city

from citybrain.bi.content import load_dashboards
from citybrain.bi.semantics import Metric
from citybrain.bi.statement import statement
from citybrain.catalogue import DisplayScenario, load_scenarios
from citybrain.settings import SOURCE_TREE, DatabaseRole, Settings, get_settings
from citybrain.simulate import truth_dir

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
}


@pytest.fixture(scope="module")
def tenth() -> Iterator[Settings]:
    """A platform whose demo city has scale 0.1, after its first `citybrain up`."""
    with own_city() as environment, pytest.MonkeyPatch.context() as patch:
        environment["CITYBRAIN_DEMO_ENTERPRISES"] = TENTH
        for name, value in environment.items():
            patch.setenv(name, value)
        get_settings.cache_clear()
        settings = get_settings()
        get_settings.cache_clear()
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
    reader: psycopg.Connection, metrics: dict[str, Metric], scenario: DisplayScenario
) -> None:
    names = [name for indicator in scenario.indicators for name in indicator.metrics]
    values = {name: value(reader, metrics[name]) for name in names}
    assert [name for name, found in values.items() if found is None] == []
    assert [name for name in names if name not in STANDING_STILL and not varies(reader, metrics[name])] == []


# What the demo city plants (truth/stories.json) and the column of the attention list's mart that tells it.
ON_THE_LIST = {
    "city_lifeline": (("gas_rises", "bridge_strain", "drain_full"), "device_id"),
    "education_security": (("seats_short",), "area_code"),
    "emergency_resources": (("weekend_nights_unfilled",), "county_code"),
    "enterprise_landscape": (("failing_firm",), "uscc"),
    "gov_service_performance": (("files_pile_up",), "department"),
    "health_resources": (("drug_shortage",), "drug_code"),
    "investment_projects": (
        (
            "investment_stalled",
            "major_project_lags",
            "major_project_silent",
            "major_project_unpermitted",
        ),
        "project_code",
    ),
    "municipal_assets": (("covers_stolen",), "village_code"),
    "public_voice": (("rising_topic",), "matter"),
    "shared_capability": (("silent_system",), "system_code"),
    "tcm_industry": (("herb_price_jump",), "herb_code"),
    "traffic_parking": (("late_bus_line",), "thing_code"),
}


@pytest.mark.parametrize("slug", ON_THE_LIST)
def test_the_planted_story_is_among_the_first_three_rows(
    tenth: Settings, reader: psycopg.Connection, slug: str
) -> None:
    names, column = ON_THE_LIST[slug]
    planted = json.loads((truth_dir(tenth) / "stories.json").read_text(encoding="utf-8"))
    keys = [story["key"] for story in planted if story["story"] in names]
    content = load_dashboards(Settings(project=SOURCE_TREE))
    tile = next(tile for tile in content.scenarios[slug].data_tiles if tile.id == "attention")
    told = tile.model_copy(update={"columns": [column], "link": None, "limit": 3})
    rows = [str(row[0]) for row in reader.execute(statement(told, content)).fetchall()]  # type: ignore[arg-type]
    assert any(row.startswith(key) for row in rows for key in keys), (keys, rows)
