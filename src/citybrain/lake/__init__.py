"""The lake: immutable, content-addressed objects in S3, through the minio SDK."""

from citybrain.lake.arriving import Arriving, arriving
from citybrain.lake.locked import ensure_locked_bucket, keep_locked, locked_objects
from citybrain.lake.objects import (
    LakeError,
    StoredObject,
    create_object,
    download,
    ensure_bucket,
    landing_key,
    list_objects,
    remove_all_versions,
)
from citybrain.lake.spool import Spooled, TooLargeError, spool, spool_folder

__all__ = [
    "Arriving",
    "LakeError",
    "Spooled",
    "StoredObject",
    "TooLargeError",
    "arriving",
    "create_object",
    "download",
    "ensure_bucket",
    "ensure_locked_bucket",
    "keep_locked",
    "landing_key",
    "list_objects",
    "locked_objects",
    "remove_all_versions",
    "spool",
    "spool_folder",
]
