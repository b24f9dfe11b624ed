"""Objects under lock: nobody, their owner not either, changes or removes them before their time is over."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime

from minio.commonconfig import COMPLIANCE
from minio.error import S3Error
from minio.retention import Retention

from citybrain.lake.objects import LakeError, _client
from citybrain.settings import Settings


def ensure_locked_bucket(settings: Settings, zone: str) -> str:
    """The bucket of a zone, created with object lock when missing. Raises LakeError for one without."""
    client, bucket = _client(settings), settings.bucket(zone)
    try:
        if not client.bucket_exists(bucket):
            client.make_bucket(bucket, object_lock=True)
        client.get_object_lock_config(bucket)
    except S3Error as error:
        if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise LakeError(f"{bucket} takes no locks: {error.code}") from error
    return bucket


def keep_locked(settings: Settings, zone: str, key: str, content: bytes, until: datetime) -> None:
    """Store a small object that stays as it is until `until` (aware). Raises LakeError when it does not."""
    client, bucket = _client(settings), ensure_locked_bucket(settings, zone)
    lock = Retention(COMPLIANCE, until.astimezone(UTC).replace(microsecond=0))
    stored = client.put_object(
        bucket, key, io.BytesIO(content), len(content), "application/json", retention=lock
    )
    held = client.get_object_retention(bucket, key, version_id=stored.version_id)
    if held is None or held.mode != COMPLIANCE:
        raise LakeError(f"{bucket}/{key} was stored, and is not under lock")


def locked_objects(settings: Settings, zone: str) -> Iterator[tuple[str, bytes]]:
    """Key and content of every first version, in order of key: a later version of a key hides nothing.

    Nothing when the bucket does not exist.
    """
    client, bucket = _client(settings), settings.bucket(zone)
    if not client.bucket_exists(bucket):
        return
    first: dict[str, tuple[datetime, str | None]] = {}
    for found in client.list_objects(bucket, recursive=True, include_version=True):
        if found.is_delete_marker or found.object_name is None or found.last_modified is None:
            continue
        known = first.get(found.object_name)
        if known is None or found.last_modified < known[0]:
            first[found.object_name] = found.last_modified, found.version_id
    for key, (_, version) in sorted(first.items()):
        response = client.get_object(bucket, key, version_id=version)
        try:
            yield key, response.read()
        finally:
            response.close()
            response.release_conn()
