"""Stable names: what is ours has a uuid5 of its kind and name, so a second import finds the first."""

from uuid import UUID, uuid5

NAMESPACE = UUID("6f5d2b3c-8a41-5c1e-9d1a-3416000c17b0")


def asset_uuid(kind: str, *names: str) -> UUID:
    """`kind` is database, dataset, chart, dashboard, filter …; the names are those of the files."""
    return uuid5(NAMESPACE, "/".join((kind, *names)))


def layout_id(kind: str, *names: str) -> str:
    """An id inside a dashboard's layout, e.g. `ROW-1f0c…`; stable, as diffs and links use it."""
    return f"{kind}-{asset_uuid('layout', kind, *names).hex[:12]}"
