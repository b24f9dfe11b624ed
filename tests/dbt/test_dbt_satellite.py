"""Scenes, hot spots, lines and pictures in the warehouse: figures worked out by hand from `dbt_satellite`."""

from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from dbt_city import LIXIN, MENGCHENG, QIAOCHENG

pytestmark = pytest.mark.integration


def rows(connection: psycopg.Connection, query: str, *terms: Any) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode(), terms).fetchall()


def test_a_scene_stands_as_it_was_stated_last(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT scene_id, county_code, quarter_start, ndvi_mean, clear_share, origin, object_key IS NOT NULL"
        " FROM marts.dim_satellite_scene ORDER BY 1",
    )
    assert found == [
        ("T1_20260812", QIAOCHENG, date(2026, 7, 1), Decimal("0.64"), Decimal("0.4"), "synthetic", True),
        ("T2_20261112", None, date(2026, 10, 1), None, Decimal("0"), "synthetic", True),
    ]


def test_the_key_of_a_scene_leads_to_the_batch_that_brought_it(transformer: psycopg.Connection) -> None:
    ((newest,),) = rows(
        transformer,
        "SELECT batch.source_version FROM marts.dim_satellite_scene AS scene"
        " JOIN meta.batch AS batch USING (object_key) WHERE scene_id = 'T1_20260812'",
    )
    assert newest == "2026-11-25T00:00:00+00:00"


def test_works_are_told_from_a_field(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT county_code, is_persistent_source, months_hot, count(*), max(day)"
        " FROM marts.fct_satellite_hotspot GROUP BY 1, 2, 3 ORDER BY 1",
    )
    assert found == [
        (MENGCHENG, True, 7, 7, date(2026, 7, 1)),
        (LIXIN, False, 1, 5, date(2026, 6, 11)),
        (None, False, 1, 1, date(2026, 6, 11)),
    ]


def test_pictures_stand_on_a_section_of_the_newest_lines(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer, "SELECT picture_id, section_id, county_code FROM marts.fct_drone_picture ORDER BY 1"
    )
    assert found == [("P1", "341602H01", QIAOCHENG), ("P2", None, None)]
    lines = rows(transformer, "SELECT section_id, county_code FROM marts.dim_management_line ORDER BY 1")
    assert lines == [("341602H01", "341602"), ("341621H02", "341621")]


def test_every_county_is_found_from_its_own_middle(transformer: psycopg.Connection) -> None:
    """PostgreSQL's polygons against the centroids that shapely computed."""
    found = rows(
        transformer,
        "SELECT outline.area_code, polygon.county_code FROM staging.stg_meta__area_outline AS outline"
        " JOIN intermediate.int_area__county_polygon AS polygon"
        " ON polygon.outline @> point(outline.centroid_longitude, outline.centroid_latitude)",
    )
    assert sorted(found) == [(code, code) for code in ("341602", "341621", "341622", "341623")]
