"""Match runs on PostgreSQL: what they write, exclusion, funds, history, replay, and a run killed half-way."""

import os
import signal
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bureau import ACTIVE, DAY, SALES, Bureau, code, firm, item, later, version
from citybrain.catalogue import ContentError
from citybrain.policy.comparison import compare_runs
from citybrain.policy.explanation import explain
from citybrain.policy.replay import replay
from citybrain.policy.run_report import MatchError
from citybrain.policy.sessions import matcher
from citybrain.policy.snapshot import SnapshotError
from citybrain.settings import DatabaseRole

pytestmark = pytest.mark.integration


def group(name: str, rule: str = "highest_wins") -> dict[str, str]:
    return {"group": name, "rule": rule}


def fund(amount: int, **more: str) -> dict[str, dict[str, object]]:
    return {"budget": {"id": "FUND", "amount": amount, **more}}


def test_a_run_writes_results_proposals_and_its_manifest(bureau: Bureau) -> None:
    sold = {"id": "sold", "fact": "revenue", "op": ">=", "value": 1000}
    bureau.writes(item("SALES", version(require={"all": [ACTIVE, sold]})))
    bureau.knows([firm(), firm(999), firm(None), firm(is_active=False), firm(2000), firm(is_active=None)])
    seen = []
    report = bureau.matches(on_item=lambda place, total, count: seen.append((place, total, count.item_id)))
    assert seen == [(1, 1, "SALES")]
    assert (report.made, report.enterprises, report.firms_found) == (True, 6, 2)
    assert report.yuan_proposed == Decimal("300.00")
    rows = bureau.rows(
        "SELECT uscc, status, unmet_mask, unknown_mask, distance, amount, facts, county_code"
        " FROM policy.match_result ORDER BY uscc"
    )
    assert [(row["uscc"], row["status"], row["unmet_mask"], row["unknown_mask"]) for row in rows] == [
        (code(0), "eligible", 0, 0),
        (code(1), "near", 0b10, 0),
        (code(2), "needs_data", 0, 0b110),
        (code(4), "eligible", 0, 0),
        (code(5), "needs_data", 0, 0b1),
    ]
    assert rows[0]["facts"] == {"is_active": True, "revenue": 1000}
    assert rows[0]["county_code"] == "341602"
    assert [row["facts"] for row in rows[1:3]] == [None, None]
    (run,) = bureau.rows("SELECT * FROM policy.latest_run")
    assert (run["items"], run["eligible"], run["needs_data"], run["near"]) == (1, 2, 2, 1)
    (manifest,) = bureau.rows(
        "SELECT * FROM policy.match_run JOIN policy.match_run_item USING (run_id)"
        " JOIN policy.plan ON plan.sha256 = match_run_item.sql_sha256"
    )
    assert manifest["code_version"].startswith("0.")
    assert (manifest["kind"], manifest["base_run"]) == ("full", None)
    assert '"revenue" >= CAST' in manifest["plan"]["criteria"][1]


def test_nothing_changed_makes_no_new_run(bureau: Bureau) -> None:
    bureau.writes(item("SALES"))
    bureau.knows([firm()])
    first, second = bureau.matches(), bureau.matches()
    assert (first.made, second.made, second.run_id) == (True, False, first.run_id)
    assert second.items == first.items
    bureau.knows([firm(), firm(5)])
    third = bureau.matches()
    assert (third.made, third.firms_found) == (True, 2)
    bureau.writes(item("SALES", version(amount={**SALES, "rate": 0.2})))
    fourth = bureau.matches()
    assert (fourth.made, fourth.yuan_proposed) == (True, Decimal("201.00"))
    bureau.award(0, "SALES", DAY.year)
    assert bureau.matches().made


def test_a_rehearsal_writes_nothing(bureau: Bureau) -> None:
    bureau.writes(item("SALES"))
    bureau.knows([firm()])
    report = bureau.matches(dry_run=True)
    assert (report.run_id, report.firms_found, report.yuan_proposed) == (None, 1, Decimal(100))
    assert bureau.rows("SELECT 1 FROM policy.match_run UNION ALL SELECT 1 FROM policy.match_result") == []


def test_without_facts_it_says_what_to_do(bureau: Bureau) -> None:
    bureau.writes(item("SALES"))
    with pytest.raises(MatchError, match="citybrain transform build"):
        bureau.matches()


@pytest.mark.parametrize(
    ("day", "paid"),
    [
        (date(2025, 12, 31), None),
        (date(2026, 1, 1), 100),
        (date(2026, 6, 30), 100),
        (date(2026, 7, 1), 200),
        (date(2026, 12, 31), 200),
        (date(2027, 1, 1), None),
    ],
)
def test_a_version_holds_from_its_first_to_its_last_day(bureau: Bureau, day: date, paid: int | None) -> None:
    first = version(valid={"from": date(2026, 1, 1), "to": date(2026, 6, 30)})
    second = version(
        valid={"from": date(2026, 7, 1), "to": date(2026, 12, 31)}, amount={**SALES, "rate": 0.2}
    )
    bureau.writes(item("SALES", first, second))
    from datetime import UTC, datetime, time

    bureau.knows([firm()], loaded=datetime.combine(day, time(), UTC))
    report = bureau.matches(day)
    assert len(report.items) == (paid is not None)
    assert report.yuan_proposed == (paid or 0)


def test_a_changed_file_is_a_new_version_and_the_old_results_keep_their_rule(bureau: Bureau) -> None:
    bureau.writes(item("SALES"))
    bureau.knows([firm()])
    first = bureau.matches()
    bureau.writes(item("SALES", version(amount={**SALES, "rate": 0.3})))
    second = bureau.matches()
    versions = bureau.rows(
        "SELECT item_version_id, withdrawn_at IS NULL AS stands, amount_words"
        " FROM policy.item_version ORDER BY 1"
    )
    assert [row["stands"] for row in versions] == [False, True]
    assert ["10%" in versions[0]["amount_words"], "30%" in versions[1]["amount_words"]] == [True, True]
    of_run = bureau.rows("SELECT run_id, item_version_id FROM policy.match_result ORDER BY 1")
    assert [row["item_version_id"] for row in of_run] == [row["item_version_id"] for row in versions]
    (change,) = compare_runs(bureau.settings, first.run_id, second.run_id)
    assert (change.gained, change.lost, change.changed, change.yuan) == (0, 0, 1, Decimal(200))
    bureau.file.unlink()
    assert bureau.matches().items == []


def test_the_largest_of_a_group_wins_and_the_other_line_says_why(bureau: Bureau) -> None:
    small = version(exclusion=group("ONCE"), amount={"kind": "flat", "value": 100})
    bureau.writes(item("SALES", version(exclusion=group("ONCE"))), item("FLAT", small), item("ALONE"))
    bureau.knows([firm(5000), firm(500), firm(1000)])
    bureau.matches()
    lines = bureau.lines()
    assert {key: line[0] for key, line in lines.items() if key[0] != "ALONE"} == {
        ("SALES", 0): "pay", ("FLAT", 0): "excluded",
        ("SALES", 1): "excluded", ("FLAT", 1): "pay",
        ("SALES", 2): "excluded", ("FLAT", 2): "pay",  # even: the first id
    }  # fmt: skip
    assert lines["FLAT", 0][2] == "就高不重复：本次享受“事项SALES” 500.00 元"
    assert {lines["ALONE", number][0] for number in range(3)} == {"pay"}


@pytest.mark.parametrize(
    ("rule", "awarded_in", "outcome"),
    [
        ("highest_wins", 2024, "pay"),
        ("highest_wins", 2026, "excluded"),
        ("once_ever", 2024, "excluded"),
        ("mutual", 2024, "excluded"),
        ("once_a_year", 2024, "pay"),
        ("once_a_year", 2026, "excluded"),
    ],
)
def test_what_was_awarded_before_is_not_paid_again(
    bureau: Bureau, rule: str, awarded_in: int, outcome: str
) -> None:
    other = version(exclusion=group("ONE", rule), amount={"kind": "flat", "value": 1})
    bureau.writes(item("SALES", version(exclusion=group("ONE", rule))), item("OTHER", other))
    bureau.knows([firm()])
    bureau.matches()
    bureau.award(0, "OTHER", awarded_in)
    bureau.matches()
    line = bureau.lines()["SALES", 0]
    assert line[0] == outcome
    if outcome == "excluded":
        assert line[2] == f"{awarded_in} 年已享受“事项OTHER” 1.00 元，不重复享受"


def test_an_item_is_paid_once_a_year_without_any_group(bureau: Bureau) -> None:
    bureau.writes(item("SALES"))
    bureau.knows([firm(), firm()])
    bureau.matches()
    bureau.award(0, "SALES", DAY.year)
    bureau.matches()
    assert {key[1]: line[0] for key, line in bureau.lines().items()} == {0: "excluded", 1: "pay"}
    with pytest.raises(psycopg.errors.UniqueViolation):
        bureau.award(0, "SALES", DAY.year)


@pytest.mark.parametrize(
    ("order", "paid"), [("amount asc", {100, 200}), ("amount desc", {300}), ("amount asc", {100, 200})]
)
def test_a_fund_is_spent_from_the_front(bureau: Bureau, order: str, paid: set[int]) -> None:
    bureau.writes(item("SALES", version(caps=fund(450, rank_by=order))))
    bureau.knows([firm(3000), firm(2000), firm(1000)])
    report = bureau.matches()
    lines = bureau.lines().values()
    assert {int(line[1]) for line in lines if line[0] == "pay"} == paid
    assert report.yuan_proposed == sum(paid)
    reasons = {line[2] for line in lines if line[0] == "unfunded"}
    assert reasons == {"资金不足：FUND 余额 450.00 元，按顺序已分配完"}


def test_a_fund_to_the_last_cent_is_enough(bureau: Bureau) -> None:
    bureau.writes(item("SALES", version(caps=fund(300))))
    bureau.knows([firm(2000), firm(1000)])
    assert bureau.matches().yuan_proposed == 300
    bureau.knows([firm(2000), firm(Decimal("1000.10"))])
    assert bureau.matches().yuan_proposed == Decimal("100.01")


def test_a_fund_is_shared_by_items_and_less_what_was_awarded(bureau: Bureau) -> None:
    flat = {"kind": "flat", "value": 50}
    bureau.writes(item("SALES", version(caps=fund(200))), item("FLAT", version(caps=fund(200), amount=flat)))
    bureau.knows([firm(), firm()])
    assert bureau.matches().yuan_proposed == 200  # 50 + 50 + 100; the other hundred does not fit
    bureau.award(0, "FLAT", DAY.year, amount=50)
    bureau.matches()
    lines = bureau.lines()
    assert sum(line[1] for line in lines.values() if line[0] == "pay") == 150
    assert lines["FLAT", 0][0] == "excluded"


def test_pro_rata_cuts_every_line_to_the_cent_and_never_overspends(bureau: Bureau) -> None:
    bureau.writes(item("SALES", version(caps=fund(100, when_short="pro_rata"))))
    bureau.knows([firm(1000), firm(1000), firm(1000)])
    report = bureau.matches()
    assert [line[1] for line in bureau.lines().values()] == [Decimal("33.33")] * 3
    assert report.yuan_proposed == Decimal("99.99")


def test_an_unconfirmed_number_pays_nobody(bureau: Bureau) -> None:
    unknown_limit = {"id": "sold", "fact": "revenue", "op": ">=", "value": "$limit"}
    bureau.writes(
        item("RATE", version(amount={**SALES, "rate": None})),
        item("LIMIT", version(params={"limit": None}, require={"all": [ACTIVE, unknown_limit]})),
        item("SCORE", version(unconfirmed=["得分线待核定"])),
    )
    bureau.knows([firm(), firm(5000)])
    report = bureau.matches()
    assert [(count.payable, count.eligible, count.needs_data) for count in report.items] == [
        (False, 0, 2)
    ] * 3
    told = explain(bureau.settings, "LIMIT", code(0))
    assert [answer.met for answer in told.answers] == [True, None, None]
    assert told.answers[1].sentence == "上年度营业收入（标准待核定）"
    assert told.unconfirmed == ("参数 limit 待核定",)


def test_an_officer_reads_why(bureau: Bureau) -> None:
    layoffs = {"id": "layoffs", "fact": "layoff_rate", "op": "<=", "value": 0.055}
    sold = {"id": "sold", "fact": "revenue", "op": ">", "value": 500}
    bureau.writes(item("SALES", version(require={"all": [ACTIVE, layoffs, sold]})))
    bureau.knows(
        [firm(layoff_rate=Decimal("0.06")), firm(), firm(layoff_rate=Decimal(0)), firm(1, layoff_rate=1)]
    )
    bureau.matches()
    near = explain(bureau.settings, "SALES", code(0))
    assert (near.status_zh, near.run_id) == ("接近符合", 1)
    assert [answer.words for answer in near.answers] == [
        "登记状态为存续：满足（是）",
        "上年度裁员率不高于 5.5%（含）：不满足（6%）",
        "上年度营业收入高于 500 元（不含）：满足（1,000 元）",
        "测算金额所需的事实与标准齐全，且金额大于 0 元（不含）：满足",
    ]
    missing = explain(bureau.settings, "SALES", code(1)).answers[1].words
    assert missing == "上年度裁员率不高于 5.5%（含）：无法判断（缺失，请人力资源和社会保障局补充）"
    assert explain(bureau.settings, "SALES", code(2)).proposal == "拟发放 100.00 元"
    out = explain(bureau.settings, "SALES", code(3))
    assert (out.status, out.run_id, [answer.met for answer in out.answers]) == (
        "ineligible", None, [True, False, False, True],
    )  # fmt: skip
    with pytest.raises(MatchError, match="no enterprise has the code"):
        explain(bureau.settings, "SALES", code(9))
    with pytest.raises(MatchError, match="no item OTHER"):
        explain(bureau.settings, "OTHER", code(0))


def test_replay_gives_the_same_rows_though_everything_changed_since(bureau: Bureau) -> None:
    bureau.writes(item("SALES"), item("FLAT", version(amount={"kind": "flat", "value": 7})))
    bureau.knows([firm(number) if number % 5 else firm(None) for number in range(1, 200)])
    first = bureau.matches()
    bureau.writes(item("SALES", version(amount={**SALES, "rate": 0.9})))
    bureau.knows([firm(3)])
    bureau.matches(later(1))
    assert first.run_id is not None
    again = replay(bureau.settings, first.run_id)
    assert again.equal
    assert again.same_code
    assert [(item.item_id, item.rows) for item in again.items] == [("FLAT", 199), ("SALES", 199)]


def test_replay_notices_a_changed_row_and_a_lost_snapshot(bureau: Bureau) -> None:
    bureau.writes(item("SALES"))
    bureau.knows([firm(), firm(2000)])
    run = bureau.matches().run_id
    assert run is not None
    bureau.runs("UPDATE policy.match_row SET amount = amount + 1 WHERE uscc = %s", code(1))
    (found,) = replay(bureau.settings, run).items
    assert (found.lost, found.gained) == (1, 1)
    bureau.runs("UPDATE policy.match_run SET facts_sha256 = repeat('0', 64)")
    with pytest.raises(SnapshotError, match="not what run"):
        replay(bureau.settings, run)
    with pytest.raises(MatchError, match="there is no run 99"):
        replay(bureau.settings, 99)


def test_the_matcher_reads_facts_and_writes_results_and_nothing_else(bureau: Bureau) -> None:
    bureau.writes(item("SALES"))
    bureau.knows([firm()])
    bureau.matches()
    bureau.transformer.execute("CREATE TABLE IF NOT EXISTS marts.secret (county_code text)")
    try:
        with psycopg.connect(bureau.settings.dsn(DatabaseRole.MATCHER), autocommit=True) as session:
            for statement in (
                "UPDATE policy.match_row SET amount = 9",
                "DELETE FROM policy.match_row",
                "UPDATE policy.item_version SET payable = true",
                "INSERT INTO policy.criterion SELECT * FROM policy.criterion",
                "INSERT INTO policy.award (run_id, item_version_id, item_id, uscc, period_year, amount)"
                " VALUES (1, 1, 'SALES', 'x', 2026, 1)",
                "UPDATE marts.mart_enterprise_facts SET revenue_yuan = 1",
                "SELECT * FROM marts.secret",
                "SELECT * FROM meta.batch",
                "SET ROLE citybrain_scope_city",
                "CREATE TABLE policy.mine (a int)",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    session.execute(statement)
    finally:
        bureau.transformer.execute("DROP TABLE marts.secret")


def test_a_temporary_table_of_the_facts_name_deceives_nobody(bureau: Bureau) -> None:
    bureau.knows([firm()])
    with matcher(bureau.settings) as connection:
        connection.execute("CREATE TEMPORARY TABLE mart_enterprise_facts (uscc text)")
        row = connection.execute("SELECT count(*) FROM mart_enterprise_facts").fetchone()
        connection.rollback()
    assert row == (1,)


KILLED = """
import os, sys, time
from datetime import date
from pathlib import Path
from citybrain.policy.matching import match
from citybrain.settings import get_settings

def stop(place, total, count):
    print("item", place, flush=True)
    if place == 2:
        time.sleep(60)

settings = get_settings().model_copy(update={"project": Path(sys.argv[1])})
match(settings, date.fromisoformat(sys.argv[2]), on_item=stop)
"""


def test_a_killed_run_leaves_nothing_and_the_next_one_stands_whole(bureau: Bureau) -> None:
    bureau.writes(item("A1"), item("B2"), item("C3"))
    bureau.knows([firm(), firm()])
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(bureau.settings.project), DAY.isoformat()],
        stdout=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip
    assert child.stdout is not None
    assert [child.stdout.readline() for _ in range(2)] == ["item 1\n", "item 2\n"]
    child.send_signal(signal.SIGKILL)
    child.wait()
    began = time.monotonic()
    report = bureau.matches()
    assert time.monotonic() - began < 30
    assert report.made
    assert bureau.rows("SELECT count(*) AS n FROM policy.match_run") == [{"n": 1}]
    assert bureau.rows("SELECT count(*) AS n FROM policy.match_result") == [{"n": 6}]
    assert bureau.rows("SELECT count(*) AS n FROM policy.proposal") == [{"n": 6}]


def test_two_runs_at_once_make_one(bureau: Bureau) -> None:
    from concurrent.futures import ThreadPoolExecutor

    bureau.writes(item("SALES"))
    bureau.knows([firm()])
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: bureau.matches(), range(2)))
    assert sorted(report.made for report in reports) == [False, True]
    assert {report.run_id for report in reports} == {reports[0].run_id}
    assert Path(bureau.file).exists()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    revenues=st.lists(st.decimals(min_value="0.01", max_value=99999, places=2), min_size=1, max_size=12),
    amount=st.integers(0, 9000),
    when_short=st.sampled_from(["rank", "pro_rata"]),
    order=st.sampled_from(["amount asc", "amount desc"]),
)
def test_a_fund_is_never_overspent_and_every_line_has_its_outcome(
    bureau: Bureau, revenues: list[Decimal], amount: int, when_short: str, order: str
) -> None:
    caps = fund(amount, when_short=when_short, rank_by=order)
    bureau.writes(item("SALES", version(caps=caps)), item("FLAT", version(caps=caps, amount=FIFTY)))
    bureau.knows([firm(revenue) for revenue in revenues])
    report = bureau.matches()
    lines = bureau.lines()
    paid = [line[1] for line in lines.values() if line[0] == "pay"]
    assert report.yuan_proposed == sum(paid) <= amount
    assert len(lines) == sum(count.eligible for count in report.items)
    assert all((line[0] == "pay") == (line[2] is None) for line in lines.values())
    wanted = sum(row["amount"] for row in bureau.rows(OF_NEWEST) if row["amount"] is not None)
    if wanted <= amount:
        assert sum(paid) == wanted


FIFTY = {"kind": "flat", "value": 50}
OF_NEWEST = """
SELECT amount FROM policy.match_result
WHERE status = 'eligible' AND run_id = (SELECT max(run_id) FROM policy.match_run)
"""


def test_a_fact_taken_out_of_the_catalogue_stops_the_run_and_leaves_what_stands(bureau: Bureau) -> None:
    bureau.writes(item("SALES"))
    bureau.knows([firm()])
    bureau.matches()
    path = bureau.settings.policies_dir / "facts.yml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "  revenue:" not in line), encoding="utf-8")
    bureau.writes(item("SALES"), item("OTHER", version(amount={"kind": "flat", "value": 5})))
    with pytest.raises(ContentError, match=r"trial.yml:[0-9]+: .*no fact is called 'revenue'"):
        bureau.matches()
    assert bureau.rows("SELECT item_id FROM policy.item") == [{"item_id": "SALES"}]
    assert bureau.rows("SELECT count(*) AS n FROM policy.match_run") == [{"n": 1}]
