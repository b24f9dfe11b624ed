"""What is there to publish: did files or Superset change, did the marts, since the last good publication?

Files are brought to Superset when they changed. A chart is asked anew when its files did or when a mart that
it reads was published again: cases are built every few minutes, and most charts do not read them.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from citybrain.bi.client import connect
from citybrain.bi.edition import Edition
from citybrain.bi.provision import standing_objects
from citybrain.bi.theme import theme_json
from citybrain.settings import Settings


class Publication(BaseModel):
    """Charts of `edition` (the hash of its files) that read these marts answered, each mart in this state."""

    edition: str
    marts: dict[str, str]


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


def charts_to_ask(
    reads: Mapping[str, tuple[str, ...]], edition: str, last: Publication | None, states: Mapping[str, str]
) -> set[str]:
    """The charts (uuids) that may answer otherwise than when they were last asked.

    `reads` are the marts of each chart, `states` how the marts stand now (`warehouse.mart_states`). A mart
    without a state never stood: its charts are asked, and tell so.
    """
    if last is None or last.edition != edition:
        return set(reads)
    current = {mart for mart, state in states.items() if last.marts.get(mart) == state}
    return {chart for chart, marts in reads.items() if not current.issuperset(marts)}


def note_answers(settings: Settings, edition: str, marts: Mapping[str, str]) -> None:
    """Every chart of `edition` that reads one of `marts` answered, at these states.

    States are those that were read before any chart was asked. What was noted of other marts stands, as long
    as it was of the same edition.
    """
    last = last_publication(settings)
    kept = last.marts if last is not None and last.edition == edition else {}
    note_publication(settings, Publication(edition=edition, marts={**kept, **marts}))


def note_publication(settings: Settings, publication: Publication) -> None:
    """Note what was verified; states of marts are those read before any chart was asked."""
    draft = _note(settings).with_suffix(".new")
    draft.write_text(publication.model_dump_json(), encoding="ascii")
    draft.replace(_note(settings))


def forget_publication(settings: Settings) -> None:
    """A chart has no answer: the next run brings everything to Superset again."""
    _note(settings).unlink(missing_ok=True)
