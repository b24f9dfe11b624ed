"""The firms, their register and their years: plausible, coherent, and spoilt only where the truth says so."""

import json
from collections import Counter, defaultdict
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from citybrain.catalogue import load_areas
from citybrain.simulate.credit_code import BODIES, credit_codes, organisation_codes
from citybrain.simulate.firms import FAILING, firms_until
from citybrain.simulate.industries import load_industries
from citybrain.simulate.places import load_villages
from citybrain.simulate.yearly import year_of

from .conftest import ENTERPRISES, WrittenCity
from .deliveries import read_rows, truth_of

FIRST_DAY = date(2026, 3, 18)
ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def is_credit_code(code: str) -> bool:
    """GB 32100 by the library, which knows no leading letter: its checksum is asked for those."""
    if code[:1].isalpha():
        return len(code) == 18 and uscc.calc_check_digit(code[:-1]) == code[-1]
    return code.isascii() and bool(uscc.is_valid(code))  # the library reads full-width digits as digits


def organisation_check(stem: str) -> str:
    """GB 11714 written out, character by character."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(
        ORGANISATION_ALPHABET.index(letter) * weight for letter, weight in zip(stem, weights, strict=True)
    )
    rest = 11 - total % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


@given(st.lists(st.integers(0, BODIES - 1), unique=True, min_size=1, max_size=200))
def test_codes_are_valid_different_and_not_issued(numbers: list[int]) -> None:
    organisations = organisation_codes(np.array(numbers))
    count = len(numbers)
    codes = credit_codes(np.full(count, "91"), np.full(count, "341621"), organisations)
    assert all(uscc.is_valid(str(code)) for code in codes)
    assert all(organisation_check(str(code)[:8]) == str(code)[8] for code in organisations)
    assert len(set(codes)) == count
    assert all(str(code)[8:10] == "DM" for code in codes)


def by_column(truth: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [planted for planted in truth if planted["kind"] == kind]


@pytest.mark.integration
def test_register_codes_are_wrong_exactly_where_planted(city: WrittenCity) -> None:
    rows = read_rows(city.settings, "enterprise_register")
    truth = truth_of(city.settings, "enterprise_register")
    wrong = {place for place, row in enumerate(rows, 1) if not is_credit_code(row["统一社会信用代码"])}
    kinds = {"uscc_check_character", "uscc_full_width"}
    assert wrong == {planted["row"] for planted in truth if planted["kind"] in kinds}
    letters = {place for place, row in enumerate(rows, 1) if row["统一社会信用代码"][0].isalpha()}
    legal = {planted["row"] for planted in by_column(truth, "legal_leading_letter")}
    assert legal <= letters
    assert len(legal) >= len(letters) - 5


@pytest.mark.integration
def test_every_planted_defect_of_the_register_is_in_the_file(city: WrittenCity) -> None:
    rows = read_rows(city.settings, "enterprise_register")
    truth = truth_of(city.settings, "enterprise_register")
    headers = {
        "uscc": "统一社会信用代码",
        "name": "企业名称",
        "industry_code": "行业代码",
        "village_code": "所在村社区代码",
    }
    for planted in truth:
        assert planted["line"] == planted["row"] + 1
        if planted["column"] in headers and planted["value"] is not None:
            assert rows[planted["row"] - 1][headers[planted["column"]]] == planted["value"]
    villages = set(load_villages().codes)
    unknown = {place for place, row in enumerate(rows, 1) if row["所在村社区代码"] not in villages}
    assert unknown == {p["row"] for p in truth if p["kind"].startswith("village_code")}
    nameless = {place for place, row in enumerate(rows, 1) if row["企业名称"] in ("", "-", "无")}
    assert nameless == {p["row"] for p in by_column(truth, "name_missing")}
    future = {place for place, row in enumerate(rows, 1) if row["成立日期"] > FIRST_DAY.isoformat()}
    assert future == {p["row"] for p in by_column(truth, "established_in_future")}
    turned = {
        place for place, row in enumerate(rows, 1) if row["注销日期"] and row["注销日期"] < row["成立日期"]
    }
    assert turned - future == {p["row"] for p in by_column(truth, "closed_before_established")}


@pytest.mark.integration
@pytest.mark.parametrize(
    ("dataset", "least", "most"),
    [
        ("enterprise_register", 0.004, 0.018),
        ("enterprise_tax_year", 0.004, 0.018),
        ("enterprise_labour_year", 0.004, 0.018),
        ("air_quality_hour", 0.001, 0.012),
        ("water_stage", 0.001, 0.012),
    ],
)
def test_about_one_row_in_a_hundred_is_spoilt(
    city: WrittenCity, dataset: str, least: float, most: float
) -> None:
    truth = [
        planted for planted in truth_of(city.settings, dataset) if not planted["kind"].startswith("legal_")
    ]
    share = len(truth) / len(read_rows(city.settings, dataset))
    assert least < share < most


def test_twenty_thousand_firms_and_their_different_codes() -> None:
    firms = firms_until(341600, 20_000, FIRST_DAY, FIRST_DAY)
    assert len(firms) == 20_000
    assert len(set(firms.codes)) == 20_000
    assert firms.established.max() <= np.datetime64(FIRST_DAY)
    assert (firms.closed > firms.established).all()


def test_firms_spread_like_people_and_crowd_like_trades() -> None:
    firms = firms_until(341600, 20_000, FIRST_DAY, FIRST_DAY)
    counties = load_areas().counties
    residents = sum(county.residents_thousand for county in counties)
    villages, trades = load_villages(), load_industries()
    usual = trades.pulls[firms.industries] == ""
    found = Counter(villages.counties[firms.villages[usual]].tolist())
    for place, county in enumerate(counties):
        assert found[place] / usual.sum() == pytest.approx(county.residents_thousand / residents, abs=0.015)
    liquor = villages.codes[firms.villages[trades.codes[firms.industries] == "C1512"]]
    assert np.strings.startswith(liquor, "341602100").mean() > 0.2  # Gujing
    medicine = villages.codes[firms.villages[trades.codes[firms.industries] == "C2730"]]
    assert np.strings.startswith(medicine, "341602").mean() > 0.6  # Qiaocheng


def test_money_people_and_tax_go_together() -> None:
    firms = firms_until(341600, 20_000, FIRST_DAY, FIRST_DAY)
    year = year_of(341600, firms, 2025, FIRST_DAY)
    assert 8_000 < len(year.firms) < 16_000
    assert (year.insured <= year.staff).all()
    assert (year.arrears_months <= 12).all()
    assert np.corrcoef(np.log(year.staff), np.log(year.revenue))[0, 1] > 0.6
    assert (year.tax <= year.revenue).all()
    assert 5 < np.median(year.staff) < 15
    largest = np.sort(year.staff)[::-1]
    assert largest[: len(largest) // 100].sum() / largest.sum() > 0.1  # a heavy tail
    liquor = load_industries().codes[year.firms.industries] == "C1512"
    burden = year.tax.sum() / year.revenue.sum()
    assert year.tax[liquor].sum() / year.revenue[liquor].sum() > 3 * burden


def test_the_years_of_a_firm_follow_one_another() -> None:
    firms = firms_until(341600, 20_000, FIRST_DAY, FIRST_DAY)
    years = [year_of(341600, firms, number, FIRST_DAY) for number in (2023, 2024, 2025)]
    staff = [dict(zip(year.firms.codes.tolist(), year.staff.tolist(), strict=True)) for year in years]
    both = sorted(set(staff[0]) & set(staff[1]))
    before, after = (np.array([year[code] for code in both]) for year in staff[:2])
    assert np.corrcoef(np.log(before), np.log(after))[0, 1] > 0.95


@pytest.mark.integration
def test_the_failing_firm_can_be_followed_through_three_files(city: WrittenCity) -> None:
    stories = json.loads((city.settings.data_dir / "truth" / "stories.json").read_bytes())
    story = next(story for story in stories if story["story"] == "failing_firm")
    code = story["key"]
    assert code == firms_until(341600, ENTERPRISES, FIRST_DAY, FIRST_DAY).codes[FAILING]
    labour = [row for row in read_rows(city.settings, "enterprise_labour_year") if row["uscc"] == code]
    assert [(row["year"], row["staff_count"], row["arrears_months"]) for row in labour] == [
        (2023, 430, 0),
        (2024, 262, 4),
        (2025, 58, 11),
    ]
    assert [row["insured_count"] for row in labour] == [417, 186, 0]
    revenue = [
        row["营业收入(万元)"]
        for row in read_rows(city.settings, "enterprise_tax_year")
        if row["纳税人识别号"] == code
    ]
    assert revenue[0] > revenue[1] * 1.5 > revenue[2] * 5
    (entry,) = [
        row for row in read_rows(city.settings, "enterprise_register") if row["统一社会信用代码"] == code
    ]
    assert entry["登记状态"] in ("注销", "吊销")
    assert entry["注销日期"] == story["to"] == "2026-02-06"


@pytest.mark.integration
def test_years_name_only_registered_firms(city: WrittenCity) -> None:
    firms = set(firms_until(341600, ENTERPRISES, FIRST_DAY, FIRST_DAY).codes)
    strangers: dict[str, int] = defaultdict(int)
    for dataset, header in (("enterprise_tax_year", "纳税人识别号"), ("enterprise_labour_year", "uscc")):
        for row in read_rows(city.settings, dataset):
            strangers[dataset] += row[header] not in firms
        spoilt = [
            p for p in truth_of(city.settings, dataset) if p["column"] == "uscc" and p["kind"] != "sent_twice"
        ]
        assert strangers[dataset] == len(spoilt)
