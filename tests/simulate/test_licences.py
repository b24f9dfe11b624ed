"""Licences in the exchange database: plausible, the same again, and read back as they were written."""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest

from citybrain.ingest import gate_landed_batches, land_dataset
from citybrain.settings import DatabaseRole, Settings, get_settings
from citybrain.simulate import score_quarantine, write_city
from citybrain.simulate.delivery import Place
from citybrain.simulate.firms import FAILING, firms_until
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.licences import licence_changes, licence_deliveries, licences_of

from .conftest import STARTED, settings_of_city

FIRST_DAY = date(2026, 3, 18)
DATASET = "enterprise_licence"


def test_a_third_of_the_firms_hold_a_little_over_one_licence() -> None:
    firms = firms_until(341600, 20_000, FIRST_DAY, FIRST_DAY)
    licences = licences_of(341600, firms, FIRST_DAY)
    assert len(set(licences.keys.tolist())) == len(licences.keys)
    holders = len(set(licences.holders.tolist()))
    assert 0.25 < holders / len(firms) < 0.35
    assert 1.15 < len(licences.keys) / holders < 1.25
    assert (licences.issued < licences.valid_until).all()
    assert (licences.changed <= np.datetime64(FIRST_DAY)).all()
    assert (licences.issued > firms.established[licences.holders]).all()
    shares = {name: float((licences.status == name).mean()) for name in ("有效", "过期", "注销", "吊销")}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["有效"] > 0.5
    assert all(share > 0.002 for share in shares.values())
    soon = licences.valid_until[licences.status == "有效"] - np.datetime64(FIRST_DAY)
    assert (soon >= np.timedelta64(0, "D")).all()
    assert (soon < np.timedelta64(90, "D")).any()


def test_the_failing_firm_gives_its_licences_up() -> None:
    firms = firms_until(341600, 20_000, FIRST_DAY, FIRST_DAY)
    licences = licences_of(341600, firms, FIRST_DAY)
    its = licences.holders == FAILING
    assert its.any()
    assert set(licences.status[its].tolist()) <= {"注销", "过期", "吊销"}
    given_up = its & (licences.status == "注销")
    assert (licences.changed[given_up] == firms.closed[FAILING]).all()


def test_days_of_changes_add_up_to_the_whole() -> None:
    """Everything on the first day and the changes after it leave what everything on the last day is."""
    last = FIRST_DAY + timedelta(days=9)
    firms = firms_until(341600, 6_000, FIRST_DAY, last)
    held: dict[str, str] = {}
    days = [FIRST_DAY + timedelta(days=number) for number in range(10)]
    for day in days:
        content, rows, _ = licence_changes(341600, firms, day, everything=day == FIRST_DAY)
        lines = content.decode().splitlines()[1:]
        assert len(lines) == rows
        held |= {line.split(",")[0]: line for line in lines}
    whole, _, _ = licence_changes(341600, firms, last, everything=True)
    assert set(held.values()) == set(whole.decode().splitlines()[1:])


def test_each_day_has_one_delivery_with_the_same_bytes_again() -> None:
    ledger = Ledger(seed=7, enterprises=3_000, started=STARTED)
    later = (STARTED + timedelta(days=2)).astimezone(datetime.now().astimezone().tzinfo)
    first, second = (list(licence_deliveries(ledger, later)) for _ in range(2))
    assert [delivery.name[-8:] for delivery in first] == ["20260318", "20260319", "20260320"]
    assert {delivery.place for delivery in first} == {Place.EXCHANGE}
    assert [delivery.make()[0] for delivery in first] == [delivery.make()[0] for delivery in second]


@pytest.mark.slow  # the whole small city goes through the gate in tests/e2e/test_planted.py
@pytest.mark.integration
def test_what_is_planted_in_the_exchange_is_caught(
    clean_city: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = settings_of_city(clean_city, tmp_path / "home", "licence-")
    monkeypatch.setattr("citybrain.simulate.plan.TOPICS", _only_licences())
    with psycopg.connect(own.dsn(DatabaseRole.EXCHANGE)) as exchange:
        exchange.execute("DROP SCHEMA IF EXISTS market_regulation CASCADE")
    (sent,) = write_city(own, STARTED).sent
    (batch,) = land_dataset(DATASET).landed
    assert land_dataset(DATASET).landed == []
    (outcome,) = gate_landed_batches()
    assert (outcome.state, outcome.rows_in) == ("loaded", sent.rows)
    score = score_quarantine(own)
    assert {(kind.kind, kind.caught) for kind in score.kinds} == {
        (kind.kind, kind.planted) for kind in score.kinds
    }
    assert score.planted == sent.planted > 3
    assert score.good_held == 0

    write_city(own, STARTED + timedelta(days=20))
    (again,) = land_dataset(DATASET).landed
    assert gate_landed_batches()[0].batch_id == again != batch
    with psycopg.connect(get_settings().dsn(DatabaseRole.EXCHANGE_READER)) as reader:
        there = reader.execute(
            "SELECT count(*), max(updated_at) FROM market_regulation.enterprise_licence"
        ).fetchone()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("DELETE FROM market_regulation.enterprise_licence")
    with psycopg.connect(own.dsn(DatabaseRole.TRANSFORMER)) as connection:
        here = connection.execute(
            "SELECT (SELECT count(DISTINCT licence_no) FROM raw.enterprise_licence)"
            " + (SELECT count(DISTINCT record->>'licence_no') FROM quarantine.rejected_row"
            "    WHERE record->>'licence_no' NOT IN (SELECT licence_no FROM raw.enterprise_licence)),"
            " (SELECT max(updated_at) FROM raw.enterprise_licence)"
        ).fetchone()
    assert there is not None
    assert here == there


def _only_licences() -> tuple[object, ...]:
    from citybrain.simulate.topics import TOPICS

    return tuple(topic for topic in TOPICS if topic.deliveries is licence_deliveries)
