"""Stills as the camera took them, of findings alone: a training set and a proof for days, then gone.

They stand in a bucket of their own that no page of the platform reads. The day after which a still goes is
the first part of its key, so that nothing has to be remembered elsewhere.
"""

import hashlib
from datetime import date, datetime, timedelta

from citybrain.lake import (
    create_object,
    ensure_bucket,
    list_objects,
    remove_all_versions,
    spool,
    spool_folder,
)
from citybrain.settings import Settings

ZONE = "originals"


def keep_original(settings: Settings, content: bytes, at: datetime) -> str | None:
    """Keep a still for CITYBRAIN_ORIGINALS_DAYS from `at` (aware); its key, None when none are kept."""
    if settings.originals_days == 0:
        return None
    sha256 = hashlib.sha256(content).hexdigest()
    until = at.date() + timedelta(days=settings.originals_days)
    ensure_bucket(settings, ZONE)
    key = f"{until:%Y%m%d}/{sha256}"
    with spool_folder(settings) as folder:
        spooled = spool([content], folder / "original", settings.max_object_mb)
        create_object(settings, ZONE, key, spooled, {"content": "original"})
    return key


def remove_old_originals(settings: Settings, today: date) -> int:
    """Remove every version of the stills whose day is over; how many stills there were."""
    over = [found.key for found in list_objects(settings, ZONE, "") if found.key[:8] < f"{today:%Y%m%d}"]
    for key in over:
        remove_all_versions(settings, ZONE, key)
    return len(over)
