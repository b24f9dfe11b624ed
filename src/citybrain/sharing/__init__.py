"""Marts for engines outside the platform: Iceberg tables in the lake, each as of its mart's last build."""

from citybrain.sharing.catalog import NAMESPACE, open_catalog
from citybrain.sharing.share import SharedMart, SharingError, share_marts, shared_tables, waiting_marts

__all__ = [
    "NAMESPACE",
    "SharedMart",
    "SharingError",
    "open_catalog",
    "share_marts",
    "shared_tables",
    "waiting_marts",
]
