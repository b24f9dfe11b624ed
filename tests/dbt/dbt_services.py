"""What people and machines recorded in the small city: policies matched, grants decided, cases handled.

Written past the desk's own rules (they are tested where they live): the marts must read any state right.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from citybrain.settings import Settings

HASH = "0" * 64
MATCHED_AT = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
FIRM_1, FIRM_2 = "91341602MA0000001X", "91341602MA0000002X"  # both of Qiaocheng
FIRM_4, FIRM_5, FIRM_7 = "91341621MA0000004X", "91341622MA0000005X", "91341623MA0000007X"
COUNTY = {
    FIRM_1: "341602",
    FIRM_2: "341602",
    FIRM_4: "341621",
    FIRM_5: "341622",
    FIRM_7: "341623",
}
UI_OLD, UI, HERB, RND = 1, 2, 3, 4  # item versions


def insert(connection: psycopg.Connection, table: str, **values: Any) -> None:
    schema, name = table.split(".")
    names = [sql.Identifier(column) for column in values]
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
            sql.Identifier(schema, name),
            sql.SQL(", ").join(names),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
        ),
        [Jsonb(value) if isinstance(value, dict) else value for value in values.values()],
    )


def record_policies(connection: psycopg.Connection) -> None:
    """Two documents, three items, one of them with an older version and one that nobody may be paid from."""
    for document, department, origin in (
        ("D-HR", "human_resources", "real"),
        ("D-HERB", "market_regulation", "synthetic"),
    ):
        insert(
            connection, "policy.document",
            document_id=document, title=f"文件{document}", department=department, uri="x", origin=origin,
        )  # fmt: skip
    items = (
        ("UI", "D-HR", "稳岗返还", "human_resources", "人力资源和社会保障局", "confirm", "real"),
        ("HERB", "D-HERB", "中药材奖励", "market_regulation", "市场监督管理局", "auto", "synthetic"),
        ("RND", "D-HERB", "研发补助", "market_regulation", "市场监督管理局", "auto", "synthetic"),
    )
    for item, document, title, department, department_zh, channel, origin in items:
        insert(
            connection, "policy.item",
            item_id=item, document_id=document, title=title, department=department,
            department_zh=department_zh, channel=channel, origin=origin,
        )  # fmt: skip
    versions: tuple[tuple[int, str, list[str], datetime | None], ...] = (
        (UI_OLD, "UI", [], MATCHED_AT),
        (UI, "UI", [], None),
        (HERB, "HERB", [], None),
        (RND, "RND", ["补助比例"], None),
    )
    for version, item, unconfirmed, withdrawn_at in versions:
        insert(
            connection, "policy.item_version",
            item_version_id=version, item_id=item, valid_from=date(2026, 1, 1), sha256=HASH, definition={},
            clause="条款", source_url="x", amount_words="按规定", payable=not unconfirmed,
            unconfirmed=unconfirmed, review={}, withdrawn_at=withdrawn_at,
        )  # fmt: skip
    criteria = (
        (UI, 0, "active", "存续经营", "经营状态", "市场监督管理局"),
        (UI, 1, "layoffs", "裁员率不超过 5.5%", "裁员率", "人力资源和社会保障局"),
        (HERB, 0, "trader", "中药材企业", "行业代码", "市场监督管理局"),
        (HERB, 1, "tax", "实缴税额 10 万元（含）以上", "实缴税额", "税务局"),
        (RND, 0, "amount", "补助数额可以算出", None, None),
    )
    for version, bit, name, sentence, fact, department in criteria:
        insert(
            connection, "policy.criterion",
            item_version_id=version, bit=bit, criterion_id=name, label=name, sentence=sentence,
            fact=name if fact else None, fact_label=fact, source_department=department, gate=False,
        )  # fmt: skip


def record_matches(connection: psycopg.Connection) -> None:
    """An old run that counts no more, and the newest one."""
    for run in (1, 2):
        insert(
            connection, "policy.match_run",
            run_id=run, as_of=date(2026, 11, 19 + run), started_at=MATCHED_AT, finished_at=MATCHED_AT,
            rules_sha256=HASH, sql_sha256=HASH, facts_sha256=HASH, facts_object_key="k", awards_seen=0,
            code_version="test", items=3, enterprises=9, eligible=4, needs_data=3, near=1, firms_found=3,
            yuan_proposed="32000.50",
        )  # fmt: skip
    results = (
        # run, version, firm, status, unmet, unknown, amount
        (1, UI, FIRM_5, "eligible", 0, 0, "999.00"),
        (2, UI, FIRM_1, "eligible", 0, 0, "12000.00"),
        (2, UI, FIRM_2, "needs_data", 0, 0b10, "3000.00"),
        (2, UI, FIRM_4, "eligible", 0, 0, "8000.00"),
        (2, UI, FIRM_5, "near", 0b10, 0, "5000.00"),
        (2, HERB, FIRM_1, "eligible", 0, 0, "50000.00"),
        (2, HERB, FIRM_2, "eligible", 0, 0, "20000.50"),
        (2, HERB, FIRM_7, "needs_data", 0, 0b11, None),
        (2, RND, FIRM_1, "needs_data", 0, 0b1, None),
    )
    for run, version, firm, status, unmet, unknown, amount in results:
        insert(
            connection, "policy.match_row",
            first_run=run, until_run=2 if run == 1 else None, item_version_id=version, uscc=firm,
            enterprise_name=f"企业{firm[-4:]}", county_code=COUNTY[firm], status=status,
            unmet_mask=unmet, unknown_mask=unknown,
            distance=(unmet | unknown).bit_count(), amount=amount,
            facts={} if status == "eligible" else None,
        )  # fmt: skip
    proposals = (
        (UI, FIRM_1, "pay", "12000.00", None, None),
        (UI, FIRM_4, "unfunded", "8000.00", "资金不足：UI-FUND 余额 12000.00 元，按顺序已分配完", None),
        (HERB, FIRM_1, "excluded", "50000.00", "就高不重复：本次享受“稳岗返还” 12000.00 元", UI),
        (HERB, FIRM_2, "pay", "20000.50", None, None),
    )
    for rank, (version, firm, outcome, amount, reason, by) in enumerate(proposals, start=1):
        insert(
            connection, "policy.proposal_row",
            first_run=2, item_version_id=version, uscc=firm, outcome=outcome, amount=amount, rank=rank,
            reason=reason, excluded_by=by,
        )  # fmt: skip


def record_grants(connection: psycopg.Connection) -> None:
    """A list of last year that was paid, one that is countersigned, one that waits for its first review with
    a line taken out, and one made void.
    """
    lists = (
        (1, "UI", UI_OLD, 2025, 1, "paid_file_made"),
        (2, "UI", UI, 2026, 1, "payable"),
        (3, "HERB", HERB, 2026, 1, "draft"),
        (4, "HERB", HERB, 2026, 2, "withdrawn"),
    )
    for number, item, version, year, order, state in lists:
        insert(
            connection, "ops.grant_list",
            id=number, item_id=item, item_version_id=version, title=item, department="human_resources",
            department_name="人社局", channel="confirm", origin="real" if item == "UI" else "synthetic",
            exclusion_group="", run_id=2, facts_sha256=HASH, as_of=date(2026, 11, 21),
            period_year=year, number=order, reviewers_needed=2, notice_days=5,
            confirm_by_enterprise=False, state=state, round=1, version=1, line_count=0, total=0,
            created_at=MATCHED_AT,
        )  # fmt: skip
    insert(
        connection, "ops.payment_file",
        id=1, list_id=1, number=1, sha256=HASH, object_key="k", rows=1, total="700.00", checked_run_id=1,
        created_by_id=1, created_at=MATCHED_AT,
    )  # fmt: skip
    lines = (
        (1, 1, "UI", 2025, FIRM_7, "700.00", "paid", "", 1),
        (2, 2, "UI", 2026, FIRM_1, "12000.00", "proposed", "", None),
        (3, 3, "HERB", 2026, FIRM_2, "20000.50", "proposed", "", None),
        (4, 3, "HERB", 2026, FIRM_4, "100.00", "excluded", "重复申报", None),
        (5, 4, "HERB", 2026, FIRM_5, "55.00", "released", "", None),
    )
    for number, list_id, item, year, firm, amount, state, reason, file in lines:
        insert(
            connection, "ops.grant_line",
            id=number, list_id=list_id, item_id=item, period_year=year, uscc=firm,
            enterprise_name=f"企业{firm[-4:]}", county_code=COUNTY[firm], rank=number, amount=amount,
            facts={}, state=state, reason=reason, confirmed_how="", payment_file_id=file,
        )  # fmt: skip
    for number, payer, amount in ((1, "city", "400.00"), (2, "county", "300.00")):
        insert(
            connection, "ops.grant_part",
            id=number, line_id=1, payment_file_id=1, row=number, stage="whole", stage_number=1,
            stage_label="一次拨付", payer=payer, amount=amount,
        )  # fmt: skip


def record_cases(connection: psycopg.Connection) -> None:
    """Four cases of the last days: closed on time by a machine, closed late after a rework, open past its
    limit, and one that was nothing. Times are counted back from now, as the marts count.
    """
    now = datetime.now(UTC)

    def ago(**time: float) -> datetime:
        return now - timedelta(**time)

    community, company = 9001, 9002
    for number, kind, name in ((community, "community", "某社区"), (company, "company", "某物业")):
        insert(
            connection, "ops.organisation",
            id=number, code=f"test:{number}", kind=kind, name=name, county_code="341602", area_code="",
            notify_urls=Jsonb([]), is_active=True,
        )  # fmt: skip
    cases: tuple[tuple[Any, ...], ...] = (
        # number, scenario, area, source, state, handler, found, deadline, closed, rework
        (1, "fire_lane_occupancy", "341602001001", "video", "closed", company, ago(days=2), None,
         ago(days=2, minutes=-25), 0),
        (2, "street_order", "341602001001", "citizen", "closed", community, ago(days=2), None,
         ago(days=1), 1),
        (3, "fire_lane_occupancy", "341621001001", "video", "handling", company, ago(hours=3), ago(hours=2),
         None, 0),
        (4, "fire_lane_occupancy", "341621001001", "video", "voided", None, ago(hours=5), None, None, 0),
    )  # fmt: skip
    for number, scenario, area, source, state, handler, found, deadline, closed, rework in cases:
        insert(
            connection, "ops.event_case",
            id=number, number=f"E{number}", scenario=scenario, class_code="all", class_scheme="local",
            class_version="1", class_big="99", class_small="99", title=f"案件{number}", place_id=f"P{number}",
            place_name="某小区", area_code=area, grid_code="", source_kind=source,
            source_kinds=Jsonb([source]), source_id=f"camera-{number}", zone="", state=state,
            lead_id=community, handler_id=handler, urgent=False, found_at=found, deadline_at=deadline,
            closed_at=closed, sightings=2, rework_count=rework, origin="synthetic", version=1,
        )  # fmt: skip
    paths: dict[int, list[tuple[str, str, datetime, int | None]]] = {
        1: [
            ("register", "detected", ago(days=2), None),
            ("dispatch", "dispatched", ago(days=2), None),
            ("handle", "handled", ago(days=2, minutes=-20), company),
            ("request_check", "checking", ago(days=2, minutes=-20), None),
            ("pass_check", "closed", ago(days=2, minutes=-25), None),
        ],
        2: [
            ("register", "detected", ago(days=2), None),
            ("dispatch", "dispatched", ago(days=2, minutes=-30), community),
            ("handle", "handled", ago(days=1, hours=2), community),
            ("request_check", "checking", ago(days=1, hours=2), None),
            ("reject", "rework", ago(days=1, hours=1), community),
            ("handle", "handled", ago(days=1, minutes=30), community),
            ("request_check", "checking", ago(days=1, minutes=30), None),
            ("approve", "closed", ago(days=1), community),
        ],
        3: [
            ("register", "detected", ago(hours=3), None),
            ("dispatch", "dispatched", ago(hours=3), None),
            ("start", "handling", ago(hours=2, minutes=30), company),
        ],
        4: [("register", "detected", ago(hours=5), None), ("void", "voided", ago(hours=4), community)],
    }
    for case, path in paths.items():
        before = ""
        for step, (action, state, at, organisation) in enumerate(path, start=1):
            insert(
                connection, "ops.transition",
                case_id=case, version=step, from_state=before, to_state=state, action=action,
                organisation_id=organisation, reason="", rules_version=1, at=at, data={},
            )  # fmt: skip
            before = state
    clocks: tuple[tuple[Any, ...], ...] = (
        (1, "handle", "stopped", 1200, None, False),
        (2, "handle", "stopped", 90000, None, True),
        (2, "check", "stopped", 60, None, False),
        (3, "handle", "running", 0, ago(hours=2), True),
    )
    for case, stage, state, consumed, due, overdue in clocks:
        insert(
            connection, "ops.clock",
            case_id=case, stage=stage, state=state, unit="urgent_hour", budget="0.5",
            consumed_seconds=consumed, started_at=ago(days=2), due_at=due, overdue=overdue,
            provisional=False, level=0,
        )  # fmt: skip
    for number, case, at in ((1, 1, ago(days=2)), (2, 1, ago(days=2)), (3, 3, ago(hours=3))):
        insert(
            connection, "ops.signal",
            key=f"test:{number}", scenario="fire_lane_occupancy", class_code="all", kind="detected",
            source_kind="video", source_id=f"camera-{case}", area_code="341602001001", observed_at=at,
            origin="synthetic", state="attached", case_id=case,
        )  # fmt: skip


def past_the_rules(settings: Settings) -> psycopg.Connection:
    """A session in which the desk's triggers and foreign keys rest."""
    return psycopg.connect(settings.admin_url, dbname="city", options="-c session_replication_role=replica")


def forget_services(settings: Settings) -> None:
    """No row of policies, grants and cases."""
    with past_the_rules(settings) as connection:
        connection.execute(
            "TRUNCATE policy.document, policy.match_run, policy.match_row, policy.proposal_row"
            ", ops.grant_list, ops.grant_line, ops.payment_file"
            ", ops.event_case, ops.transition, ops.clock, ops.signal CASCADE"
        )
        connection.execute("DELETE FROM ops.connected_system_use WHERE system_id = 9001")
        connection.execute("DELETE FROM ops.connected_system WHERE id = 9001")
        connection.execute("DELETE FROM ops.person WHERE id = 9001")
        connection.execute("DELETE FROM ops.organisation WHERE code LIKE 'test:%'")


def record_services(settings: Settings) -> None:
    """Everything the marts of operations read."""
    forget_services(settings)
    with past_the_rules(settings) as connection:
        record_policies(connection)
        record_matches(connection)
        record_grants(connection)
        record_cases(connection)
        record_systems(connection)
        count_on(connection)


def record_systems(connection: psycopg.Connection) -> None:
    """A system of the company that called the desk on one day."""
    insert(
        connection, "ops.person",
        id=9001, password="", is_superuser=False, username="system-test-desk", first_name="", last_name="",
        email="", is_staff=False, is_active=True, date_joined=MATCHED_AT, display_name="",
        organisation_id=9002, warden_code="",
    )  # fmt: skip
    insert(
        connection, "ops.connected_system",
        id=9001, code="test-desk", name="物业平台", account_id=9001, key_sha256=HASH, calls_a_day=5000,
        is_active=True, made_at=MATCHED_AT,
    )  # fmt: skip
    insert(
        connection, "ops.connected_system_use",
        id=9001, system_id=9001, day=date(2026, 11, 20), capability="cases_read", calls=7, refused=2,
        failed=1, total_ms=84,
    )  # fmt: skip


def count_on(connection: psycopg.Connection) -> None:
    """What the desk adds later in the same database takes the numbers after those given here."""
    owned = connection.execute(
        "SELECT n.nspname, c.relname, a.attname FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname IN ('ops', 'policy') AND c.relkind = 'r' AND a.attidentity <> ''"
    ).fetchall()
    for schema, table, column in owned:
        connection.execute(
            sql.SQL("SELECT setval(pg_get_serial_sequence({}, {}), max({})) FROM {}").format(
                f"{schema}.{table}", column, sql.Identifier(column), sql.Identifier(schema, table)
            )
        )
