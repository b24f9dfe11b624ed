"""Every tile's SQL runs on PostgreSQL against tables of exactly the columns that dbt promises."""

import json
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from citybrain.bi.checks import Dashboards
from citybrain.bi.datasets import MARTS_SCHEMA
from citybrain.bi.spec import DataTile, Scenario
from citybrain.bi.statement import statement
from citybrain.settings import Settings

pytestmark = pytest.mark.integration
SQUARE = {
    "type": "MultiPolygon",
    "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]], [[[5, 5], [6, 5], [6, 6], [5, 5]]]],
}


@pytest.fixture(scope="module")
def marts(settings: Settings, content: Dashboards) -> Iterator[psycopg.Connection]:
    """A database of its own: the contracts as empty tables. The shared one may hold built marts."""
    admin = psycopg.connect(settings.admin_url, autocommit=True)
    admin.execute("CREATE DATABASE bi_contracts")
    connection = psycopg.connect(settings.admin_url, dbname="bi_contracts", autocommit=True)
    try:
        schema = sql.Identifier(MARTS_SCHEMA)
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        for mart in content.marts.values():
            columns = sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type))
                for column in mart.columns.values()
            )
            table = sql.Identifier(MARTS_SCHEMA, mart.name)
            connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, columns))
        yield connection
    finally:
        connection.close()
        admin.execute("DROP DATABASE bi_contracts")
        admin.close()


def test_every_tile_runs(marts: psycopg.Connection, content: Dashboards) -> None:
    ran = 0
    for scenario in content.scenarios.values():
        for tile in scenario.data_tiles:
            try:
                marts.execute(statement(tile, content))
            except psycopg.Error as error:
                pytest.fail(f"{scenario.slug}/{tile.id}: {error}\n{statement(tile, content)}")
            ran += 1
    assert ran == sum(len(scenario.data_tiles) for scenario in content.scenarios.values()) > 20


def test_a_dropped_column_breaks_the_tile(marts: psycopg.Connection, content: Dashboards) -> None:
    tile = tile_of(content.scenarios["air_quality"], "attention")
    with marts.transaction(force_rollback=True):
        marts.execute("ALTER TABLE marts.mart_air_quality_now DROP COLUMN attention_reason")
        with pytest.raises(psycopg.errors.UndefinedColumn):
            marts.execute(statement(tile, content))


def tile_of(scenario: Scenario, name: str) -> DataTile:
    return next(tile for tile in scenario.data_tiles if tile.id == name)


def test_figures_are_what_the_rows_say(marts: psycopg.Connection, content: Dashboards) -> None:
    scenario = content.scenarios["air_quality"]
    with marts.transaction(force_rollback=True):
        marts.execute(
            "INSERT INTO marts.mart_air_quality_now"
            " (station_code, station_name, county_code, observed_at, aqi, needs_attention,"
            " longitude, latitude)"
            " VALUES ('1', '一中', '341602', '2026-11-21T16:30:00Z', 40, false, 115.8, 33.8),"
            "        ('2', '城东', '341602', '2026-11-21T15:00:00Z', 161, true, 115.9, 33.9),"
            "        ('3', '城西', '341602', '2026-11-21T15:00:00Z', NULL, true, 115.7, 33.9)"
        )
        marts.execute(
            "INSERT INTO marts.mart_air_quality_county (county_code, county_name, geojson)"
            " VALUES ('341602', '谯城区', %s), ('341621', '涡阳县', NULL)",
            [json.dumps(SQUARE)],
        )
        assert marts.execute(statement(tile_of(scenario, "aqi_now"), content)).fetchall() == [(101,)]
        assert marts.execute(statement(tile_of(scenario, "attention_count"), content)).fetchall() == [(2,)]
        ((observed,),) = marts.execute(statement(tile_of(scenario, "observed_at"), content)).fetchall()
        assert observed.isoformat() == "2026-11-22T00:30:00"  # the city's wall clock
        attention = marts.execute(statement(tile_of(scenario, "attention"), content)).fetchall()
        assert [row[0] for row in attention[-1:]] == ["一中"], "what needs no attention comes last"

        drawn = marts.execute(statement(tile_of(scenario, "station_map"), content)).fetchall()
        assert [row[2] for row in drawn] == [0, 0, 1, 1, 1]  # both parts of the outline below every place
        assert [row[0] for row in drawn[:2]] == ["谯城区"] * 2
        assert [row[3] for row in drawn] == [None, None, 40, 161, None]
        rings = [json.loads(row[1]) for row in drawn]
        assert rings[0][0] == rings[0][-1]
        for ring, (longitude, latitude) in zip(rings[2:4], [(115.8, 33.8), (115.9, 33.9)], strict=True):
            assert ring[0] == pytest.approx(ring[-1])
            assert sum(point[0] for point in ring[:-1]) / (len(ring) - 1) == pytest.approx(
                longitude, abs=1e-4
            )
            assert sum(point[1] for point in ring[:-1]) / (len(ring) - 1) == pytest.approx(latitude, abs=1e-4)


def test_an_attention_row_leads_to_its_case_by_the_clock(
    marts: psycopg.Connection, content: Dashboards
) -> None:
    with marts.transaction(force_rollback=True):
        marts.execute(
            "INSERT INTO marts.mart_event_situation"
            " (case_number, case_title, county_name, state_label, is_open, next_due_at)"
            " VALUES ('C1', '井盖缺失', '谯城区', '处置中', true, now() + interval '1 hour'),"
            " ('C2', '通道占用', '谯城区', '待受理', true, now() - interval '1 hour'),"
            " ('C3', '已办结', '谯城区', '已结案', false, now() - interval '9 hours'),"
            " ('C4', '还没有计时', '谯城区', '待核实', true, null)"
        )
        rows = marts.execute(
            statement(tile_of(content.scenarios["city_overview"], "attention"), content)
        ).fetchall()
    assert [(row[0], row[-1]) for row in rows] == [
        (f'<a target="_blank" href="{content.addresses.desk}/cases/{number}/">{number}</a>', left)
        for number, left in (("C2", "超时 1 小时 0 分"), ("C1", "还剩 1 小时 0 分"))
    ]
