"""Objects of the lake's zones: created once, verified, never rewritten."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import ENABLED
from minio.error import S3Error
from minio.versioningconfig import VersioningConfig

from citybrain.lake.spool import Spooled, spool
from citybrain.settings import Settings

TIMEOUT = urllib3.Timeout(connect=10, read=120)
BUSY = [500, 502, 503, 504]
RETRIES = urllib3.Retry(total=5, backoff_factor=0.3, status_forcelist=BUSY)
# A server that lost sight of its volumes on a busy machine finds them again within half a minute: a read
# can wait for that, while a write that a full disk refuses should say so soon.
PATIENT = urllib3.Retry(total=9, connect=5, backoff_factor=0.3, backoff_max=8, status_forcelist=BUSY)
SUFFIX = re.compile(r"^[a-z0-9]{1,8}$")
CHUNK = 1024 * 1024


class LakeError(RuntimeError):
    """An object is missing, damaged, or not the one its key promises."""


@dataclass(frozen=True)
class StoredObject:
    """An object as a listing shows it; `modified` is aware, `size` in bytes."""

    key: str
    size: int
    etag: str
    modified: datetime


class _CreateOnly(urllib3.PoolManager):
    """Adds `If-None-Match: *` to the request that makes an object appear: a put, or the end of a multipart
    upload.

    The SDK has no argument for it.
    """

    def urlopen(  # type: ignore[override]  # as PoolManager itself does
        self, method: str, url: str, redirect: bool = True, **options: Any
    ) -> urllib3.BaseHTTPResponse:
        query = parse_qs(urlsplit(url).query, keep_blank_values=True)
        creates = (method == "PUT" and not query) or (method == "POST" and "uploadId" in query)
        if creates:
            options["headers"] = {**dict(options.get("headers") or {}), "If-None-Match": "*"}
        return super().urlopen(method, url, redirect=redirect, **options)


Account = tuple[str, str, str, bool, str]


def _account(settings: Settings) -> Account:
    access, secret = settings.s3_access
    return settings.s3_address, access, secret, settings.s3_secure, settings.s3_region


@cache
def _open(account: Account) -> Minio:
    return _over(account, urllib3.PoolManager(timeout=TIMEOUT, retries=PATIENT, cert_reqs="CERT_REQUIRED"))


@cache
def _open_create_only(account: Account) -> Minio:
    return _over(account, _CreateOnly(timeout=TIMEOUT, retries=RETRIES, cert_reqs="CERT_REQUIRED"))


def _over(account: Account, http: urllib3.PoolManager) -> Minio:
    address, access, secret, secure, region = account
    return Minio(
        address, access_key=access, secret_key=secret, secure=secure, region=region, http_client=http
    )


def _client(settings: Settings) -> Minio:
    return _open(_account(settings))


def ensure_bucket(settings: Settings, zone: str) -> str:
    """The bucket of a zone, created with versioning when missing. Safe for two processes at once."""
    client, bucket = _client(settings), settings.bucket(zone)
    try:
        if not client.bucket_exists(bucket):
            client.make_bucket(bucket)
    except S3Error as error:
        if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise
    if client.get_bucket_versioning(bucket).status != ENABLED:
        client.set_bucket_versioning(bucket, VersioningConfig(ENABLED))
    return bucket


def landing_key(dataset: str, day: date, sha256: str, suffix: str) -> str:
    """`<dataset>/<yyyy>/<mm>/<dd>/<sha256>.<suffix>`; nothing of the delivered name but a plain suffix gets
    in.
    """
    if not SUFFIX.match(suffix):
        raise ValueError(f"not a plain file suffix: {suffix!r}")
    return f"{dataset}/{day:%Y/%m/%d}/{sha256}.{suffix}"


def create_object(
    settings: Settings, zone: str, key: str, spooled: Spooled, metadata: Mapping[str, str]
) -> bool:
    """Store a spooled file under `key`, unless the key is taken. True when this call created the object.

    Metadata values may be any text; they are stored percent-encoded. Raises LakeError when what stands under
    the key is not these
    bytes, and minio's S3Error or urllib3's errors when the server fails.
    """
    client, bucket = _open_create_only(_account(settings)), settings.bucket(zone)
    headers: dict[str, str | list[str] | tuple[str]] = {
        name: quote(value, safe="/:+ ") for name, value in metadata.items()
    }
    headers["sha256"] = spooled.sha256
    created = True
    try:
        client.fput_object(bucket, key, str(spooled.path), metadata=headers, num_parallel_uploads=1)
    except S3Error as error:
        if error.code != "PreconditionFailed":
            raise
        created = False
    found = client.stat_object(bucket, key)
    recorded = (found.metadata or {}).get("x-amz-meta-sha256")
    if found.size != spooled.size or recorded != spooled.sha256:
        raise LakeError(
            f"{bucket}/{key} holds {found.size} bytes with sha256 {recorded},"
            f" not the {spooled.size} bytes with {spooled.sha256}"
        )
    return created


def open_object(settings: Settings, zone: str, key: str) -> urllib3.BaseHTTPResponse:
    """The server's answer, to be read, closed and given back. Raises LakeError when the object is missing."""
    try:
        return _client(settings).get_object(settings.bucket(zone), key)
    except S3Error as error:
        raise LakeError(f"{settings.bucket(zone)}/{key}: {error.code}") from error


def download(settings: Settings, zone: str, key: str, path: Path, sha256: str | None = None) -> Spooled:
    """Fetch an object into `path`. Raises LakeError when it is missing or `sha256` is given and not its
    own.
    """
    response = open_object(settings, zone, key)
    try:
        fetched = spool(response.stream(CHUNK), path, settings.max_object_mb)
    finally:
        response.close()
        response.release_conn()
    if sha256 is not None and fetched.sha256 != sha256:
        raise LakeError(
            f"{settings.bucket(zone)}/{key} is damaged: its sha256 is {fetched.sha256}, not {sha256}"
        )
    return fetched


def list_objects(settings: Settings, zone: str, prefix: str) -> Iterator[StoredObject]:
    """The current objects below `prefix`, in order of key. Nothing when the bucket does not exist."""
    try:
        for found in _client(settings).list_objects(settings.bucket(zone), prefix=prefix, recursive=True):
            if found.is_dir or found.object_name is None or found.last_modified is None:
                continue
            yield StoredObject(found.object_name, found.size or 0, found.etag or "", found.last_modified)
    except S3Error as error:
        if error.code != "NoSuchBucket":
            raise


def remove_all_versions(settings: Settings, zone: str, key: str) -> int:
    """Delete every version of an object and every delete marker: nothing of it can be restored.

    For data whose retention is over; nothing else in the lake is ever deleted. The number of versions.
    Raises LakeError when some version stays.
    """
    client, bucket = _client(settings), settings.bucket(zone)
    versions = [
        found.version_id
        for found in client.list_objects(bucket, prefix=key, include_version=True)
        if found.object_name == key
    ]
    for version in versions:
        client.remove_object(bucket, key, version_id=version)
    left = client.list_objects(bucket, prefix=key, include_version=True)
    if any(found.object_name == key for found in left):
        raise LakeError(f"{bucket}/{key}: some version could not be deleted")
    return len(versions)
