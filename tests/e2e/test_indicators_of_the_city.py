"""The demo city at scale 0.1: every indicator of the 24 display scenarios has a value that varies."""

import subprocess
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from whole_city import CITYBRAIN, own_city

from citybrain.bi.content import load_dashboards
from citybrain.bi.semantics import Metric
from citybrain.catalogue import DisplayScenario, load_scenarios
from citybrain.settings import SOURCE_TREE, DatabaseRole, Settings, get_settings

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
def reader() -> Iterator[psycopg.Connection]:
    """A connection that reads all marts of a platform whose demo city has scale 0.1."""
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
            with psycopg.connect(settings.dsn(DatabaseRole.BI_READER), autocommit=True) as connection:
                yield connection
        finally:
            subprocess.run([CITYBRAIN, "down"], env=environment, capture_output=True, check=False)


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
