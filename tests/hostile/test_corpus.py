"""Every hostile delivery ends as a card or in quarantine, each row is accounted for, older rows stay."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from corpus import CASES, DATASETS, YESTERDAY, Case

from citybrain.ingest import BatchOutcome, gate_landed_batches, land_dataset
from citybrain.settings import Settings
from trial_city import City, assert_accounted_for, trial_city, wipe

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def played(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[City, dict[str, BatchOutcome]]]:
    """The whole corpus landed and gated in one process; the outcome of each case by name."""
    folder: Path = tmp_path_factory.mktemp("hostile")
    wipe(settings)
    with trial_city(settings, folder) as city:
        for dataset, options in DATASETS.items():
            city.add_dataset(dataset, **options)
            city.drop(dataset, "yesterday", YESTERDAY[dataset]())
            land_dataset(dataset)
        first = gate_landed_batches()
        assert {outcome.card for outcome in first} == {"green"}, first
        landed = {}
        for position, case in enumerate(CASES):
            city.drop(case.dataset, f"{position}.dat", case.content())
            report = land_dataset(case.dataset)
            assert len(report.landed) == 1, f"{case.name}: the same bytes as another case"
            landed[report.landed[0]] = case.name
        outcomes = {landed[outcome.batch_id]: outcome for outcome in gate_landed_batches()}
        yield city, outcomes


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hostile_delivery(played: tuple[City, dict[str, BatchOutcome]], case: Case) -> None:
    city, outcomes = played
    outcome = outcomes[case.name]
    said = [
        outcome.reason or "",
        *(reason for row in city.quarantined(outcome.batch_id) for reason in row["reasons"]),
    ]
    assert outcome.state == case.state, said
    assert (outcome.rows_loaded, outcome.rows_quarantined) == (case.loaded, case.quarantined), said
    assert any(case.reason in text for text in said), said
    if case.rows_in is not None:
        assert outcome.rows_in == case.rows_in
    if case.state in ("rejected", "held"):
        assert outcome.card == "red"
    loaded = {row["_line"]: row for row in city.raw(case.dataset) if row["_batch_id"] == outcome.batch_id}
    for column, value in case.values:
        assert loaded[case.line][column] == value


def test_yesterday_stays_and_every_row_is_accounted_for(played: tuple[City, dict[str, BatchOutcome]]) -> None:
    city, _ = played
    assert_accounted_for(city)
    for dataset in DATASETS:
        first = city.rows("SELECT min(batch_id) AS id FROM meta.batch WHERE dataset = %s", dataset)[0]["id"]
        assert sum(row["_batch_id"] == first for row in city.raw(dataset)) == 20
