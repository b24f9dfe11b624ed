"""Counters, shared platform, hospitals, schools, insurance: what they send, and what the gate makes of it."""

import io
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from citybrain.catalogue import load_areas, load_datasets
from citybrain.catalogue.scenario import TimeUnit
from citybrain.events.sla import due, elapsed
from citybrain.ingest import gate_landed_batches, land_file
from citybrain.settings import SOURCE_TREE, Settings
from citybrain.simulate import Delivery, plan, score_quarantine, write_city
from citybrain.simulate.divisions import division_deliveries
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.livelihood import livelihood_deliveries, livelihood_stories
from citybrain.simulate.services import service_deliveries, service_stories
from citybrain.simulate.services.content import load_services
from citybrain.simulate.services.office_clock import OfficeClock
from citybrain.simulate.services.records import record_delivery, waiting_by_department
from citybrain.simulate.topics import Topic

from .conftest import settings_of_city

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 3, 18, 10, 7, tzinfo=SHANGHAI)
DATASETS = {
    *("gov_service_item", "gov_service_record", "reusing_system", "capability_saving", "capability_call_day"),
    *("hospital", "hospital_day", "drug_stock", "school", "school_year", "school_age_population"),
    *("social_insurance_month", "employment_month"),
}


def ledger(enterprises: int = 3000, seed: int = 42) -> Ledger:
    return Ledger(seed=seed, enterprises=enterprises, started=START)


def deliveries(city: Ledger, local: datetime = START) -> list[Delivery]:
    return [*service_deliveries(city, local), *livelihood_deliveries(city, local)]


def names(city: Ledger, local: datetime) -> list[str]:
    return [delivery.name for delivery in deliveries(city, local)]


def read(delivery: Delivery) -> pd.DataFrame:
    """A delivery as its receiver reads it, columns by the names of the dataset, with nothing converted."""
    content = io.BytesIO(delivery.make()[0])
    dataset = load_datasets(Settings(project=SOURCE_TREE))[delivery.dataset]
    if dataset.format.kind == "parquet":
        frame = pd.read_parquet(content)
    elif dataset.format.kind == "jsonl":
        frame = pd.DataFrame([json.loads(line) for line in content])
    else:
        frame = pd.read_csv(content, encoding=dataset.format.encoding, dtype=str)
    names = {header: column.name for column in dataset.columns for header in column.accepted_headers}
    assert set(frame.columns) == set(names)
    return frame.rename(columns=names)


def sound(delivery: Delivery) -> pd.DataFrame:
    """The rows that nothing was done to."""
    spoilt = [planted.row - 1 for planted in delivery.make()[2]]
    return read(delivery).drop(index=spoilt)


def only(dataset: str, city: Ledger, local: datetime = START) -> pd.DataFrame:
    """The sound rows of a dataset's deliveries, later statements in place of earlier ones."""
    key = load_datasets(Settings(project=SOURCE_TREE))[dataset].key
    told = [sound(delivery) for delivery in deliveries(city, local) if delivery.dataset == dataset]
    return pd.concat(told).drop_duplicates(key, keep="last")


def test_every_dataset_is_sent_with_its_own_columns_and_the_same_bytes_again() -> None:
    sent = deliveries(ledger())
    assert {delivery.dataset for delivery in sent} == DATASETS
    assert len({(delivery.dataset, delivery.name) for delivery in sent}) == len(sent) == 15
    contents = {}
    for delivery, again in zip(sent, deliveries(ledger()), strict=True):
        content, rows, truth = delivery.make()
        assert (content, rows, truth) == again.make(), delivery.name
        assert len(truth) < 0.05 * rows + 3, delivery.name
        assert len(read(delivery)) == rows
        contents[delivery.name] = content
    others = {delivery.name: delivery.make()[0] for delivery in deliveries(ledger(seed=7))}
    assert {name for name, content in contents.items() if content == others[name]} == set()


def test_a_later_call_tells_only_of_days_that_have_ended() -> None:
    city = ledger()
    city.reached = START
    standing = {
        name for name in names(ledger(), START) if name.endswith(("_202603.csv", "_2026.csv", "_2025.csv"))
    }
    assert set(names(city, START + timedelta(hours=9))) == standing
    tomorrow = names(city, START + timedelta(days=1))
    assert "gov_service_record_20260318_20260318.parquet" in tomorrow
    assert "hospital_day_20260318_20260318.parquet" in tomorrow
    assert not [
        name for name in tomorrow if name.startswith(("drug_stock", "social_insurance", "employment"))
    ]
    april = names(city, START + timedelta(days=20))
    assert "drug_stock_20260323_20260406.jsonl" in april
    assert "social_insurance_month_202603_202603.jsonl" in april


def test_a_history_told_day_by_day_ends_like_one_told_at_once() -> None:
    """Records that were open when they were first told are told again when they end."""
    city, days = ledger(), 40
    told = [only("gov_service_record", city)]
    for day in range(1, days + 1):
        city.reached = START + timedelta(days=day - 1)
        local = START + timedelta(days=day)
        told.append(only("gov_service_record", city, local))
    stepwise = pd.concat(told).drop_duplicates("record_no", keep="last").set_index("record_no")
    city.reached = START
    at_once = only("gov_service_record", city, START + timedelta(days=days)).set_index("record_no")
    shared = stepwise.loc[at_once.index.intersection(stepwise.index)]
    assert len(shared) > 0.99 * len(at_once)
    finished = at_once.loc[shared.index, "finished_at"]
    assert ((shared["finished_at"] == finished) | (shared["finished_at"].isna() & finished.isna())).all()


@examples(deadline=None)
@given(
    st.datetimes(datetime(2024, 1, 2), datetime(2026, 12, 20)),  # noqa: DTZ001 - local, as sources write it
    st.integers(1, 60 * 8 * 3600),
)
def test_the_office_clock_runs_as_the_citys_time_limits_do(moment: datetime, seconds: int) -> None:
    clock = OfficeClock.between(date(2024, 1, 1), date(2027, 6, 30))
    began = np.array([moment.replace(microsecond=0)], dtype="datetime64[s]")
    end = clock.moment(clock.read(began) + seconds)
    aware = moment.replace(microsecond=0, tzinfo=SHANGHAI)
    assert due(aware, seconds, TimeUnit.WORKING_HOUR).at == end[0].item().replace(tzinfo=SHANGHAI)
    assert clock.read(end)[0] - clock.read(began)[0] == seconds
    assert elapsed(aware, end[0].item().replace(tzinfo=SHANGHAI), TimeUnit.WORKING_DAY) == seconds


@examples(max_examples=30, deadline=None)
@given(st.integers(20, 40_000), st.integers(0, 10_000))
def test_records_make_sense_at_any_scale(enterprises: int, seed: int) -> None:
    city = Ledger(seed=seed, enterprises=enterprises, started=START)
    content, rows, truth = record_delivery(city, date(2026, 3, 2), date(2026, 3, 4))
    frame = pd.read_parquet(io.BytesIO(content)).drop(index=[planted.row - 1 for planted in truth])
    assert rows >= 6
    assert frame["record_no"].is_unique
    assert (frame["finished_at"].isna() | (frame["finished_at"] > frame["accepted_at"])).all()
    assert (frame["promised_due_at"] > frame["accepted_at"]).all()
    assert frame["applicant_phone"].str.fullmatch(r"1\d{2}\*{4}\d{4}").all()
    assert frame["accepted_at"].max() < pd.Timestamp("2026-03-05")
    assert frame.loc[frame["finished_at"].isna(), "satisfaction"].isna().all()


def test_files_pile_up_in_one_department() -> None:
    (story, silent) = service_stories(ledger())
    records = only("gov_service_record", ledger(20_000))
    until = pd.Timestamp(START.date())
    waiting = records[records["finished_at"].isna() & (records["promised_due_at"] < until)]
    by_department = Counter(waiting["department"])
    assert by_department.most_common(1)[0][0] == story["key"]
    assert by_department[story["key"]] > 0.6 * len(waiting)
    day = START.date().toordinal() - 1
    truth = waiting_by_department(ledger(20_000), range(day, day + 1))[day]
    assert truth == Counter(zip(waiting["department"], waiting["county_code"], strict=True))
    finished = records[records["finished_at"].notna() & (records["department"] != story["key"])]
    assert 0.01 < (finished["finished_at"] > finished["promised_due_at"]).mean() < 0.08

    calls = only("capability_call_day", ledger())
    last = calls.groupby("system_code")["call_day"].max()
    assert last[silent["key"]] < date.fromisoformat(silent["from"])
    assert set(last.drop(silent["key"])) == {date(2026, 3, 17)}


def test_the_money_saved_adds_up_to_the_published_sums() -> None:
    money = load_services().money
    for seed in (1, 42):
        ledgers = only("capability_saving", ledger(seed=seed))
        separate, shared = ledgers["separate_yuan"].astype(int), ledgers["shared_yuan"].astype(int)
        assert len(ledgers) == 38
        assert (separate.sum(), (separate - shared).sum()) == (money.separate_yuan, money.saved_yuan)
        assert ((shared > 0) & (shared < separate)).all()
    assert round(money.saved_yuan / money.separate_yuan, 3) == 0.14


def test_stories_of_health_and_education_are_where_the_truth_says() -> None:
    stories = {story["story"]: story for story in livelihood_stories(ledger())}
    days = only("hospital_day", ledger())
    county = days["hospital_code"].str[:6]
    surge = stories["outpatient_surge"]
    inside = days["service_day"].between(*(date.fromisoformat(surge[end]) for end in ("from", "to")))
    before = days["service_day"].between(date(2026, 2, 25), date(2026, 3, 1))
    usual = days[before].groupby(county)["outpatients"].mean()
    rise = days[inside].groupby(county)["outpatients"].mean() / usual
    assert rise.idxmax() == surge["key"]
    assert rise[surge["key"]] > 1.25 * rise.drop(surge["key"]).max()

    stock = only("drug_stock", ledger())
    newest = stock[stock["stock_day"] == stock["stock_day"].max()]
    short = newest[newest["days_of_cover"].astype(float) < 7]
    assert Counter(short["drug_code"]).most_common(1)[0][0] == stories["drug_shortage"]["key"]
    assert 8 <= (short["drug_code"] == stories["drug_shortage"]["key"]).sum() <= 30

    crowded = stories["seats_short"]["key"]
    schools, years = only("school", ledger()), only("school_year", ledger())
    there = schools[(schools["township_code"] == crowded) & (schools["stage"] == "小学")]["school_code"]
    newest_year = years[(years["school_year"] == "2025") & years["school_code"].isin(there)]
    children = only("school_age_population", ledger())
    wanted = children[
        (children["area_code"] == crowded)
        & (children["stage"] == "小学")
        & (children["school_year"] == "2025")
    ]
    assert newest_year["seats"].astype(int).sum() < 0.97 * wanted["children"].astype(int).item()


def test_figures_fit_the_residents_of_the_catalogue() -> None:
    """A city of any scale has the hospitals and schools of its residents."""
    residents = {county.code: county.residents_thousand for county in load_areas().counties}
    for enterprises in (300, 20_000):
        hospitals = only("hospital", ledger(enterprises))
        beds = hospitals.groupby("county_code")["beds"].agg(lambda numbers: numbers.astype(int).sum())
        assert len(hospitals) == 40
        assert all(3.2 < beds[code] / thousand < 7.5 for code, thousand in residents.items())
    insured = only("social_insurance_month", ledger())
    numbers = insured[["insured", "base_population"]].astype(int)
    assert (numbers["insured"] <= numbers["base_population"]).all()
    pension = insured[(insured["kind"] == "企业职工养老") & (insured["county_code"] == "341602")]
    owed = pension.set_index("month")["arrears_yuan"].astype(int)
    assert owed["2025-12-01":"2026-01-01"].mean() > 3 * owed["2024-06-01":"2024-10-01"].mean()  # type: ignore[misc]


@pytest.mark.slow  # the whole small city goes through the gate in tests/e2e/test_planted.py
@pytest.mark.integration
def test_the_gate_holds_what_was_planted_and_nothing_else(
    clean_city: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = (Topic(division_deliveries), Topic(service_deliveries), Topic(livelihood_deliveries))
    monkeypatch.setattr(plan, "TOPICS", topics)
    own = settings_of_city(clean_city, tmp_path / "home", "services-")
    own = own.model_copy(update={"demo_enterprises": 20_000})
    now = datetime.now(UTC)
    write_city(own, now - timedelta(days=8))  # the history; what follows is as small as any week's
    write_city(own, now)
    for dataset in ("division_county", "division_township", *sorted(DATASETS)):
        land_file(dataset, max((own.drops / dataset).iterdir(), key=lambda path: path.name))
    outcomes = gate_landed_batches()
    assert {outcome.state for outcome in outcomes} == {"loaded"}, [
        (outcome.dataset, outcome.state, outcome.reason) for outcome in outcomes if outcome.state != "loaded"
    ]
    score = score_quarantine(own)
    judged = {dataset.dataset for dataset in score.datasets if dataset.deliveries}
    assert judged >= DATASETS
    assert [kind for kind in score.kinds if kind.caught < kind.planted] == []
    assert score.planted > 60
    assert score.good_held == 0
    kept_by_hand = {"reusing_system", "capability_saving", "hospital", "school"}
    too_short = {
        "employment_month",
        "social_insurance_month",
        "school_age_population",
    }  # for one to be certain
    assert {kind.dataset for kind in score.kinds} >= DATASETS - kept_by_hand - too_short
