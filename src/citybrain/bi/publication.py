"""Is there anything to publish: did files, marts or Superset change since the last good publication?"""

import hashlib
import json
from pathlib import Path

from citybrain.bi.client import connect
from citybrain.bi.edition import Edition
from citybrain.bi.provision import standing_objects
from citybrain.bi.theme import theme_json
from citybrain.settings import Settings
from citybrain.warehouse.refresh_need import newest_build


def fingerprint(settings: Settings, edition: Edition) -> str:
    """SHA-256 over what a publication is made of: compiled files, themes, roles and the newest build."""
    tokens, roles = edition.content.tokens, edition.content.roles
    parts = [
        edition.bundle.sha256,
        theme_json(tokens, "light"),
        theme_json(tokens, "dark"),
        roles.model_dump_json(),
        newest_build(settings),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _note(settings: Settings) -> Path:
    return settings.data_dir / "dashboards-published"


def why_publish(settings: Settings, edition: Edition) -> str | None:
    """Why an edition should be published now, in one line for a log; None when it would change nothing.

    Raises SupersetError.
    """
    note = _note(settings)
    if not note.exists():
        return "nothing was published and verified yet"
    if note.read_text(encoding="ascii") != fingerprint(settings, edition):
        return "the files of dashboards/ or the marts changed since the last good publication"
    wanted = edition.bundle
    standing = {item.uuid for item in standing_objects(connect(settings))}
    missing = {*wanted.dashboards, *wanted.charts, *wanted.datasets} - standing
    if missing:
        return f"{len(missing)} objects are missing in Superset"
    return None


def note_published(settings: Settings, published_from: str) -> None:
    """Note what a publication that was verified was made from: its `fingerprint`, taken before it began."""
    _note(settings).write_text(published_from, encoding="ascii")
