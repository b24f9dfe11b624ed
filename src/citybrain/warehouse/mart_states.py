"""How the marts stand: a word for each that changes when the mart does, which of them operations write."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.dbt_process import last_manifest
from citybrain.warehouse.refresh_need import OPERATIONS

PUBLISHED = "SELECT mart, published_at FROM meta.mart_publication"
NEWEST_BUILD = """
SELECT coalesce(max(transform_run_id), 0) FROM meta.transform_run WHERE selection IS DISTINCT FROM %s
"""


def mart_states(settings: Settings, marts: set[str]) -> dict[str, str]:
    """The state of each of `marts`: when it was published, or, where nothing is swapped in, the newest build
    that may have written it. Raises psycopg.Error.
    """
    with connect(settings, DatabaseRole.TRANSFORMER, "mart-states") as connection:
        published: dict[str, datetime] = dict(connection.execute(PUBLISHED).fetchall())
        row = connection.execute(NEWEST_BUILD, [OPERATIONS]).fetchone()
    build = f"build {row[0] if row else 0}"
    return {mart: published[mart].isoformat() if mart in published else build for mart in marts}


def operations_marts(settings: Settings) -> set[str]:
    """Models that a build of OPERATIONS writes, by name, as dbt last read the project; none before it did."""
    manifest = last_manifest(settings)
    return set() if manifest is None else set(_downstream(manifest))


def _downstream(manifest: dict[str, Any]) -> Iterator[str]:
    """Names of all models that read, over however many others, a source that OPERATIONS names."""
    wanted = {word.removeprefix("source:").removesuffix("+") for word in OPERATIONS.split()}
    waiting = [
        key
        for key, source in manifest["sources"].items()
        if not wanted.isdisjoint({source["source_name"], f"{source['source_name']}.{source['name']}"})
    ]
    seen = set(waiting)
    while waiting:
        for child in manifest["child_map"].get(waiting.pop(), []):
            if child not in seen:
                seen.add(child)
                waiting.append(child)
                if child.startswith("model."):
                    yield str(manifest["nodes"][child]["name"])
