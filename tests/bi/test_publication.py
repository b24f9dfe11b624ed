"""When there is something to publish: files are asked about, and charts by the marts that they read."""

from pathlib import Path

import pytest

from citybrain.bi.bundle import compile_bundle
from citybrain.bi.content import load_dashboards
from citybrain.bi.publication import (
    Publication,
    charts_to_ask,
    forget_publication,
    last_publication,
    note_answers,
    note_publication,
)
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.mart_states import mart_states
from citybrain.warehouse.refresh_need import OPERATIONS
from citybrain.warehouse.transform_record import begin_run, end_run

READS = {"air": ("mart_air",), "map of air": ("dim_area", "mart_air"), "cases": ("mart_case",)}
STATES = {"mart_air": "noon", "mart_case": "noon", "dim_area": "build 1"}


@pytest.fixture
def unpublished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a note of publications of their own."""
    monkeypatch.setattr("citybrain.bi.publication._note", lambda _: tmp_path / "note.json")
    return Settings(home=tmp_path)


def test_only_charts_of_a_mart_that_was_published_again_are_asked() -> None:
    last = Publication(edition="files", marts=STATES)
    assert charts_to_ask(READS, "files", None, STATES) == set(READS), "nobody was asked before"
    assert charts_to_ask(READS, "other files", last, STATES) == set(READS)
    assert charts_to_ask(READS, "files", last, STATES) == set()
    assert charts_to_ask(READS, "files", last, STATES | {"mart_case": "one"}) == {"cases"}
    assert charts_to_ask(READS, "files", last, STATES | {"dim_area": "build 2"}) == {"map of air"}
    assert charts_to_ask(READS, "files", last, {"dim_area": "build 1"}) == set(READS), "no such mart now"


def test_answers_of_one_edition_add_up(unpublished: Settings) -> None:
    assert last_publication(unpublished) is None
    note_answers(unpublished, "files", {"mart_air": "noon"})
    note_answers(unpublished, "files", {"mart_case": "one"})
    assert last_publication(unpublished) == Publication(
        edition="files", marts={"mart_air": "noon", "mart_case": "one"}
    )
    note_answers(unpublished, "new files", {"mart_case": "two"})
    assert last_publication(unpublished) == Publication(edition="new files", marts={"mart_case": "two"})
    forget_publication(unpublished)
    forget_publication(unpublished)
    assert last_publication(unpublished) is None


def test_a_map_reads_its_outlines_too(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    content = load_dashboards(settings)
    bundle = compile_bundle(settings, content)
    assert set(bundle.reads) == set(bundle.charts)
    maps = [tile.mart for scenario in content.scenarios.values() for tile in scenario.data_tiles]
    view = content.maps.maps[next(name for name in maps if name in content.maps.maps)]
    assert tuple(sorted({view.values, view.outlines.mart})) in bundle.reads.values()


@pytest.mark.integration
def test_a_mart_that_nobody_swaps_in_changes_with_builds_of_everything(settings: Settings) -> None:
    def build(selection: str | None) -> None:
        with connect(settings, DatabaseRole.TRANSFORMER, "test", autocommit=True) as connection:
            run, _ = begin_run(connection, "build", selection)
            end_run(connection, run, None, [], succeeded=True)

    before = mart_states(settings, {"dim_area"})
    build(OPERATIONS)
    assert mart_states(settings, {"dim_area"}) == before
    build(None)
    assert mart_states(settings, {"dim_area"}) != before


def test_the_note_is_written_whole(unpublished: Settings) -> None:
    published = Publication(edition="files as they are", marts={"mart_air": "noon"})
    note_publication(unpublished, published)
    assert last_publication(unpublished) == published
