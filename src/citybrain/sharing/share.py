"""Bring the open tables up to the marts: a mart that was published anew becomes one new snapshot.

A reader of a table sees the old snapshot or the new one, never a part. The table remembers which build of the
mart it holds, so a mart that stands as it was is not written again, and a run that was killed is made up for
by the next: files of an unfinished write belong to no snapshot.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from citybrain.settings import DatabaseRole, Settings
from citybrain.sharing.arrow_rows import mart_rows, mart_schema
from citybrain.sharing.catalog import NAMESPACE, open_catalog
from citybrain.warehouse.connection import connect

BUILD = "citybrain.build"
KEPT_BUILDS = 3  # a reader that began before the last writes still finds its files
SNAPSHOTS_A_BUILD = 2  # the old rows go, the new ones come: both become visible in one commit
APPLICATION = "citybrain sharing"


class SharingError(RuntimeError):
    """A mart was asked for that cannot be shared; the message names it."""


@dataclass(frozen=True)
class SharedMart:
    """A mart whose table was written: its rows, and the address of the table's metadata in the lake."""

    mart: str
    rows: int
    metadata: str


def waiting_marts(settings: Settings, marts: Sequence[str] = ()) -> dict[str, int]:
    """The marts (default: all) whose table is missing or holds an older build, with the build to write.

    Raises SharingError for a mart that was never published.
    """
    with connect(settings, DatabaseRole.PUBLISHER, APPLICATION) as connection:
        builds: dict[str, int] = dict(
            connection.execute(
                "SELECT mart, build_oid::bigint FROM meta.mart_publication ORDER BY mart"
            ).fetchall()
        )
    if unknown := sorted(set(marts) - set(builds)):
        raise SharingError(f"no such mart was ever published: {', '.join(unknown)}")
    catalog = open_catalog(settings)
    return {
        mart: build
        for mart, build in builds.items()
        if (not marts or mart in marts) and _build_of(catalog, mart) != build
    }


def share_marts(
    settings: Settings, marts: Sequence[str] = (), on_mart: Callable[[SharedMart], None] = lambda _mart: None
) -> list[SharedMart]:
    """Write what is waiting, one mart after the other. Raises SharingError and UnknownColumnTypeError."""
    catalog = open_catalog(settings)
    shared = []
    for mart, build in waiting_marts(settings, marts).items():
        shared.append(_share(settings, catalog, mart, build))
        on_mart(shared[-1])
    return shared


def shared_tables(settings: Settings) -> list[SharedMart]:
    """Every table of the catalog as it stands."""
    catalog = open_catalog(settings)
    tables = [catalog.load_table(name) for name in sorted(catalog.list_tables(NAMESPACE))]
    return [_described(table) for table in tables]


def _build_of(catalog: Any, mart: str) -> int | None:
    name = (NAMESPACE, mart)
    if not catalog.table_exists(name):
        return None
    build = catalog.load_table(name).properties.get(BUILD)
    return int(build) if build is not None else None


def _share(settings: Settings, catalog: Any, mart: str, build: int) -> SharedMart:
    # Repeatable read: the build that is noted is the build whose rows are read.
    with connect(settings, DatabaseRole.PUBLISHER, APPLICATION) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = connection.execute(
            "SELECT build_oid::bigint FROM meta.mart_publication WHERE mart = %s", (mart,)
        ).fetchone()
        schema, query = mart_schema(connection, mart)
        table = _table_for(catalog, mart, schema)
        with table.transaction() as transaction:
            with transaction.update_schema() as change:
                change.union_by_name(schema)
            transaction.overwrite(mart_rows(connection, schema, query))
            transaction.set_properties({BUILD: str(found[0] if found else build)})
    table = catalog.load_table((NAMESPACE, mart))
    _forget_old_snapshots(table)
    return _described(catalog.load_table((NAMESPACE, mart)))


def _table_for(catalog: Any, mart: str, schema: Any) -> Any:
    """The mart's table; one whose columns the mart no longer fits is begun anew."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    name = (NAMESPACE, mart)
    if catalog.table_exists(name):
        table = catalog.load_table(name)
        standing = {field.name: field.type for field in schema_to_pyarrow(table.schema())}
        wanted = {field.name: field.type for field in schema}
        if all(wanted.get(column) == kind for column, kind in standing.items()):
            return table
        catalog.purge_table(name)
    return catalog.create_table(name, schema)


def _forget_old_snapshots(table: Any) -> None:
    """Keep the snapshots of the newest builds; files that only older ones hold are deleted."""
    snapshots = sorted(table.snapshots(), key=lambda snapshot: snapshot.timestamp_ms)
    old = [snapshot.snapshot_id for snapshot in snapshots[: -KEPT_BUILDS * SNAPSHOTS_A_BUILD]]
    if not old:
        return
    before = _files(table)
    table.maintenance.expire_snapshots().by_ids(old).commit()
    table.refresh()
    for path in before - _files(table):
        table.io.delete(path)


def _files(table: Any) -> set[str]:
    files: set[str] = set(table.inspect.all_files()["file_path"].to_pylist())
    files |= set(table.inspect.all_manifests()["path"].to_pylist())
    return files | {snapshot.manifest_list for snapshot in table.snapshots()}


def _described(table: Any) -> SharedMart:
    snapshot = table.current_snapshot()
    rows = int(snapshot.summary["total-records"]) if snapshot is not None else 0
    return SharedMart(table.name()[-1], rows, table.metadata_location)
