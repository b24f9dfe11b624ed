"""Tickets, places, opinion and weather: sent, landed, gated, held against the truth, and the tickets read."""

import json
from collections import Counter
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest
from typer.testing import CliRunner

from citybrain.cli.hotline import app
from citybrain.ingest import gate_landed_batches, land_file
from citybrain.reading import known_readings, read_tickets, score
from citybrain.settings import DatabaseRole, Settings
from citybrain.simulate import hotline_truths, read_ledger, score_quarantine
from citybrain.simulate.delivery import SHANGHAI
from citybrain.simulate.hotline.calls import calls_of_day, cut_compound
from citybrain.simulate.hotline.tickets import hotline_deliveries, news_delivery, ticket_delivery
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.meteorology import rain_of_day, weather_deliveries
from citybrain.simulate.opinion import opinion_deliveries

from .conftest import ENTERPRISES, STARTED, WrittenCity

OWN = ("hotline_ticket", "street_address", "public_opinion_day", "weather_day", "weather_forecast")
REFERENCES = ("division_county", "division_township", "division_village", "compound_register")
LEDGER = Ledger(seed=341600, enterprises=ENTERPRISES, started=STARTED)
LOCAL = STARTED.astimezone(SHANGHAI)


def files(city: WrittenCity, dataset: str) -> list[Path]:
    return sorted((city.settings.drops / dataset).iterdir())


def gate() -> None:
    outcomes = gate_landed_batches()
    assert {outcome.state for outcome in outcomes} == {"loaded"}, outcomes


@pytest.mark.slow  # the whole small city goes through the gate in tests/e2e/test_planted.py
@pytest.mark.integration
def test_the_gate_catches_what_was_planted_and_tickets_are_read_as_they_come(
    city: WrittenCity, clean_city: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for dataset in (*REFERENCES, *OWN[1:]):
        for path in files(city, dataset):
            land_file(dataset, path)
    *early, last = files(city, "hotline_ticket")
    for path in early:
        land_file("hotline_ticket", path)
    gate()
    first = read_tickets(clean_city)
    assert first.read > 2500
    assert first.undecided / first.read < 0.10
    assert read_tickets(clean_city).read == 0  # nothing came, nothing changed

    land_file("hotline_ticket", last)
    gate()
    judged = [dataset for dataset in score_quarantine(city.settings).datasets if dataset.dataset in OWN]
    assert all(dataset.deliveries and not dataset.waiting for dataset in judged)
    kinds = [kind for kind in score_quarantine(city.settings).kinds if kind.dataset in OWN]
    assert [kind for kind in kinds if kind.caught < kind.planted] == []
    assert sum(kind.planted for kind in kinds) > 50
    assert sum(dataset.good_held for dataset in judged) == 0

    second = read_tickets(clean_city)
    assert 500 < second.read < first.read
    ledger = read_ledger(city.settings)
    assert ledger is not None
    bars = score(known_readings(clean_city), hotline_truths(ledger))
    assert bars.right_place >= 0.90
    assert bars.class_f1 >= 0.80
    assert bars.duplicate_f1 >= 0.80

    with monkeypatch.context() as patched:
        patched.setattr("citybrain.settings.get_settings", lambda: city.settings)
        told = CliRunner().invoke(app, ["score", "--json"])
    assert told.exit_code == 0
    assert json.loads(told.stdout)["demo_city"] == asdict(bars)

    piecewise = state(clean_city)
    assert len(piecewise) == first.read + second.read
    with psycopg.connect(clean_city.dsn(DatabaseRole.LOADER)) as connection:
        connection.execute("DELETE FROM meta.ticket_reading")
        connection.execute("DELETE FROM meta.ticket_reading_batch")
    assert read_tickets(clean_city).read == first.read + second.read
    assert state(clean_city) == piecewise  # read in pieces or at once: the same

    news = tmp_path / "news.jsonl"
    until = LOCAL.replace(second=0, microsecond=0)
    content, rows, _ = news_delivery(ledger, until, until + timedelta(days=1))
    news.write_bytes(content)
    land_file("hotline_ticket", news)
    gate()
    third = read_tickets(clean_city)
    assert 0 < third.read < rows  # answered tickets come again with the same words: they are not read again


def state(settings: Settings) -> list[tuple[object, ...]]:
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER)) as connection:
        return connection.execute(
            "SELECT ticket_no, matter, village_code, named_place, group_ticket_no, summary"
            " FROM meta.ticket_reading ORDER BY ticket_no"
        ).fetchall()


def test_a_history_at_once_and_day_by_day_are_the_same() -> None:
    until = LOCAL.replace(second=0, microsecond=0)
    begin, middle = until - timedelta(days=20), until - timedelta(days=9)
    whole, _, _ = ticket_delivery(LEDGER, begin, until, until)
    parts = [
        line
        for since, end in ((begin, middle), (middle, until))
        for line in ticket_delivery(LEDGER, since, end, until)[0].splitlines()
    ]
    numbers = Counter(json.loads(line)["工单编号"] for line in whole.splitlines())
    assert numbers == Counter(json.loads(line)["工单编号"] for line in parts)
    assert ticket_delivery(LEDGER, begin, until, until)[0] == whole


@pytest.mark.parametrize("topic", [hotline_deliveries, weather_deliveries, opinion_deliveries])
def test_names_of_deliveries_do_not_come_twice(topic: object) -> None:
    """The first call sends the history, the next day's only what is new."""
    first = [(one.dataset, one.name) for one in topic(LEDGER, LOCAL)]  # type: ignore[operator]
    assert first == [(one.dataset, one.name) for one in topic(LEDGER, LOCAL)]  # type: ignore[operator]
    reached = LEDGER.model_copy(update={"reached": STARTED})
    later = [(one.dataset, one.name) for one in topic(reached, LOCAL + timedelta(days=1))]  # type: ignore[operator]
    assert {name for _, name in first} & {name for _, name in later} <= {"street_address.csv"}
    assert len(later) > 0


def test_the_stories_are_where_the_truth_says() -> None:
    begin = LEDGER.local_start.date()
    cut_day = [
        call
        for call in calls_of_day(LEDGER, begin - timedelta(days=4))
        if call.matter == "water_supply.outage"
    ]
    burst = Counter(call.same for call in cut_day).most_common(1)[0]
    assert burst[1] == 26
    told = [call for call in cut_day if call.same == burst[0] and call.village is not None]
    assert {call.village for call in told} == {cut_compound().village}
    assert len({call.text for call in told}) > 15  # in many wordings

    def week(back: int) -> int:
        days = [begin - timedelta(days=back + within) for within in range(7)]
        return sum(call.matter == "fire.ebike" for day in days for call in calls_of_day(LEDGER, day))

    assert week(0) > 2 * week(7) + 10


def test_rain_floods_streets_and_brings_calls() -> None:
    begin = LEDGER.local_start.date()
    days = [begin - timedelta(days=back) for back in range(180)]
    city = LEDGER.model_copy(update={"enterprises": 20_000})
    rain = np.array([rain_of_day(LEDGER.seed, begin, day) for day in days])
    flooded = np.array(
        [sum(call.matter == "drainage.flooding" for call in calls_of_day(city, day)) for day in days]
    )
    assert rain[8] > 40  # the storm that the river gauges see
    assert flooded[rain > 40].mean() > 4 * flooded[rain < 10].mean()


def test_a_day_of_weather_is_checked_two_days_later() -> None:
    reached = LEDGER.model_copy(update={"reached": STARTED - timedelta(days=1)})
    observed, forecast = weather_deliveries(reached, LOCAL)
    content, rows, _ = observed.make()
    lines = [line.split(",") for line in content.decode("gb18030").splitlines()[1:]]
    good = [line for line in lines if line[1]]
    yesterday = f"{LOCAL - timedelta(days=1):%Y-%m-%d}"
    assert {line[7] for line in good if line[1] == yesterday} == {"9"}
    assert "0" in {line[7] for line in good}
    assert rows >= 16
    issued = {json.loads(line)["issued_at"] for line in forecast.make()[0].splitlines()}
    assert f"{LOCAL:%Y-%m-%d}T08:00:00+08:00" in issued
    assert datetime.fromisoformat(min(issued)) <= LOCAL
