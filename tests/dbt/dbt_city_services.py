"""Rows of the small city's counters, shared platform, hospitals, schools and social insurance."""

from datetime import date, timedelta
from typing import Any

from dbt_city import GUOYANG, LIXIN, MENGCHENG, QIAOCHENG, load

from citybrain.settings import Settings

Rows = list[dict[str, Any]]

PHONE = "138****0001"
# code, name, department, online level, visits, legal and promised days
ITEMS = [
    ("3416-01-0001", "居民身份证核发", "public_security", "全程网办", 0, 10, 5),
    ("3416-06-0001", "不动产登记核发", "natural_resources", "互联网收件", 1, 15, 5),
    ("3416-06-0002", "测绘资质核发", "natural_resources", None, 2, 20, 10),
]
# number, item, county, channel, accepted, promised, finished, satisfaction
RECORDS: list[tuple[str, int, str, str, str, str, str | None, int | None]] = [
    ("R1", 0, QIAOCHENG, "手机端", "2026-11-16 08:00", "2026-11-20 18:00", "2026-11-17 12:00", 5),
    ("R2", 0, QIAOCHENG, "窗口", "2026-11-16 14:00", "2026-11-23 12:00", "2026-11-16 18:00", 4),
    # across the national holiday, to the Saturday that makes up for it
    ("R3", 1, GUOYANG, "网上大厅", "2026-09-30 14:00", "2026-10-13 12:00", "2026-10-10 12:00", 2),
    ("R4", 1, GUOYANG, "窗口", "2026-11-09 08:00", "2026-11-13 18:00", None, None),
    ("R5", 1, QIAOCHENG, "窗口", "2026-11-20 10:00", "2026-11-27 10:00", None, None),
    ("R6", 2, MENGCHENG, "网上大厅", "2026-11-10 08:00", "2026-11-23 18:00", None, None),
    ("R7", 0, QIAOCHENG, "手机端", "2025-11-17 08:00", "2025-11-21 18:00", "2025-11-18 18:00", 3),
]
# code, name, department, connected, capabilities, budgets
SYSTEMS = [
    ("SYS01", "一网通办平台", "data_resources", "2024-05-01", "统一身份认证、电子证照", 1_000_000, 900_000),
    ("SYS02", "全民健康信息平台", "health", "2025-01-08", "统一身份认证", 500_000, 400_000),
]
# day, system, capability, calls, failed
CALLS = [
    ("2025-10-05", "SYS01", "identity", 100, 0),
    ("2026-10-05", "SYS01", "identity", 200, 1),
    ("2026-11-18", "SYS01", "identity", 300, 3),
    ("2026-11-18", "SYS01", "licence", 40, 0),
    ("2026-11-01", "SYS02", "identity", 50, 0),
]
NEWEST_DAY = date(2026, 11, 19)
# hospital, drug, day, stock, use of a week, cover
STOCKS = [
    (f"{QIAOCHENG}H01", "YP001", "2026-11-16", 2000, 700, 20),
    (f"{LIXIN}H01", "YP001", "2026-11-09", 50, 70, 5),
    (f"{LIXIN}H01", "YP001", "2026-11-16", 20, 70, 2),
    (f"{LIXIN}H01", "YP002", "2026-11-16", 60, 70, 6),
]
TOWNSHIP = "341602001"
# month, county, kind, insured, base, persons in arrears, yuan
INSURED = [
    ("2025-10-01", QIAOCHENG, "企业职工养老", 80, 100, 3, 1000),
    ("2026-10-01", QIAOCHENG, "企业职工养老", 85, 100, 6, 2000),
    ("2026-10-01", QIAOCHENG, "工伤", 45, 50, 0, 0),
    ("2026-09-01", LIXIN, "企业职工养老", 60, 100, 2, 500),
]
# month, county, new jobs, unemployed, labour force, graduates, of them employed
WORK = [
    ("2025-10-01", QIAOCHENG, 100, 35, 1000, 90, 45),
    ("2026-09-01", QIAOCHENG, 80, 32, 1000, 100, 50),
    ("2026-10-01", QIAOCHENG, 120, 30, 1000, 100, 60),
    ("2026-10-01", LIXIN, 70, 40, 1000, 80, 40),
]


def item_rows() -> Rows:
    return [
        {
            "item_code": code,
            "item_name": name,
            "department": department,
            "item_kind": "行政许可",
            "service_object": "自然人",
            "is_online": "是" if level else "否",
            "online_level": level,
            "visits": visits,
            "legal_days": legal,
            "promised_days": promised,
        }
        for code, name, department, level, visits, legal, promised in ITEMS
    ]


def record_rows() -> Rows:
    return [
        {
            "record_no": number,
            "item_code": ITEMS[item][0],
            "department": ITEMS[item][2],
            "county_code": county,
            "channel": channel,
            "accepted_at": accepted,
            "promised_due_at": promised,
            "finished_at": finished,
            "satisfaction": satisfaction,
            "applicant_phone": PHONE,
        }
        for number, item, county, channel, accepted, promised, finished, satisfaction in RECORDS
    ]


def hospital_day_rows() -> Rows:
    """Qiaocheng's outpatients rise by half after thirty days; Lixin's beds are full."""
    rows = [
        {
            "hospital_code": f"{QIAOCHENG}H01",
            "service_day": NEWEST_DAY - timedelta(days=back),
            "outpatients": 150 if back < 30 else 100,
            "inpatients": 700,
            "pay_later_uses": 30,
        }
        for back in range(60)
    ]
    rows += [
        {
            "hospital_code": f"{LIXIN}H01",
            "service_day": NEWEST_DAY - timedelta(days=back),
            "outpatients": 40,
            "inpatients": 290,
            "pay_later_uses": 10,
        }
        for back in range(5)
    ]
    return rows


def named(names: str, rows: list[tuple[Any, ...]]) -> Rows:
    return [dict(zip(names.split(), row, strict=True)) for row in rows]


def load_services(settings: Settings) -> None:
    load(settings, "gov_service_item", item_rows())
    load(settings, "gov_service_record", record_rows())
    systems = "system_code system_name department connected_on capabilities replaced_cost_yuan"
    load(settings, "reusing_system", named(systems, [(*row[:5], row[5] - row[6]) for row in SYSTEMS]))
    savings = [(row[0], row[5], row[6], 2025) for row in SYSTEMS]
    load(settings, "capability_saving", named("system_code separate_yuan shared_yuan budget_year", savings))
    calls = "call_day system_code capability calls failed_calls mean_ms"
    load(settings, "capability_call_day", named(calls, [(*row, 80) for row in CALLS]))

    hospital = "hospital_code hospital_name county_code level ownership beds doctors nurses"
    hospitals = [
        (f"{QIAOCHENG}H01", "谯城芍药医院", QIAOCHENG, "三级", "公立", 1536, 768, 900),
        (f"{LIXIN}H01", "利辛芍药医院", LIXIN, "二级", "公立", 300, 100, 120),
    ]
    load(settings, "hospital", named(hospital, hospitals))
    load(settings, "hospital_day", hospital_day_rows())
    stock = "hospital_code drug_code drug_name unit stock_day stock_units weekly_use days_of_cover"
    load(settings, "drug_stock", named(stock, [(row[0], row[1], "某药", "支", *row[2:]) for row in STOCKS]))

    schools = [
        ("341602S0001", "某小学", TOWNSHIP, "小学", "公办"),
        ("341602S0002", "某高中", TOWNSHIP, "高中", "公办"),
    ]
    load(settings, "school", named("school_code school_name township_code stage ownership", schools))
    years = [
        ("341602S0001", 2025, 900, 800, 50),
        ("341602S0001", 2026, 900, 950, 50),
        ("341602S0002", 2026, 2000, 1800, 150),
    ]
    load(settings, "school_year", named("school_code school_year seats pupils teachers", years))
    children = [
        (TOWNSHIP, 2025, "小学", 800),
        (TOWNSHIP, 2026, "小学", 1000),
        (QIAOCHENG, 2026, "高中", 1900),
    ]
    load(settings, "school_age_population", named("area_code school_year stage children", children))
    insured = "month county_code kind insured base_population arrears_persons arrears_yuan"
    load(settings, "social_insurance_month", named(insured, INSURED))
    work = "month county_code new_jobs registered_unemployed labour_force graduates graduates_employed"
    load(settings, "employment_month", named(work, WORK))
