"""The way of a delivery from the drop folder into the raw table."""

import pytest

from citybrain.ingest import gate_landed_batches, land_dataset
from trial_city import City, assert_accounted_for, credit_code

pytestmark = pytest.mark.integration

HEADER = "统一社会信用代码,名称,人数,资本,成立\n"
GOOD = "91110000600037341L,甲公司,12,100.50,2001-02-03\n"
OTHER = "91440300708461136T,乙公司,7,,2010/5/6\n"


def test_good_rows_are_loaded_and_bad_ones_kept_out_with_reasons(city: City) -> None:
    city.add_dataset("trial_firms")
    rows = [
        GOOD,
        OTHER,
        "91110000600037341M,丙公司,3,1,2001-01-01\n",
        "91110000710932515R,丁公司,三人,1,1999-01-01\n",
    ]
    rows += ["9111000071093123XX,戊公司\n"]
    filler = [f"{code},己,1,1,2000-01-01\n" for code in map(credit_code, range(30))]
    city.drop("trial_firms", "a.csv", (HEADER + "".join(rows + filler)).encode())
    report = land_dataset("trial_firms")
    assert len(report.landed) == 1
    (outcome,) = gate_landed_batches()
    assert (outcome.state, outcome.card) == ("loaded", "yellow")
    assert (outcome.rows_in, outcome.rows_loaded, outcome.rows_quarantined) == (35, 32, 3)
    reasons = {row["line"]: row["reasons"] for row in city.quarantined(outcome.batch_id)}
    assert "[code]" in reasons[4][0]
    assert "staff is not of type integer" in reasons[5][0]
    assert "2 cells, expected 5" in reasons[6][0]
    records = {row["line"]: row["record"] for row in city.quarantined(outcome.batch_id)}
    assert records[5]["staff"] == "三人"
    assert gate_landed_batches() == []
    assert_accounted_for(city)
