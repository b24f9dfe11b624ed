"""When there is something to publish: files and marts are asked about apart."""

from pathlib import Path

import pytest

from citybrain.bi.publication import Publication, last_publication, marts_changed, note_publication
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.refresh_need import newest_build
from citybrain.warehouse.transform_record import begin_run, end_run

pytestmark = pytest.mark.integration


@pytest.fixture
def unpublished(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The stack's settings with a note of publications of their own."""
    monkeypatch.setattr("citybrain.bi.publication._note", lambda _: tmp_path / "note.json")
    return settings


def build(settings: Settings) -> None:
    """A build is begun and ends well."""
    with connect(settings, DatabaseRole.TRANSFORMER, "test", autocommit=True) as connection:
        run, _ = begin_run(connection, "build", None)
        end_run(connection, run, None, [], succeeded=True)


def test_charts_are_asked_again_after_a_build_and_only_then(unpublished: Settings) -> None:
    assert last_publication(unpublished) is None
    assert marts_changed(unpublished), "no chart was ever asked"
    published = Publication(edition="files as they are", build=newest_build(unpublished))
    note_publication(unpublished, published)
    assert last_publication(unpublished) == published
    assert not marts_changed(unpublished)
    build(unpublished)
    assert marts_changed(unpublished)
