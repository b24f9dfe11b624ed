"""Public voice from raw to its marts: tickets read, counted, re-stated, and nobody's number in sight."""

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
from dbt_city import load
from psycopg.rows import dict_row

from citybrain.catalogue import load_datasets, load_scenarios, read_yaml
from citybrain.reading import read_tickets
from citybrain.settings import DatabaseRole, Settings, get_settings
from citybrain.simulate.delivery import SHANGHAI
from citybrain.simulate.hotline.calls import PhoneCall, calls_of_day, cut_compound, repeat_market
from citybrain.simulate.hotline.streets import load_streets
from citybrain.simulate.hotline.tickets import _departments, _row
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.meteorology import weather_day_delivery, weather_forecast_delivery
from citybrain.simulate.opinion import opinion_delivery
from citybrain.simulate.places import load_villages
from citybrain.warehouse.transform import TransformReport, build_warehouse

pytestmark = pytest.mark.integration

STARTED = datetime(2026, 11, 20, 12, tzinfo=UTC)
LEDGER = Ledger(seed=5, enterprises=4000, started=STARTED)
DAYS = 95
OWN = (
    "stg_hotline_centre__ticket+ stg_meta__ticket_reading+ stg_cyberspace__opinion_day+"
    " stg_meteorology__weather_day+ stg_meteorology__weather_forecast+"
)
MARTS = ("", "_topic", "_place", "_opinion")


def raw_rows(settings: Settings, dataset: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows by the raw table's names instead of the headers they are sent with."""
    names = {
        h: column.name for column in load_datasets(settings)[dataset].columns for h in column.accepted_headers
    }
    return [{names[header]: value for header, value in row.items()} for row in rows]


def ticket_rows(settings: Settings, calls: list[PhoneCall], asked: datetime) -> list[dict[str, Any]]:
    leads = _departments()
    return raw_rows(settings, "hotline_ticket", [_row(call, asked, leads) for call in calls])


@pytest.fixture(scope="module")
def calls() -> list[PhoneCall]:
    first = LEDGER.local_start.date() - timedelta(days=DAYS)
    found = [call for back in range(DAYS + 1) for call in calls_of_day(LEDGER, first + timedelta(days=back))]
    return [call for call in found if call.received_at <= STARTED]


@pytest.fixture(scope="module")
def voice(city: Settings, built: TransformReport, calls: list[PhoneCall]) -> Iterator[Settings]:
    """The small city with three months of calls, read and built."""
    started, today = LEDGER.local_start.date(), date(2026, 11, 20)
    villages = load_villages()
    places = [
        {
            "place_code": spot.code,
            "place_kind": spot.kind,
            "place_name": spot.name,
            "village_code": str(villages.codes[spot.village]),
            "from_number": spot.from_number,
            "to_number": spot.to_number,
        }
        for spot in load_streets()
    ]
    load(city, "street_address", places)
    load(city, "hotline_ticket", ticket_rows(city, calls, STARTED))
    content, _, planted = weather_day_delivery(5, started, today - timedelta(days=9), today)
    header, *lines = content.decode("gb18030").splitlines()
    spoilt = {record.row for record in planted}
    good = [line for row, line in enumerate(lines, 1) if row not in spoilt]
    days = [dict(zip(header.split(","), line.split(","), strict=True)) for line in good]
    load(city, "weather_day", raw_rows(city, "weather_day", days))
    content, _, planted = weather_forecast_delivery(5, started, today - timedelta(days=9), today)
    spoilt = {record.row for record in planted}
    lines = [line for row, line in enumerate(content.decode().splitlines(), 1) if row not in spoilt]
    load(city, "weather_forecast", [json.loads(line) for line in lines])
    content, _, planted = opinion_delivery(5, started, 0.1, today - timedelta(days=20), today)
    spoilt = {record.row for record in planted}
    rows = pq.read_table(io.BytesIO(content)).to_pylist()
    load(city, "public_opinion_day", [row for place, row in enumerate(rows, 1) if place not in spoilt])
    report = read_tickets(city)
    assert report.read == len(calls)
    assert build_warehouse(OWN).failures == []
    yield city


@pytest.fixture
def rows(voice: Settings) -> Iterator[Any]:
    with psycopg.connect(
        voice.dsn(DatabaseRole.TRANSFORMER), autocommit=True, row_factory=dict_row
    ) as connection:
        yield lambda query: connection.execute(query).fetchall()


def test_every_call_is_counted_once(rows: Any, calls: list[PhoneCall]) -> None:
    (total,) = rows("SELECT sum(tickets) AS tickets, sum(matters) AS matters FROM marts.mart_public_voice")
    assert total["tickets"] == len(calls)
    truth = len({call.same for call in calls})
    assert truth <= total["matters"] * 1.05
    assert total["matters"] <= 1.08 * truth


def test_rates_lie_between_none_and_all_and_differ(rows: Any) -> None:
    found = rows(
        "SELECT demand_class_name, sum(tickets_in_time)::float / nullif(sum(tickets_due), 0) AS response,"
        " sum(tickets_solved)::float / nullif(sum(tickets_replied), 0) AS solution,"
        " sum(tickets_satisfied)::float / nullif(sum(tickets_rated), 0) AS satisfaction"
        " FROM marts.mart_public_voice GROUP BY 1 HAVING sum(tickets) >= 20"
    )
    assert len(found) >= 15
    for figure in ("response", "solution", "satisfaction"):
        shares = [row[figure] for row in found]
        assert all(0 <= share <= 1 for share in shares)
        assert max(shares) - min(shares) > 0.1
    solved = {row["demand_class_name"]: row["solution"] for row in found}
    assert solved["房地产"] < solved["政务服务"]


def test_the_rising_topic_is_called_one_and_few_others(rows: Any) -> None:
    rising = rows(
        "SELECT matter, tickets_week, tickets_last_week FROM marts.mart_public_voice_topic"
        " WHERE area_level = 'city' AND is_rising ORDER BY tickets_week DESC"
    )
    assert "fire.ebike" in [row["matter"] for row in rising]
    assert len(rising) <= 6


def test_the_water_cut_is_one_matter_of_many_calls(rows: Any) -> None:
    (cut,) = rows(
        "SELECT tickets_week, calls_of_largest, summary_of_largest FROM marts.mart_public_voice_topic"
        " WHERE area_level = 'city' AND matter = 'water_supply.outage'"
    )
    assert cut["calls_of_largest"] >= 20
    assert cut["summary_of_largest"]
    (place,) = rows(
        "SELECT max(n) AS most FROM (SELECT count(*) AS n FROM marts.fct_hotline_ticket"
        f" WHERE place_name = '{cut_compound().name}' GROUP BY group_ticket_no) AS groups"
    )
    assert place["most"] >= 15


def test_the_market_with_stalls_needs_attention(rows: Any) -> None:
    market = repeat_market(LEDGER.seed)
    (place,) = rows(
        "SELECT * FROM marts.mart_public_voice_place"
        f" WHERE place_name = '{market.name}' AND area_code = '{load_villages().codes[market.village]}'"
    )
    assert place["needs_attention"]
    assert place["main_class_name"] == "市容秩序"
    assert place["matters"] >= 10


def test_nobody_is_named_or_numbered_in_the_warehouse(rows: Any, calls: list[PhoneCall]) -> None:
    phones = {call.phone for call in calls}
    texts = {call.text for call in calls if re.search(r"[0-9]{11}", call.text)}
    for table in ("fct_hotline_ticket", *(f"mart_public_voice{suffix}" for suffix in MARTS)):
        for row in rows(f"SELECT to_jsonb(t)::text AS row FROM marts.{table} AS t"):
            numbers = set(re.findall(r"(?<![0-9A-Z])1[0-9]{10}(?![0-9])", row["row"]))
            assert not numbers & phones, table
            assert not any(text in row["row"] for text in list(texts)[:20]), table
    (staged,) = rows(
        "SELECT count(*) AS n FROM information_schema.columns WHERE table_schema = 'staging'"
        " AND table_name = 'stg_hotline_centre__ticket' AND column_name IN ('content', 'caller_phone')"
    )
    assert staged["n"] == 0


def test_weather_stands_beside_the_last_forecast_before_it(rows: Any) -> None:
    found = rows(
        "SELECT * FROM marts.fct_weather_day WHERE forecast_issued_at IS NOT NULL AND rain_mm IS NOT NULL"
    )
    assert len(found) > 20
    for row in found:
        begin = datetime(row["day"].year, row["day"].month, row["day"].day, tzinfo=SHANGHAI)
        assert row["forecast_issued_at"] == begin - timedelta(
            hours=16
        )  # eight in the morning of the day before
    assert any(row["is_rainstorm"] and row["rain_class_name"].endswith("暴雨") for row in found)


def test_opinion_counts_add_up(rows: Any) -> None:
    (total,) = rows(
        "SELECT sum(posts) AS posts, sum(posts_positive + posts_negative) AS felt,"
        " count(*) FILTER (WHERE is_this_week) AS now, count(*) FILTER (WHERE is_last_week) AS before"
        " FROM marts.mart_public_voice_opinion"
    )
    assert 0 < total["felt"] < total["posts"]
    assert total["now"] > 50
    assert total["before"] > 50


VARIES_OVER = {
    "mart_public_voice": "demand_class_name",
    "mart_public_voice_topic": "demand_class_name",
    "mart_public_voice_place": "county_name",
    "mart_public_voice_opinion": "topic",
}


def test_every_metric_of_the_scenario_has_a_value_and_varies(rows: Any) -> None:
    metrics = {
        name: metric
        for name, metric in read_yaml(get_settings().dashboards_dir / "metrics.yml")["metrics"].items()
        if metric["mart"] in VARIES_OVER
    }
    scenario = next(one for one in load_scenarios().display if one.id == "public_voice")
    assert {name for indicator in scenario.indicators for name in indicator.metrics} <= set(metrics)
    for name, metric in metrics.items():
        mart, figure = metric["mart"], metric["sql"]
        (whole,) = rows(f"SELECT {figure} AS value FROM marts.{mart}")
        assert whole["value"] is not None, name
        parts = rows(f"SELECT {figure} AS value FROM marts.{mart} GROUP BY {VARIES_OVER[mart]}")
        assert len({part["value"] for part in parts}) > 1, name


def test_an_answer_that_comes_later_changes_its_ticket_alone(
    voice: Settings, rows: Any, calls: list[PhoneCall]
) -> None:
    waiting = next(
        call for call in calls if call.replied_at is not None and call.replied_at > STARTED and call.village
    )
    before = {row["ticket_no"]: row for row in rows("SELECT * FROM marts.fct_hotline_ticket")}
    assert not before[waiting.ticket_no]["is_replied"]
    asked = waiting.replied_at
    assert asked is not None
    later = ticket_rows(voice, [waiting], asked)
    load(voice, "hotline_ticket", later, source_version="2026-11-25T18:00:00+00:00")
    stale = ticket_rows(voice, [waiting], STARTED)
    load(voice, "hotline_ticket", stale, source_version="2026-11-01T18:00:00+00:00")  # an old file, late
    assert read_tickets(voice).read == 0
    assert build_warehouse("stg_hotline_centre__ticket+").failures == []
    after = {row["ticket_no"]: row for row in rows("SELECT * FROM marts.fct_hotline_ticket")}
    assert after[waiting.ticket_no]["is_replied"]
    assert after[waiting.ticket_no]["group_ticket_no"] == before[waiting.ticket_no]["group_ticket_no"]
    changed = [number for number, row in after.items() if row != before[number]]
    assert changed == [waiting.ticket_no]
