"""Matching and grants in the marts: figures worked out by hand from the rows of `dbt_services.py`."""

from decimal import Decimal

import psycopg
import pytest
from dbt_city import GUOYANG, LIXIN, MENGCHENG, QIAOCHENG
from dbt_services import FIRM_1, FIRM_2, FIRM_4, FIRM_5, FIRM_7

pytestmark = pytest.mark.integration
NOTHING = Decimal("0.00")


def rows(connection: psycopg.Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()  # type: ignore[arg-type, return-value]  # literals of this file


def test_money_of_every_enterprise_and_item(transformer: psycopg.Connection) -> None:
    listed = rows(
        transformer,
        "SELECT item_id, uscc, match_status, grant_state_label, proposed_yuan, approved_yuan, paid_yuan"
        " FROM marts.mart_policy_finds_enterprise ORDER BY 1, 2",
    )
    ui, herb = Decimal("12000.00"), Decimal("20000.50")
    assert listed == [
        ("HERB", FIRM_1, "eligible", "不重复享受", NOTHING, NOTHING, NOTHING),
        ("HERB", FIRM_2, "eligible", "待初审", herb, NOTHING, NOTHING),
        ("HERB", FIRM_4, "granted", "已剔除", NOTHING, NOTHING, NOTHING),
        # the line that was made void shows nowhere
        ("HERB", FIRM_7, "needs_data", "未列名单", NOTHING, NOTHING, NOTHING),
        ("RND", FIRM_1, "needs_data", "未列名单", NOTHING, NOTHING, NOTHING),
        ("UI", FIRM_1, "eligible", "待拨付", ui, ui, NOTHING),
        ("UI", FIRM_2, "needs_data", "未列名单", NOTHING, NOTHING, NOTHING),
        ("UI", FIRM_4, "eligible", "资金不足", NOTHING, NOTHING, NOTHING),
        ("UI", FIRM_5, "near", "未列名单", NOTHING, NOTHING, NOTHING),  # the older run found it eligible
        (
            "UI",
            FIRM_7,
            "granted",
            "已列入拨付文件",
            *[Decimal("700.00")] * 3,
        ),  # last year's, no longer matched
    ]


def test_a_proposal_counts_before_anybody_put_it_on_a_list(transformer: psycopg.Connection) -> None:
    """The newest run proposes two lines; both stand on lists here, at the same amounts."""
    proposed = rows(
        transformer,
        "SELECT item_id, uscc, amount_yuan FROM marts.fct_policy_match WHERE outcome = 'pay' ORDER BY 1",
    )
    assert proposed == [("HERB", FIRM_2, Decimal("20000.50")), ("UI", FIRM_1, Decimal("12000.00"))]


def test_why_nobody_is_paid(transformer: psycopg.Connection) -> None:
    reasons = rows(
        transformer,
        "SELECT item_id, county_code, reason_kind, reason, source_department_name, enterprises,"
        " enterprises_only_this, enterprises_without_amount, waiting_yuan"
        " FROM marts.mart_policy_finds_enterprise_reason ORDER BY 1, 2, 4",
    )
    assert reasons == [
        ("HERB", QIAOCHENG, "excluded", "已享受“稳岗返还”", None, 1, 1, 0, Decimal("50000.00")),
        ("HERB", GUOYANG, "officer", "已剔除：重复申报", None, 1, 1, 0, Decimal("100.00")),
        # two facts are missing: it counts under both, and neither alone would help
        ("HERB", LIXIN, "needs_data", "缺实缴税额", "税务局", 1, 0, 1, NOTHING),
        ("HERB", LIXIN, "needs_data", "缺行业代码", "市场监督管理局", 1, 0, 1, NOTHING),
        # the clause leaves its number open: that is for the department that carries it out
        ("RND", QIAOCHENG, "needs_data", "条款数额待核", "市场监督管理局", 1, 1, 1, NOTHING),
        ("UI", QIAOCHENG, "needs_data", "缺裁员率", "人力资源和社会保障局", 1, 1, 0, Decimal("3000.00")),
        ("UI", GUOYANG, "unfunded", "资金不足：UI-FUND", None, 1, 1, 0, Decimal("8000.00")),
        ("UI", MENGCHENG, "near", "未满足：裁员率不超过 5.5%", None, 1, 1, 0, Decimal("5000.00")),
    ]


def test_counties_of_matching(transformer: psycopg.Connection) -> None:
    counties = rows(
        transformer,
        "SELECT county_code, enterprises, enterprises_found, enterprises_served, run_proposed_yuan,"
        " approved_yuan, paid_yuan FROM marts.mart_policy_finds_enterprise_county ORDER BY 1",
    )
    assert counties == [
        (QIAOCHENG, 2, 2, 0, Decimal("32000.50"), Decimal("12000.00"), NOTHING),
        (GUOYANG, 1, 1, 0, NOTHING, NOTHING, NOTHING),
        (MENGCHENG, 2, 0, 0, NOTHING, NOTHING, NOTHING),
        (LIXIN, 2, 0, 1, NOTHING, Decimal("700.00"), Decimal("700.00")),
    ]


def test_items_in_force_and_what_is_not_confirmed(transformer: psycopg.Connection) -> None:
    items = rows(
        transformer,
        "SELECT item_id, document_id, is_payable, unconfirmed, origin_label"
        " FROM marts.mart_policy_finds_enterprise_item ORDER BY 1",
    )
    assert items == [
        ("HERB", "D-HERB", True, None, "模拟数据"),
        ("RND", "D-HERB", False, "补助比例", "模拟数据"),
        ("UI", "D-HR", True, None, "真实数据"),
    ]
    versions = rows(transformer, "SELECT item_version_id, is_in_force FROM marts.dim_policy_item ORDER BY 1")
    assert versions == [(1, False), (2, True), (3, True), (4, True)]


def test_a_real_clause_over_synthetic_enterprises_is_synthetic(transformer: psycopg.Connection) -> None:
    labels = rows(transformer, "SELECT DISTINCT origin_label FROM marts.mart_policy_finds_enterprise")
    assert labels == [("模拟数据",)]
