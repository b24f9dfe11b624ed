"""What is there to publish: did files or Superset change, did the marts, since the last good publication?

Files are brought to Superset when they changed; charts are asked anew when the marts did, too.
"""

import hashlib
import json
from pathlib import Path

from pydantic import BaseModel

from citybrain.bi.client import connect
from citybrain.bi.edition import Edition
from citybrain.bi.provision import standing_objects
from citybrain.bi.theme import theme_json
from citybrain.settings import Settings
from citybrain.warehouse.refresh_need import newest_build


class Publication(BaseModel):
    """A publication of which every chart answered: `edition_hash` of its files, and the build it showed."""

    edition: str
    build: int


def edition_hash(edition: Edition) -> str:
    """SHA-256 over what is brought to Superset: compiled files, themes, roles and row rules."""
    tokens, roles, rows = edition.content.tokens, edition.content.roles, edition.content.rows
    parts = [
        edition.bundle.sha256,
        theme_json(tokens, "light"),
        theme_json(tokens, "dark"),
        roles.model_dump_json(),
        rows.model_dump_json(),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _note(settings: Settings) -> Path:
    return settings.data_dir / "dashboards-published.json"


def last_publication(settings: Settings) -> Publication | None:
    """The last one that was verified."""
    note = _note(settings)
    return Publication.model_validate_json(note.read_bytes()) if note.exists() else None


def why_publish(settings: Settings, edition: Edition) -> str | None:
    """Why an edition should be brought to Superset now, in one line for a log; None: it would change nothing.

    Raises SupersetError.
    """
    last = last_publication(settings)
    if last is None:
        return "nothing was published and verified yet"
    if last.edition != edition_hash(edition):
        return "the files of dashboards/ changed since the last good publication"
    wanted = edition.bundle
    standing = {item.uuid for item in standing_objects(connect(settings))}
    missing = {*wanted.dashboards, *wanted.charts, *wanted.datasets} - standing
    if missing:
        return f"{len(missing)} objects are missing in Superset"
    return None


def marts_changed(settings: Settings) -> bool:
    """May a chart answer otherwise than when every chart was last asked? Raises psycopg.Error."""
    last = last_publication(settings)
    return last is None or last.build != newest_build(settings)


def note_publication(settings: Settings, publication: Publication) -> None:
    """Note a publication that was verified; its build is the one that was newest before charts were asked."""
    draft = _note(settings).with_suffix(".new")
    draft.write_text(publication.model_dump_json(), encoding="ascii")
    draft.replace(_note(settings))
