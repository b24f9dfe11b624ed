"""Objects that another system puts below a prefix: each version is taken once, and stays where it is."""

from collections.abc import Iterator
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from citybrain.catalogue.connector import S3Prefix
from citybrain.ingest.connectors.arrival import Arrival, Fetched, RefusedError, iso_version, refuse_odd_name
from citybrain.ingest.manifest import etags_seen
from citybrain.lake import StoredObject, download, list_objects
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect


def prefixed_objects(settings: Settings, dataset_id: str, connector: S3Prefix) -> Iterator[Arrival]:
    """The objects whose name and ETag the manifest does not know yet, in order of key."""
    found = [
        stored
        for stored in list_objects(settings, connector.bucket, connector.prefix)
        if fnmatch(stored.key.rsplit("/", 1)[-1], connector.pattern)
    ]
    with connect(settings, DatabaseRole.LOADER, "citybrain landing") as connection:
        seen = etags_seen(connection, dataset_id, [stored.key for stored in found])
    for stored in found:
        if (stored.key, stored.etag) not in seen:
            yield Arrival(stored.key, partial(_fetch, settings, connector, stored), etag=stored.etag)


def _fetch(settings: Settings, connector: S3Prefix, stored: StoredObject, target: Path) -> Fetched:
    for part in stored.key.removeprefix(connector.prefix).split("/"):
        refuse_odd_name(part)
    if stored.size > settings.max_object_mb * 1024 * 1024:
        raise RefusedError(f"larger than {settings.max_object_mb} MiB (CITYBRAIN_MAX_OBJECT_MB)")
    spooled = download(settings, connector.bucket, stored.key, target)
    return Fetched(spooled, iso_version(stored.modified), stored.etag)
