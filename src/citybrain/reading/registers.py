"""The division lists and registers of places as they were last delivered: what a reader reads against."""

from collections.abc import Sequence
from typing import LiteralString

import psycopg
from psycopg import sql

from citybrain.reading.gazetteer import NamedPlace, Village

NEWEST = """
SELECT {columns} FROM {table} WHERE _batch_id = (
    SELECT batch_id FROM meta.batch WHERE dataset = %s AND state = 'loaded' AND rows_loaded > 0
    ORDER BY logical_date DESC, source_version DESC, sha256 DESC LIMIT 1
) ORDER BY {columns}
"""


def newest_rows(
    connection: psycopg.Connection, dataset: LiteralString, columns: Sequence[LiteralString]
) -> list[tuple[object, ...]]:
    """Rows of the newest loaded delivery of a snapshot dataset; none when nothing of it came yet."""
    exists = connection.execute("SELECT to_regclass(%s)", (f"raw.{dataset}",)).fetchone()
    if exists is None or exists[0] is None:
        return []
    query = sql.SQL(NEWEST).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)), table=sql.Identifier("raw", dataset)
    )
    return connection.execute(query, (dataset,)).fetchall()


def villages(connection: psycopg.Connection) -> list[Village]:
    """Every village and community whose township and county are known, in order of code."""
    townships = {
        str(code): str(name) for code, name in newest_rows(connection, "division_township", ("code", "name"))
    }
    counties = {
        str(code): str(name) for code, name in newest_rows(connection, "division_county", ("code", "name"))
    }
    rows = newest_rows(connection, "division_village", ("code", "name", "township_code", "county_code"))
    return [
        Village(str(code), str(name), townships[str(township)], str(county), counties[str(county)])
        for code, name, township, county in rows
        if str(township) in townships and str(county) in counties
    ]


def named_places(connection: psycopg.Connection) -> list[NamedPlace]:
    """Compounds, roads, markets and hamlets of both registers, each name once a community and stretch."""
    found: set[tuple[str, str, int | None, int | None]] = set()
    columns = ("place_name", "village_code", "from_number", "to_number")
    for name, village, first, last in newest_rows(connection, "street_address", columns):
        found.add((str(name), str(village), _number(first), _number(last)))
    for name, village in newest_rows(connection, "compound_register", ("compound_name", "village_code")):
        found.add((str(name), str(village), None, None))
    return [
        NamedPlace(*place) for place in sorted(found, key=lambda place: (place[1], place[0], place[2] or 0))
    ]


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))
