"""Figures of counters, platform, health, education and insurance, worked out by hand from their rows."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import jinja2
import psycopg
import pytest
from dbt_city import GUOYANG, LIXIN, MENGCHENG, QIAOCHENG, load
from dbt_city_services import PHONE, TOWNSHIP, record_rows

from citybrain.catalogue.scenario import TimeUnit
from citybrain.events.sla import elapsed
from citybrain.settings import Settings
from citybrain.warehouse.transform import build_warehouse

pytestmark = pytest.mark.integration


def rows(connection: psycopg.Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()  # type: ignore[arg-type, return-value]  # literals of this file


def test_working_time_in_sql_runs_as_the_events_clocks_do(
    transformer: psycopg.Connection, city: Settings
) -> None:
    """500 pairs of moments, nights, holidays and days that make up for them among them."""
    macros = (city.dbt_dir / "macros" / "working_time.sql").read_text(encoding="utf-8")
    span = jinja2.Template(macros).module.working_days("pairs.began", "began_on", "pairs.ended", "ended_on")  # type: ignore[attr-defined]
    draw = random.Random(20261126)
    pairs = []
    for _ in range(500):
        began = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=draw.randrange(700 * 86_400))
        pairs.append((began, began + timedelta(seconds=draw.randrange(60 * 86_400))))
    transformer.execute("CREATE TEMP TABLE pairs (began timestamptz, ended timestamptz)")
    with transformer.cursor().copy("COPY pairs FROM STDIN") as copy:
        for pair in pairs:
            copy.write_row(pair)
    found = rows(
        transformer,
        f"SELECT pairs.began, pairs.ended, {span} FROM pairs"
        " JOIN marts.dim_calendar AS began_on"
        " ON (pairs.began AT TIME ZONE 'Asia/Shanghai')::date = began_on.day"
        " JOIN marts.dim_calendar AS ended_on"
        " ON (pairs.ended AT TIME ZONE 'Asia/Shanghai')::date = ended_on.day",
    )
    transformer.execute("DROP TABLE pairs")
    assert len(found) == 500
    for began, ended, days in found:
        seconds = elapsed(began, ended, TimeUnit.WORKING_DAY)  # type: ignore[arg-type]
        assert days == pytest.approx(Decimal(seconds) / 28_800, abs=Decimal("0.0001")), (began, ended)


def test_records_know_their_working_days(transformer: psycopg.Connection) -> None:
    spent = dict(rows(transformer, "SELECT record_no, working_days_spent FROM marts.fct_gov_service_record"))
    assert spent == {
        **{"R1": Decimal("1.5"), "R2": Decimal("0.5"), "R3": Decimal(3), "R7": Decimal(2)},
        **dict.fromkeys(("R4", "R5", "R6")),
    }


def test_phones_do_not_leave_staging(transformer: psycopg.Connection) -> None:
    columns = rows(
        transformer,
        "SELECT table_schema, table_name, column_name FROM information_schema.columns"
        " WHERE table_schema IN ('staging', 'intermediate', 'marts_build', 'marts')"
        " AND column_name ~ 'phone|applicant'",
    )
    assert set(columns) == {
        ("staging", "stg_data_resources__service_record", "applicant_hash"),
        ("staging", "stg_emergency_management__duty", "duty_phone_masked"),
    }
    hashes = rows(
        transformer, "SELECT DISTINCT applicant_hash FROM staging.stg_data_resources__service_record"
    )
    assert len(hashes) == 1
    assert PHONE not in str(hashes[0][0])
    assert len(str(hashes[0][0])) == 64


def test_what_is_late_or_nearly_so_is_listed(transformer: psycopg.Connection) -> None:
    listed = rows(
        transformer,
        "SELECT record_no, county_code, is_overdue, working_days_waited, working_days_over"
        " FROM marts.mart_gov_service_performance_attention ORDER BY 1",
    )
    assert listed == [
        ("R4", GUOYANG, True, Decimal("9.25"), Decimal("4.25")),
        ("R6", MENGCHENG, False, Decimal("8.25"), Decimal("-1.75")),
    ]


def test_counties_against_the_year_before(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT county_code, records_finished_12m, mean_handling_days_12m, mean_handling_days_before,"
        " on_time_rate_12m, satisfaction_rate_12m, records_open, records_overdue"
        " FROM marts.mart_gov_service_performance_county ORDER BY 1",
    )
    assert found == [
        (QIAOCHENG, 2, 1, 2, 1, 1, 1, 0),
        (GUOYANG, 1, 3, None, 1, 0, 1, 1),
        (MENGCHENG, 0, None, None, None, None, 1, 0),
        (LIXIN, 0, None, None, None, None, 0, 0),
    ]


def test_months_have_no_gaps_and_carry_what_is_open(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT month, records_accepted, records_finished, records_open FROM"
        f" marts.mart_gov_service_performance WHERE county_code = '{GUOYANG}' AND month >= '2026-08-01'"
        " ORDER BY 1",
    )
    assert found == [
        (date(2026, 8, 1), 0, 0, 0),
        (date(2026, 9, 1), 1, 0, 1),
        (date(2026, 10, 1), 0, 1, 0),
        (date(2026, 11, 1), 1, 0, 1),
    ]
    year = rows(
        transformer,
        "SELECT mean_handling_days, mean_handling_days_year_before, satisfaction_rate FROM"
        f" marts.mart_gov_service_performance WHERE county_code = '{QIAOCHENG}'"
        " AND department = 'public_security' AND month = '2026-11-01'",
    )
    assert year == [(1, 2, 1)]


def test_items_say_how_far_they_are_online(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT item_code, is_fully_online, is_at_most_one_visit, online_level_label, attention_reason"
        " FROM marts.mart_gov_service_performance_item ORDER BY 1",
    )
    assert found == [
        ("3416-01-0001", True, True, "全程网办", None),
        ("3416-06-0001", False, True, "互联网收件", None),
        ("3416-06-0002", False, False, "未上线", "未上线；需到现场 2 次"),
    ]


def test_systems_their_calls_and_their_money(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT system_code, capability_count, calls_30d, calls_30d_before, calls_12m, saved_yuan,"
        " attention_reason FROM marts.mart_shared_capability ORDER BY 1",
    )
    assert found == [
        ("SYS01", 2, 340, 200, 540, 100_000, None),
        ("SYS02", 1, 50, None, 50, 100_000, "已 17 天无调用"),
        ("test-desk", 1, 7, None, 7, None, None),
    ]
    connected = rows(
        transformer,
        "SELECT system_name, department, department_name, capabilities, failed_rate_30d, origin_label"
        " FROM marts.mart_shared_capability WHERE system_code = 'test-desk'",
    )
    assert connected == [("物业平台", "test:9002", "某物业", "案件查询", Decimal("0.1429"), "真实数据")]
    trend = rows(
        transformer,
        "SELECT month, capability_name, department, calls, calls_year_before, is_whole_month FROM"
        " marts.mart_shared_capability_trend WHERE month >= '2026-10-01' ORDER BY 1, 2, 3",
    )
    assert sorted(trend, key=str) == sorted(
        [
            (date(2026, 10, 1), "统一身份认证", "data_resources", 200, 100, True),
            (date(2026, 11, 1), "电子证照", "data_resources", 40, None, False),
            (date(2026, 11, 1), "统一身份认证", "data_resources", 300, None, False),
            (date(2026, 11, 1), "统一身份认证", "health", 50, None, False),
            (date(2026, 11, 1), "案件查询", "test:9002", 7, None, False),
        ],
        key=str,
    )


def test_hospitals_and_what_is_short(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT hospital_code, outpatients_30d, outpatients_30d_before, pay_later_rate_30d, drugs_short,"
        " attention_reason FROM marts.mart_health_resources ORDER BY 1",
    )
    assert found == [
        (f"{QIAOCHENG}H01", 4500, 3000, Decimal("0.2"), 0, "门急诊较前30天增 50%"),
        (f"{LIXIN}H01", 200, None, Decimal("0.25"), 2, "床位使用率 97%；短缺药品 2 种"),
    ]
    short = rows(
        transformer,
        "SELECT hospital_code, drug_code, days_of_cover, days_of_cover_week_before, shortage_level"
        " FROM marts.mart_health_resources_attention ORDER BY 2",
    )
    assert short == [
        (f"{LIXIN}H01", "YP001", 2, 5, "告急"),
        (f"{LIXIN}H01", "YP002", 6, None, "偏紧"),
    ]
    county = rows(
        transformer,
        "SELECT beds_per_1000, doctors_per_1000, stocks_short FROM marts.mart_health_resources_county"
        f" WHERE county_code = '{QIAOCHENG}'",
    )
    assert county == [(1, Decimal("0.5"), 0)]
    week = rows(
        transformer,
        "SELECT outpatients, outpatients_mean_7d FROM marts.mart_health_resources_trend"
        f" WHERE county_code = '{QIAOCHENG}' AND service_day = '2026-10-22'",
    )
    assert week == [(150, Decimal("114.2857"))]


def test_seats_against_children(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT school_year, stage, seats_per_100_children, seats_per_100_children_year_before,"
        " pupils_per_teacher, seats_short FROM marts.mart_education_security ORDER BY 1, stage_order",
    )
    assert found == [
        (2025, "小学", Decimal("112.5"), None, 16, 0),
        (2026, "小学", 90, Decimal("112.5"), 19, 100),
        (2026, "高中", Decimal("105.2632"), None, 12, 0),
    ]
    short = rows(
        transformer,
        "SELECT area_code, county_code, seats_short, short_rate FROM marts.mart_education_security_attention",
    )
    assert short == [(TOWNSHIP, QIAOCHENG, 100, Decimal("0.1"))]


def test_insurance_and_work_of_the_newest_month(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT county_code, insurance_kind, insured_rate, insured_rate_year_before, attention_reason FROM"
        " marts.mart_education_security_insurance WHERE is_latest_month ORDER BY county_code, insured DESC",
    )
    assert found == [
        (QIAOCHENG, "企业职工养老", Decimal("0.85"), Decimal("0.8"), "欠缴较上年同月增 100%"),
        (QIAOCHENG, "工伤", Decimal("0.9"), None, None),
        (LIXIN, "企业职工养老", Decimal("0.6"), None, None),
    ]
    county = rows(
        transformer,
        "SELECT insured_rate, arrears_yuan, new_jobs_12m, unemployment_rate, graduate_employment_rate FROM"
        f" marts.mart_education_security_county WHERE county_code = '{QIAOCHENG}'",
    )
    assert county == [(Decimal("0.8667"), 2000, 200, Decimal("0.03"), Decimal("0.6"))]


def test_a_record_told_again_ends_once_and_an_older_telling_changes_nothing(
    city: Settings, transformer: psycopg.Connection
) -> None:
    """The record that was open is finished by a later delivery; one that comes late tells of it as open."""
    again = {row["record_no"]: row for row in record_rows()}["R5"]
    load(
        city,
        "gov_service_record",
        [{**again, "finished_at": "2026-11-23 10:00", "satisfaction": 5}],
        source_version="2026-11-24T18:00:00+00:00",
        loaded_at=datetime(2026, 11, 25, 1, tzinfo=UTC),
    )
    load(
        city,
        "gov_service_record",
        [{**again, "channel": "手机端"}],
        source_version="2026-11-19T18:00:00+00:00",
        loaded_at=datetime(2026, 11, 25, 2, tzinfo=UTC),
    )
    report = build_warehouse("fct_gov_service_record fct_capability_call_day fct_hospital_day fct_drug_stock")
    assert report.failures == []
    found = rows(
        transformer,
        "SELECT channel, working_days_spent, satisfaction, is_late, count(*) OVER ()"
        " FROM marts.fct_gov_service_record WHERE record_no = 'R5'",
    )
    assert found == [("窗口", Decimal(1), 5, False, 1)]
