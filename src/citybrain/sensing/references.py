"""Which station a subject is compared with: the nearest, named anew when stations come or move."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import shapely
from psycopg import sql

from citybrain.sensing.arrivals import Arrivals
from citybrain.sensing.rule_parts import Compare, Place
from citybrain.sensing.statement import Relations, Statement

Connection = psycopg.Connection[Any]
REFERENCE_METRES_A_DEGREE = 111_320


def first_new_reference(
    connection: Connection,
    compare: Compare,
    before: Mapping[str, Any] | None,
    arrivals: Arrivals,
    stand_ins: Relations,
) -> datetime | None:
    """The earliest moment of the references that came since, not before the horizon."""
    if before is None or before["reference_until"] is None:
        return None
    statement = Statement(dict(stand_ins))
    at, arrived = sql.Identifier(compare.at), sql.Identifier(compare.arrived)
    query = sql.SQL(
        "SELECT min(({at})::timestamptz) FROM {relation} WHERE ({arrived})::timestamptz > {since}"
        " AND ({at})::timestamptz BETWEEN {horizon} AND {clock}"
    ).format(
        at=at,
        relation=statement.relation(compare.relation),
        arrived=arrived,
        since=statement.bind(before["reference_until"]),
        horizon=statement.bind(arrivals.horizon),
        clock=statement.bind(arrivals.clock),
    )
    row = connection.execute(query, statement.parameters).fetchone()
    return row[0] if row else None


def name_references(connection: Connection, compare: Compare, place: Place, stand_ins: Relations) -> None:
    """The nearest reference of each subject of the scope, by the straight line between their positions."""
    statement = Statement(dict(stand_ins))
    subjects = connection.execute(
        sql.SQL(
            "SELECT s.subject, (p.{longitude})::double precision, (p.{latitude})::double precision"
            " FROM pg_temp.scope AS s INNER JOIN {register} AS p ON (p.{subject})::text = s.subject"
            " WHERE p.{longitude} IS NOT NULL AND p.{latitude} IS NOT NULL"
        ).format(
            longitude=sql.Identifier(place.longitude or ""),
            latitude=sql.Identifier(place.latitude or ""),
            register=statement.relation(place.relation),
            subject=sql.Identifier(place.subject),
        )
    ).fetchall()
    references = connection.execute(
        sql.SQL(
            "SELECT ({subject})::text, max(({longitude})::double precision),"
            " max(({latitude})::double precision) FROM {relation}"
            " WHERE {longitude} IS NOT NULL AND {latitude} IS NOT NULL"
            " AND ({at})::timestamptz >= (SELECT min(anchor) FROM pg_temp.scope) - {minutes}"
            " GROUP BY 1 ORDER BY 1"
        ).format(
            at=sql.Identifier(compare.at),
            minutes=statement.bind(timedelta(minutes=compare.minutes)),
            subject=sql.Identifier(compare.subject),
            longitude=sql.Identifier(compare.longitude),
            latitude=sql.Identifier(compare.latitude),
            relation=statement.relation(compare.relation),
        ),
        statement.parameters,
    ).fetchall()
    if not subjects or not references:
        return
    tree = shapely.STRtree(_points(references))
    nearest = tree.nearest(_points(subjects))
    named = [(references[int(place)][0], row[0]) for row, place in zip(subjects, nearest, strict=True)]
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE pg_temp.scope SET reference = %s WHERE subject = %s", named)


def _points(rows: list[Any]) -> Any:
    """Points in metres on a plane that is true to length around the rows' latitude."""
    where = np.array([(row[1], row[2]) for row in rows], dtype=float)
    shrink = np.cos(np.radians(where[:, 1]))
    return shapely.points(
        where[:, 0] * REFERENCE_METRES_A_DEGREE * shrink, where[:, 1] * REFERENCE_METRES_A_DEGREE
    )
