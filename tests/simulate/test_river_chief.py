"""What the river chiefs' office exports: the same whenever it is written, and judged by the gate."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from citybrain.ingest import gate_landed_batches, land_file
from citybrain.settings import Settings
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.river_chief import (
    MONTHS,
    SECTIONS_OF_COUNTY,
    finding_rows,
    months_before,
    patrol_rows,
    river_chief_deliveries,
)

DAY = date(2026, 3, 18)


def test_an_export_tells_the_same_of_a_finding_as_the_one_before() -> None:
    march = {row["finding_code"]: row for row in finding_rows(7, 40, DAY, DAY)}
    april = {row["finding_code"]: row for row in finding_rows(7, 40, date(2026, 4, 18), DAY)}
    oldest = f"SL{months_before(date(2026, 4, 18), MONTHS)[0]:%Y%m}"
    for code in [code for code in march if code >= oldest]:
        for name in ("county_code", "disorder", "found_by", "area_m2", "found_on"):
            assert april[code][name] == march[code][name]
        assert march[code]["cleared_on"] in ("", april[code]["cleared_on"])
    assert all(row["cleared_on"] <= DAY.isoformat() for row in march.values())


def test_every_section_stands_in_every_month() -> None:
    rows = patrol_rows(7, DAY)
    assert (
        len({(row["section_code"], row["month"]) for row in rows})
        == 4 * SECTIONS_OF_COUNTY * MONTHS
        == len(rows)
    )
    assert rows == patrol_rows(7, DAY)


@pytest.mark.slow  # the whole small city goes through the gate in tests/e2e/test_planted.py
@pytest.mark.integration
def test_the_gate_holds_the_planted_rows_and_lets_the_others_pass(
    clean_city: Settings, tmp_path: Path
) -> None:
    from citybrain.simulate.places import DATA

    ledger = Ledger(seed=341600, enterprises=20_000, started=datetime.now(UTC))
    land_file("division_county", DATA / "division_county.csv")
    planted = {}
    for delivery in river_chief_deliveries(ledger, datetime.now(UTC)):
        content, rows, truth = delivery.make()
        path = tmp_path / Path(delivery.path).name
        path.write_bytes(content)
        land_file(delivery.dataset, path)
        spoilt = sum(one.kind != "sent_twice" for one in truth)
        twins = sum(one.kind == "sent_twice" for one in truth) // 2
        planted[delivery.dataset] = (rows, spoilt + twins)
    outcomes = {outcome.dataset: outcome for outcome in gate_landed_batches()}
    for dataset, (rows, spoilt) in planted.items():
        outcome = outcomes[dataset]
        assert outcome.state == "loaded", outcome.reason
        assert (outcome.rows_in, outcome.rows_loaded) == (rows, rows - spoilt)
        assert spoilt > 3
