"""From a row of a mart back to the bytes it was made of: deliveries, their objects in the lake, their lines.

The last build's manifest says which raw tables stand behind a mart; the key columns that a raw table has too,
under their own name or the one staging gives them, pick its rows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.dbt_process import last_manifest, target_dir

OBJECTS_SHOWN = 10
LINES_SHOWN = 5
RENAMED = re.compile(r"\b([a-z_][a-z0-9_]*)(?:::[a-z0-9_() ,]+)? as ([a-z_][a-z0-9_]*)")


class LineageError(ValueError):
    """The way back cannot be walked: no such mart, no such row, no build yet. The message says which."""


@dataclass(frozen=True)
class Trail:
    """One object of the lake behind the row: `rows` of it match, `lines` are the first of them."""

    batch_id: int
    object_key: str
    sha256: str
    source_name: str
    logical_date: datetime
    landed_at: datetime
    rows: int
    lines: list[int]


@dataclass(frozen=True)
class Origin:
    """A dataset behind the mart: what its rows were picked by (empty: the whole dataset), newest objects."""

    dataset: str
    picked_by: dict[str, str]
    objects: int
    trails: list[Trail]


def trace(settings: Settings, mart: str, key: Mapping[str, str]) -> list[Origin]:
    """The datasets and objects behind the row of `mart` whose columns have the values of `key`.

    Values are given as PostgreSQL reads them. Raises LineageError.
    """
    manifest = _manifest(settings)
    model = f"model.citybrain.{mart}"
    if model not in manifest["nodes"]:
        raise LineageError(f"the last build knows no model {mart!r}")
    sources = _sources_behind(manifest, model)
    with connect(settings, DatabaseRole.TRANSFORMER, "citybrain lineage") as connection:
        _require_row(connection, mart, key)
        return [
            _origin(connection, dataset, _names_in_raw(key, renames, _columns(connection, "raw", dataset)))
            for dataset, renames in sorted(sources.items())
        ]


def _manifest(settings: Settings) -> dict[str, Any]:
    manifest = last_manifest(settings)
    if manifest is None:
        path = target_dir(settings) / "manifest.json"
        raise LineageError(f"nothing was built yet: {path} is missing; run `citybrain transform build`")
    return manifest


def _sources_behind(manifest: dict[str, Any], model: str) -> dict[str, dict[str, str]]:
    """Raw tables behind a model, each with staging's new names for its columns (new name to old)."""
    found: dict[str, dict[str, str]] = {}
    seen, waiting = {model}, [model]
    while waiting:
        child = waiting.pop()
        for parent in manifest["parent_map"].get(child, []):
            source = manifest["sources"].get(parent)
            if source is not None and source["schema"] == "raw":
                code = manifest["nodes"][child].get("raw_code", "")
                renames = {new: old for old, new in RENAMED.findall(code)}
                found.setdefault(source["name"], {}).update(renames)
            elif source is None and parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return found


def _columns(connection: psycopg.Connection, schema: str, table: str) -> set[str]:
    rows = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s",
        (schema, table),
    ).fetchall()
    return {str(name) for (name,) in rows}


def _require_row(connection: psycopg.Connection, mart: str, key: Mapping[str, str]) -> None:
    columns = _columns(connection, "marts", mart)
    if not columns:
        raise LineageError(f"marts.{mart} does not stand yet: its build failed, or no test has passed it")
    if unknown := sorted(set(key) - columns):
        raise LineageError(f"{mart} has no column {', '.join(unknown)}; it has {', '.join(sorted(columns))}")
    query = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(
        sql.Identifier("marts", mart), _matching(dict(key))
    )
    try:
        row = connection.execute(query, list(key.values())).fetchone()
    except psycopg.DataError as error:
        raise LineageError(f"a value does not fit its column: {error}") from error
    if row == (0,):
        raise LineageError(f"{mart} has no row with {', '.join(f'{n}={v}' for n, v in key.items())}")


def _matching(columns: Mapping[str, str]) -> sql.Composable:
    if not columns:
        return sql.SQL("true")
    # The value arrives as text and takes the column's type.
    return sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder()) for n in columns
    )


def _names_in_raw(key: Mapping[str, str], renames: Mapping[str, str], raw: set[str]) -> dict[str, str]:
    return {
        (name if name in raw else renames[name]): value
        for name, value in key.items()
        if name in raw or renames.get(name) in raw
    }


def _origin(connection: psycopg.Connection, dataset: str, picked_by: dict[str, str]) -> Origin:
    """Rows of the raw table by the picked columns, counted by object; without any, the dataset's objects."""
    raw = sql.Identifier("raw", dataset)
    query = sql.SQL(
        "SELECT b.batch_id, b.object_key, b.sha256, b.source_name, b.logical_date, b.landed_at, found.rows,"
        " found.lines, count(*) OVER () AS objects"
        " FROM (SELECT _batch_id, count(*) AS rows, (array_agg(_line ORDER BY _line))[1:{lines}] AS lines"
        "  FROM {raw} WHERE {matching} GROUP BY _batch_id) AS found"
        " JOIN meta.batch AS b ON b.batch_id = found._batch_id"
        " ORDER BY b.logical_date DESC, b.batch_id DESC LIMIT {objects}"
    ).format(
        raw=raw,
        matching=_matching(picked_by),
        lines=sql.Literal(LINES_SHOWN),
        objects=sql.Literal(OBJECTS_SHOWN),
    )
    with connection.cursor(row_factory=class_row(_Found)) as cursor:
        rows = cursor.execute(query, list(picked_by.values())).fetchall()
    trails = [Trail(**{name: getattr(row, name) for name in Trail.__dataclass_fields__}) for row in rows]
    return Origin(dataset, picked_by, rows[0].objects if rows else 0, trails)


@dataclass(frozen=True)
class _Found(Trail):
    objects: int
