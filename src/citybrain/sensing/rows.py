"""Rules over the rows of a table: those that should not be there stand, and end when they are gone."""

from datetime import datetime
from typing import Any

import orjson
import psycopg
import shapely
import shapely.geometry
from psycopg import sql

from citybrain.sensing.input_rows import INPUT
from citybrain.sensing.rule_file import RowsRule, RuleFile
from citybrain.sensing.rule_parts import Within
from citybrain.sensing.statement import Relations, Statement

Connection = psycopg.Connection[Any]

STATE = """
SELECT max((i.{clock})::timestamptz), concat_ws(' ', count(*), max((i.{arrived})::text),
    sum(hashtext(concat_ws('-', {subject}))::bigint) FILTER (WHERE {where})) FROM {relation} AS i
"""
PICK = """
CREATE TEMP TABLE picked ON COMMIT DROP AS
SELECT concat_ws('-', {subject}) AS subject, {class_code} AS class_code, (i.{at})::timestamptz AS at,
    {value} AS value, {longitude} AS lon, {latitude} AS lat, {geometry} AS geometry,
    jsonb_build_object({detail}) AS detail
FROM {relation} AS i
WHERE {where} AND (i.{at})::timestamptz <= {clock}
"""
# The spell of a subject goes on from where it is known to have begun; one that is gone ends with the clock. A
# subject that stands again begins anew, though its row may say the same moment as before.
FIND = """
INSERT INTO pg_temp.found
SELECT n.subject, n.class_code, coalesce(k.started_at, n.began),
    coalesce(k.confirmed_at, greatest({clock}, n.began)), NULL, {clock}, n.value, NULL, n.lon, n.lat, n.detail
FROM (
    SELECT g.*, greatest(g.at, (
        SELECT greatest(max(o.started_at) + interval '1 microsecond', {clock}) FROM sensing.spell AS o
        WHERE o.detector = {detector} AND o.rule = {rule} AND o.subject = g.subject
            AND o.class_code = g.class_code AND o.started_at >= g.at
        HAVING count(*) > 0)) AS began
    FROM (
        SELECT subject, class_code, min(at) AS at, max(value) AS value, min(lon) AS lon, min(lat) AS lat,
            CASE WHEN count(*) = 1 THEN (array_agg(detail))[1]
                ELSE jsonb_build_object('rows', count(*), 'place_name', min(detail ->> 'place_name'),
                    'area_code', min(detail ->> 'area_code'), 'first', (array_agg(
                    detail - 'place_name' - 'area_code' ORDER BY value DESC NULLS LAST, at))[1:10])
            END AS detail
        FROM pg_temp.picked WHERE subject <> '' AND class_code IS NOT NULL
        GROUP BY subject, class_code HAVING count(*) >= {least_rows}
    ) AS g
) AS n
LEFT JOIN pg_temp.standing AS k USING (subject, class_code)
UNION ALL
SELECT k.subject, k.class_code, k.started_at, k.confirmed_at, greatest({clock}, k.confirmed_at),
    k.last_observed_at, k.peak, k.threshold, k.lon, k.lat, k.detail
FROM pg_temp.standing AS k
WHERE NOT EXISTS (
    SELECT FROM pg_temp.picked AS p WHERE p.subject = k.subject AND p.class_code = k.class_code
    HAVING count(*) >= {least_rows})
"""
STANDING = """
CREATE TEMP TABLE standing ON COMMIT DROP AS
SELECT subject, class_code, started_at, confirmed_at, last_observed_at, peak, threshold, lon, lat, detail
FROM sensing.spell WHERE detector = %s AND rule = %s AND ended_at IS NULL
"""
SCOPE = """
CREATE TEMP TABLE scope ON COMMIT DROP AS
SELECT DISTINCT subject, 'infinity'::timestamptz AS anchor FROM pg_temp.found
"""


def state_of(
    connection: Connection, rule: RowsRule, stand_ins: Relations | None = None
) -> tuple[datetime | None, str]:
    """The rule's clock, and what changes whenever the table does."""
    statement = Statement(dict(stand_ins or {}))
    query = sql.SQL(STATE).format(
        clock=sql.Identifier(rule.clock or rule.at),
        arrived=sql.Identifier(rule.arrived),
        subject=sql.SQL(", ").join(sql.SQL("i.{}").format(sql.Identifier(name)) for name in rule.subject),
        where=statement.conditions(rule.where, {"": INPUT}, sql.SQL("now()")),
        relation=statement.relation(rule.relation),
    )
    row = connection.execute(query, statement.parameters).fetchone()
    return (row[0], row[1]) if row else (None, "")


def find_rows(
    connection: Connection,
    file: RuleFile,
    rule: RowsRule,
    clock: datetime,
    stand_ins: Relations | None = None,
) -> None:
    """Fill `found` with what stands by `clock` and what stood and is gone, `scope` with their subjects."""
    statement = Statement(dict(stand_ins or {}))
    connection.execute(_pick(statement, rule, clock), statement.parameters)
    if rule.within is not None:
        _keep_within(connection, rule.within, clock, stand_ins or {})
    connection.execute(STANDING, (file.id, rule.id))
    statement = Statement()
    find = sql.SQL(FIND).format(
        clock=statement.bind(clock),
        least_rows=statement.bind(rule.least_rows),
        detector=statement.bind(file.id),
        rule=statement.bind(rule.id),
    )
    connection.execute(find, statement.parameters)
    connection.execute(SCOPE)


def _pick(statement: Statement, rule: RowsRule, clock: datetime) -> sql.Composed:
    alias = {"": INPUT}
    bound_clock = statement.bind(clock)

    def column(name: str | None, kind: str) -> sql.Composable:
        if name is None:
            return sql.SQL("NULL::{}").format(sql.SQL(kind))
        return sql.SQL("(i.{})::{}").format(sql.Identifier(name), sql.SQL(kind))

    if rule.class_by is None:
        class_code: sql.Composable = sql.SQL("{}::text").format(statement.bind(rule.class_))
    else:
        whens = sql.SQL(" ").join(
            sql.SQL("WHEN {} THEN {}").format(statement.bind(held), statement.bind(name))
            for held, name in rule.classes.items()
        )
        class_code = sql.SQL("CASE (i.{})::text {} END").format(sql.Identifier(rule.class_by), whens)
    names = sql.SQL(", ").join(sql.SQL("i.{}").format(sql.Identifier(name)) for name in rule.name)
    facts = [
        sql.SQL("{}::text, i.{}").format(statement.bind(name), sql.Identifier(name)) for name in rule.detail
    ]
    facts += [
        sql.SQL("'place_name', concat_ws(' ', {})").format(names),
        sql.SQL("'area_code', i.{}").format(sql.Identifier(rule.area)),
    ]
    return sql.SQL(PICK).format(
        subject=sql.SQL(", ").join(column(name, "text") for name in rule.subject),
        class_code=class_code,
        at=sql.Identifier(rule.at),
        value=column(rule.value, "double precision"),
        longitude=column(rule.longitude, "double precision"),
        latitude=column(rule.latitude, "double precision"),
        geometry=column(rule.within.geometry if rule.within else None, "text"),
        detail=sql.SQL(", ").join(facts),
        relation=statement.relation(rule.relation),
        where=statement.conditions(rule.where, alias, bound_clock),
        clock=bound_clock,
    )


def _keep_within(connection: Connection, within: Within, clock: datetime, stand_ins: Relations) -> None:
    """Drop the picked rows whose outline does not lie as the rule asks; one without outline is dropped."""
    statement = Statement(dict(stand_ins))
    query = sql.SQL(
        "SELECT (i.{column})::text FROM {relation} AS i WHERE i.{column} IS NOT NULL AND {where}"
    ).format(
        column=sql.Identifier(within.against),
        relation=statement.relation(within.relation),
        where=statement.conditions(within.where, {"": INPUT}, statement.bind(clock)),
    )
    against = [outline_of(text) for (text,) in connection.execute(query, statement.parameters)]
    tree = shapely.STRtree([one for one in against if one is not None])
    picked = connection.execute("SELECT ctid::text, geometry FROM pg_temp.picked").fetchall()
    dropped = [place for place, text in picked if not _lies(outline_of(text), tree, within)]
    connection.execute("DELETE FROM pg_temp.picked WHERE ctid = ANY(%s::tid[])", (dropped,))


def outline_of(text: str | None) -> shapely.Geometry | None:
    """The GeoJSON geometry of a text, made valid; None for no text and for what is none."""
    if not text:
        return None
    try:
        geometry = shapely.geometry.shape(orjson.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return shapely.make_valid(geometry)


def _lies(outline: shapely.Geometry | None, tree: shapely.STRtree, within: Within) -> bool:
    if outline is None or outline.is_empty:
        return False
    around = [tree.geometries[int(place)] for place in tree.query(outline, predicate="intersects")]
    inside = bool(around)
    if around and outline.area > 0:
        inside = outline.intersection(shapely.union_all(around)).area >= within.share * outline.area
    return inside if within.must == "inside" else not inside
