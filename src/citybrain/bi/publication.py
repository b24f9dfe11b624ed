"""Is there anything to publish: did files, marts or Superset change since the last good publication?"""

import hashlib
import json
from pathlib import Path

from citybrain.bi.bundle import compile_bundle
from citybrain.bi.client import connect
from citybrain.bi.content import load_dashboards
from citybrain.bi.provision import standing_objects
from citybrain.bi.theme import theme_json
from citybrain.settings import Settings
from citybrain.warehouse.refresh_need import newest_build


def fingerprint(settings: Settings) -> str:
    """SHA-256 over what a publication is made from: the compiled files, themes, roles and the newest build.

    Raises ContentError when a file is wrong.
    """
    content = load_dashboards(settings)
    parts = [
        compile_bundle(settings, content).sha256,
        theme_json(content.tokens, "light"),
        theme_json(content.tokens, "dark"),
        content.roles.model_dump_json(),
        newest_build(settings),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _note(settings: Settings) -> Path:
    return settings.data_dir / "dashboards-published"


def why_publish(settings: Settings) -> str | None:
    """Why the dashboards should be published now, in one line for a log; None when it would change nothing.

    Raises ContentError and SupersetError.
    """
    note = _note(settings)
    if not note.exists():
        return "nothing was published and verified yet"
    if note.read_text(encoding="ascii") != fingerprint(settings):
        return "the files of dashboards/ or the marts changed since the last good publication"
    wanted = compile_bundle(settings, load_dashboards(settings))
    standing = {item.uuid for item in standing_objects(connect(settings))}
    missing = {*wanted.dashboards, *wanted.charts, *wanted.datasets} - standing
    if missing:
        return f"{len(missing)} objects are missing in Superset"
    return None


def note_published(settings: Settings, published_from: str) -> None:
    """Note what a publication that was verified was made from: its `fingerprint`, taken before it began."""
    _note(settings).write_text(published_from, encoding="ascii")
