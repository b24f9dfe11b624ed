"""Datasets of the bundle: marts as they are, and map datasets that set a mart's rows beside real outlines."""

from typing import Any

from psycopg import sql

from citybrain.bi.checks import Addresses, Dashboards
from citybrain.bi.identity import asset_uuid
from citybrain.bi.marts import Mart, MartColumn
from citybrain.bi.queries import MAP_LABEL, MAP_LAYER, OUTLINE, link_column
from citybrain.bi.semantics import Link, MapView

MARTS_SCHEMA = "marts"
DATABASE = "citybrain"
CATALOG = "city"  # the PostgreSQL database; without it Superset checks access to a schema that no role has
TIME_ZONE = "Asia/Shanghai"
DISC_SIDES = 24
MAP_COLUMNS = ((MAP_LABEL, "地点", "TEXT"), (OUTLINE, "轮廓", "TEXT"), (MAP_LAYER, "图层", "INTEGER"))

REGIONS = """\
SELECT v.*, v.{label} AS {place}, o.ring AS {outline}, 0 AS {layer}
FROM {schema}.{values} AS v
JOIN (
  SELECT g.code, (part.value -> 0)::text AS ring
  FROM (
    SELECT DISTINCT ON ({outline_key}) {outline_key} AS code, {geometry}::jsonb AS geometry
    FROM {schema}.{outlines}
    WHERE {geometry} IS NOT NULL
    ORDER BY {outline_key}
  ) AS g
  CROSS JOIN LATERAL jsonb_array_elements(
    CASE g.geometry ->> 'type' WHEN 'MultiPolygon' THEN g.geometry -> 'coordinates'
    ELSE jsonb_build_array(g.geometry -> 'coordinates') END
  ) AS part (value)
  OFFSET 0
) AS o ON o.code = v.{key}"""  # OFFSET 0: a ring is written out once, not for every row that it is set beside

# Quiet outlines first, then a disc of equal size for every place: a circle on the ground, drawn as a polygon.
# An outline carries its code and name in the mart's own columns, so that filters and row security keep it.
PLACES = """\
SELECT {outline_columns}, o.place AS {place}, o.ring::text AS {outline}, 0 AS {layer}
FROM (
  SELECT DISTINCT ON ({outline_key}) {outline_key}::text AS code, {outline_label}::text AS place,
    {geometry}::jsonb AS geometry
  FROM {schema}.{outlines}
  WHERE {geometry} IS NOT NULL
  ORDER BY {outline_key}
) AS g
CROSS JOIN LATERAL jsonb_array_elements(
  CASE g.geometry ->> 'type' WHEN 'MultiPolygon' THEN g.geometry -> 'coordinates'
  ELSE jsonb_build_array(g.geometry -> 'coordinates') END
) AS part (value)
CROSS JOIN LATERAL (SELECT g.code AS code, g.place AS place, part.value -> 0 AS ring) AS o
LEFT JOIN {schema}.{values} AS v ON false
UNION ALL
SELECT {columns}, v.{label}::text AS {place}, disc.ring::text AS {outline}, 1 AS {layer}
FROM {schema}.{values} AS v
CROSS JOIN LATERAL (
  SELECT jsonb_agg(jsonb_build_array(
    round((v.{longitude} + {radius} * cos(2 * pi() * i / {sides}) / cos(radians(v.{latitude})))::numeric, 5),
    round((v.{latitude} + {radius} * sin(2 * pi() * i / {sides}))::numeric, 5)
  ) ORDER BY i) AS ring
  FROM generate_series(0, {sides}) AS i
) AS disc
WHERE v.{longitude} IS NOT NULL AND v.{latitude} IS NOT NULL{drawn}"""


def _name_column(mart: Mart, chosen: str | None = None) -> str:
    """The column that names a row on a map: the most particular name the mart has."""
    return chosen or next(
        name for name in ("station_name", "enterprise_name", "county_name", "name") if name in mart.columns
    )


def _outline_column(name: str, view: MapView) -> sql.Composable:
    """What an outline's row has in a column of the mart: its code, its name, or nothing."""
    if name == view.key:
        return sql.SQL("o.code AS {}").format(sql.Identifier(name))
    if name == "county_name":
        return sql.SQL("o.place AS {}").format(sql.Identifier(name))
    return sql.Identifier("v", name)


def map_sql(view: MapView, marts: dict[str, Mart]) -> str:
    """The query behind a map. Every name is a quoted identifier, every number a literal."""
    values, outlines = marts[view.values], marts[view.outlines.mart]
    names: dict[str, sql.Composable] = {
        "schema": sql.Identifier(MARTS_SCHEMA),
        "values": sql.Identifier(view.values),
        "key": sql.Identifier(view.key),
        "label": sql.Identifier(_name_column(values, view.label)),
        "outlines": sql.Identifier(view.outlines.mart),
        "outline_key": sql.Identifier(view.outlines.key),
        "outline_label": sql.Identifier(_name_column(outlines)),
        "geometry": sql.Identifier(view.outlines.geometry),
        "place": sql.Identifier(MAP_LABEL),
        "outline": sql.Identifier(OUTLINE),
        "layer": sql.Identifier(MAP_LAYER),
    }
    if view.places is None:
        return sql.SQL(REGIONS).format(**names).as_string()
    return (
        sql.SQL(PLACES)
        .format(
            **names,
            columns=sql.SQL(", ").join(sql.Identifier("v", name) for name in values.columns),
            outline_columns=sql.SQL(", ").join(_outline_column(name, view) for name in values.columns),
            longitude=sql.Identifier(view.places.longitude),
            latitude=sql.Identifier(view.places.latitude),
            drawn=sql.SQL(" AND v.{}").format(sql.Identifier(view.places.only))
            if view.places.only
            else sql.SQL(""),
            radius=sql.Literal(round(view.places.radius_km / 111.2, 6)),
            sides=sql.Literal(DISC_SIDES),
        )
        .as_string()
    )


def _column(column: MartColumn) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "column_name": column.name,
        "verbose_name": column.label,
        "description": column.description,
        "type": column.type.upper(),
        "is_dttm": column.temporal,
        "groupby": True,
        "filterable": True,
        "is_active": True,
    }
    if column.type in ("timestamptz", "timestamp with time zone"):
        # Superset shows every instant in UTC: hand it the wall clock of the city.
        name = sql.Identifier(column.name).as_string()
        entry |= {"expression": f"{name} AT TIME ZONE '{TIME_ZONE}'", "type": "TIMESTAMP"}
    return entry


def link_expression(link: Link, addresses: Addresses) -> str:
    """SQL for an anchor: Superset draws a cell that is one as a link, after cleaning it."""
    before, _, after = link.url.format(desk=addresses.desk, pages=addresses.pages, key="\0").partition("\0")
    key = sql.Identifier(link.key)
    return (
        sql.SQL("{} || {} || {} || {} || {}")
        .format(
            sql.Literal(f'<a target="_blank" href="{before}'),
            key,
            sql.Literal(f'{after}">'),
            key,
            sql.Literal("</a>"),
        )
        .as_string()
    )


def _links(mart: Mart, content: Dashboards) -> list[dict[str, Any]]:
    return [
        {
            "column_name": link_column(name),
            "verbose_name": link.title,
            "type": "TEXT",
            "expression": link_expression(link, content.addresses),
            "groupby": True,
            "filterable": False,
        }
        for name, link in content.links.items()
        if link.key in mart.columns
    ]


def _metrics(mart: str, content: Dashboards) -> list[dict[str, Any]]:
    return [
        {
            "metric_name": name,
            "verbose_name": metric.label,
            "expression": metric.sql,
            "d3format": metric.format,
            "description": metric.note,
        }
        for name, metric in sorted(content.metrics.items())
        if metric.mart == mart
    ]


def dataset(name: str, content: Dashboards) -> dict[str, Any]:
    """One dataset file: `name` is a mart, or a map of maps.yml."""
    view = content.maps.maps.get(name)
    mart = content.marts[view.values if view else name]
    columns = [_column(column) for column in mart.columns.values()]
    if view is None:
        columns += _links(mart, content)
    if view:
        columns += [
            {"column_name": name, "verbose_name": label, "type": kind, "groupby": True, "filterable": False}
            for name, label, kind in MAP_COLUMNS
        ]
    return {
        "version": "1.0.0",
        "uuid": str(asset_uuid("dataset", name)),
        "database_uuid": str(asset_uuid("database", DATABASE)),
        "table_name": name,
        "schema": MARTS_SCHEMA,
        "catalog": CATALOG,
        "sql": map_sql(view, content.marts) if view else None,
        "description": view.title if view else f"{mart.zh}。{mart.description}",
        "main_dttm_col": None,
        "offset": 0,
        "cache_timeout": None,
        "filter_select_enabled": True,
        "normalize_columns": False,
        "always_filter_main_dttm": False,
        "is_managed_externally": True,
        "columns": columns,
        "metrics": _metrics(mart.name, content),
    }
