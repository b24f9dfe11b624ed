"""A clause tried with other numbers: who comes in, who falls out, and nothing is written."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bureau import ACTIVE, DAY, Bureau, firm, item, version
from citybrain.policy.library import load_policies
from citybrain.policy.publishing import definition_of
from citybrain.policy.trial import Limit, TrialError, limits_of, tried
from conftest import People

pytestmark = pytest.mark.integration

SOLD = {"id": "sold", "fact": "revenue", "op": ">=", "value": 1000}
STANDS = """
SELECT (SELECT count(*) FROM policy.match_run) AS runs, (SELECT count(*) FROM policy.match_row) AS rows,
    (SELECT count(*) FROM policy.item_version) AS versions
"""
FUND = {"budget": {"id": "TRIED-FUND", "amount": 350}}


def definition(bureau: Bureau, **more: Any) -> dict[str, Any]:
    bureau.writes(item("TRIED", version(**more)))
    (policy,) = load_policies(bureau.settings)
    return definition_of(policy, policy.rules[0])


def limits(found: dict[str, Any]) -> dict[str, Limit]:
    return {limit.name: limit for limit in limits_of(tried(found, {}))}


def test_every_number_of_a_clause_can_be_tried(bureau: Bureau) -> None:
    found = definition(
        bureau,
        params={"least": "$base", "base": 5, "age": "P2Y", "rate": 0.055},
        require={"all": [
            ACTIVE,
            {"id": "sold", "fact": "revenue", "op": ">", "value": "$least"},
            {"id": "layoffs", "fact": "layoff_rate", "op": "<=", "value": "$rate"},
            {"any": [
                {"id": "old", "fact": "established_on", "op": "at_least_ago", "value": "$age"},
                {"id": "since", "fact": "established_on", "op": ">=", "value": date(2020, 1, 1)},
            ]},
            {"id": "staff", "fact": "staff", "op": "between", "value": [5, 50]},
            {"id": "size", "fact": "size_band", "op": "in", "value": ["small"]},
        ]},
        caps={"per_enterprise": 500, **FUND},
    )  # fmt: skip
    shown = limits(found)
    assert {name: (limit.label, limit.shown, limit.unit) for name, limit in shown.items()} == {
        "params.base": ("上年度营业收入高于", "5", "元"),
        "params.rate": ("上年度裁员率不高于", "5.5", "%"),
        "params.age": ("成立日期距今满", "2", "年"),
        "require.all.3.any.1.value": ("成立日期不早于", "2020-01-01", "日期"),
        "require.all.4.value.0": ("从业人数不低于", "5", "人"),
        "require.all.4.value.1": ("从业人数不高于", "50", "人"),
        "amount.rate": ("补助比例", "10", "%"),
        "caps.per_enterprise": ("每户最高", "500", "元"),
        "caps.budget.amount": ("资金总额", "350", "元"),
    }
    typed = {
        "params.base": "1,000.5", "params.rate": "6", "params.age": "3", "amount.rate": "12.5",
        "require.all.3.any.1.value": "2021-05-01", "require.all.4.value.0": "6", "caps.per_enterprise": "600",
    }  # fmt: skip
    rule = tried(found, typed)
    by_id = {criterion.leaf.id: criterion.values for criterion in rule.criteria}
    assert by_id["sold"] == (Decimal("1000.5"),) and by_id["layoffs"] == (Decimal("0.06"),)
    assert (by_id["old"], by_id["since"]) == (("P3Y",), (date(2021, 5, 1),))
    assert (by_id["staff"], by_id["size"]) == ((6, 50), ("small",))
    assert rule.version.amount.rate == Decimal("0.125")  # type: ignore[union-attr]
    assert limits(found) == shown, "the definition that stands is as it was"


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ({"kind": "flat", "value": 7}, {"amount.value": "7"}),
        ({"kind": "per_unit", "of": "staff", "value": 7}, {"amount.value": "7"}),
        ({"kind": "match", "of": "revenue", "ratio": 1.5}, {"amount.ratio": "1.5"}),
        ({"kind": "flat_by", "by": "size_band", "values": {"small": 3}}, {"amount.values.small": "3"}),
        ({"kind": "rate_by", "of": "revenue", "by": "size_band", "rates": {"small": 0.3}},
         {"amount.rates.small": "30"}),
        ({"kind": "tiers", "of": "revenue", "mode": "whole",
          "tiers": [{"from": 0, "value": 1}, {"from": 10, "rate": 0.2}]},
         {"amount.tiers.0.value": "1", "amount.tiers.1.rate": "20"}),
        ({"kind": "formula", "expr": "revenue * share"}, {"params.share": "0.25"}),
        ({"kind": "flat", "value": None}, {}),
    ],
)  # fmt: skip
def test_the_numbers_of_every_amount(
    bureau: Bureau, amount: dict[str, Any], expected: dict[str, str]
) -> None:
    params = {"share": 0.25} if amount["kind"] == "formula" else {}
    found = definition(bureau, require={"all": [ACTIVE]}, amount=amount, params=params)
    assert {name: limit.shown for name, limit in limits(found).items()} == expected


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ({"require.all.1.value": "一千"}, "须是数字"),
        ({"require.all.1.value": "1 OR 1=1"}, "须是数字"),
        ({"require.all.1.value": "NaN"}, "须是数字"),
        ({"require.all.1.value": "1e30"}, "须是数字"),
        ({"require.all.1.value": ""}, "须是数字"),
        ({"require.all.1.value": "9" * 41}, "太长"),
        ({"amount.rate": "101"}, "超出允许的范围"),
        ({"amount.rate": "-1"}, "超出允许的范围"),
        ({"caps.per_enterprise": "0"}, "超出允许的范围"),
        ({"require.all.2.value": "2.5"}, "须是整数"),
        ({"require.all.2.value": "0"}, "互相矛盾"),
    ],
)
def test_a_number_that_cannot_be(bureau: Bureau, typed: dict[str, str], reason: str) -> None:
    staff = [
        {"id": "few", "fact": "staff", "op": "<", "value": 9},
        {"id": "some", "fact": "staff", "op": ">", "value": 0},
    ]
    found = definition(bureau, require={"all": [ACTIVE, SOLD, *staff]}, caps={"per_enterprise": 5})
    with pytest.raises(TrialError, match=reason):
        tried(found, typed)


def figures(page: Any) -> dict[str, str]:
    return dict(re.findall(r'<b id="(after|gained|lost|yuan)">([^<]+)</b>', page.content.decode()))


def test_an_officer_tries_another_limit(bureau: Bureau, people: People, browse: Callable[[Any], Any]) -> None:
    bureau.writes(item("TRIED", version(require={"all": [ACTIVE, SOLD]}, caps=FUND)))
    bureau.knows([firm(1000), firm(900), firm(3000), firm(None), firm(800, region_code="341623")])
    bureau.matches(DAY)
    before = bureau.rows(STANDS)
    officer = browse(people.officer)
    assert "条款试算" in officer.get("/grants/").content.decode()
    assert "/grants/trial/TRIED/" in officer.get("/grants/trial/?q=事项TRIED").content.decode()
    assert "没有名称或编号含" in officer.get("/grants/trial/?q=%25").content.decode()
    page = officer.get("/grants/trial/TRIED/")
    assert 'name="require.all.1.value" value="1000"' in page.content.decode()
    assert 'id="result"' not in page.content.decode()

    same = officer.get("/grants/trial/TRIED/", {"require.all.1.value": "1000"})
    assert figures(same) == {"after": "2 户", "gained": "+0", "lost": "−0", "yuan": "+0.00 万元"}
    lower = officer.get("/grants/trial/TRIED/", {"require.all.1.value": "800"})
    assert figures(lower) == {"after": "4 户", "gained": "+2", "lost": "−0", "yuan": "+0.02 万元"}
    text = lower.content.decode()
    assert "1000 元 → <b>800 元</b>" in text and 'data-county="341623"' in text and "还差 0.02 万元" in text
    higher = officer.get("/grants/trial/TRIED/", {"require.all.1.value": "2000", "amount.rate": "50"})
    assert figures(higher) == {"after": "1 户", "gained": "+0", "lost": "−1", "yuan": "+0.11 万元"}
    refused = officer.get(
        "/grants/trial/TRIED/", {"require.all.1.value": "'; DROP TABLE x; --"}
    ).content.decode()
    assert "须是数字" in refused and "&#x27;; DROP TABLE x; --" in refused
    assert officer.get("/grants/trial/NOTHING/").status_code == 404
    assert browse(None).get("/grants/trial/TRIED/").status_code == 302
    after = bureau.rows(STANDS)
    assert after == before
