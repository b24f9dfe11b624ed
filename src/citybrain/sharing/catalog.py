"""The Iceberg catalog: tables in schema `published` of the city's database, files in the lake."""

import os
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from citybrain.lake import ensure_bucket
from citybrain.settings import DatabaseRole, Settings

ZONE = "published"
NAMESPACE = "marts"
SCHEMA = "published"


def open_catalog(settings: Settings) -> Any:
    """The catalog (`pyiceberg.catalog.sql.SqlCatalog`) with the namespace `marts`, both made when missing."""
    catalog = _catalog(settings.dsn(DatabaseRole.PUBLISHER), *_store(settings))
    catalog.create_namespace_if_not_exists(NAMESPACE)
    return catalog


def _store(settings: Settings) -> tuple[str, str, str, str, str]:
    scheme = "https" if settings.s3_secure else "http"
    bucket = ensure_bucket(settings, ZONE)
    return (f"{scheme}://{settings.s3_address}", *settings.s3_access, settings.s3_region, f"s3://{bucket}")


@cache
def _catalog(dsn: str, endpoint: str, access: str, secret: str, region: str, warehouse: str) -> Any:
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"  # Arrow's S3 client would look for a cloud around it
    from pyiceberg.catalog.sql import SqlCatalog

    uri = urlsplit(dsn)._replace(scheme="postgresql+psycopg", query=f"options=-csearch_path%3D{SCHEMA}")
    return SqlCatalog(
        "citybrain",
        **{
            "uri": uri.geturl(),
            "warehouse": warehouse,
            "s3.endpoint": endpoint,
            "s3.access-key-id": access,
            "s3.secret-access-key": secret,
            "s3.region": region,
            "pool_pre_ping": "true",
        },
    )
