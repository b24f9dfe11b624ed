"""What must not happen does not: by the steps, by the pages, and by SQL as the desk's own role."""

from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from typing import Any

import psycopg
import pytest
from match_runs import FACTS, Found, firms, publish, run, uscc

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.row_scope import RowScope, enter
from conftest import People


def draft(desk: Settings, *amounts: str, **item: Any) -> Any:
    """A fresh draft list over its own item."""
    from acting import list_of

    from citybrain.policy.grants.making import make_lists

    published = publish(desk, **item)
    run(desk, {published: firms(*(amounts or ("100.00", "200.00")))})
    make_lists()
    return list_of(published.item_id)


def refused(person: Any, step: Any, *arguments: Any) -> str:
    from acting import act

    from citybrain.policy.grants.acts import GrantRefusedError

    with pytest.raises(GrantRefusedError) as refusal:
        act(person, step, *arguments)
    return str(refusal.value)


def entries(desk: Settings, grant_list: Any) -> int:
    with connect(desk, DatabaseRole.DESK) as connection:
        row = connection.execute(
            "SELECT count(*) FROM ledger.entry WHERE subject = %s", (f"grant_list:{grant_list.pk}",)
        ).fetchone()
    return row[0] if row else 0


DUTIES = ("first_review", "countersign", "payment")


@pytest.mark.parametrize(("first", "second"), list(permutations(DUTIES, 2)))
def test_nobody_holds_two_duties_on_one_list(desk: Settings, people: People, first: str, second: str) -> None:
    """A person with every role; whichever duty they take first on a list, the others are closed to them."""
    from acting import act, approve, countersign, list_of, pay

    from citybrain.policy.grants import review

    both = people.make("policy_officer", "policy_checker", "treasury")
    grant_list = draft(desk, notice_days=0)

    def take(duty: str, person: Any) -> None:
        {
            "first_review": lambda: approve(grant_list, person),
            "countersign": lambda: countersign(grant_list, person),
            "payment": lambda: pay(desk, grant_list, person),
        }[duty]()

    others = {"first_review": people.officer, "countersign": people.checker, "payment": people.treasury}
    if (first, second) == ("countersign", "first_review"):
        # A countersigner who returned the list must not approve it in its next round.
        approve(grant_list, people.officer)
        version = list_of(grant_list.item_id).version
        act(both, review.return_list, grant_list.pk, both, version, "数据有误")
    elif first == "payment":
        # Payment is the last duty: what is left to refuse is the decision itself.
        for duty in ("first_review", "countersign"):
            take(duty, others[duty])
        take("payment", both)
        assert "grant_decision_four_eyes" in sql_decision(desk, grant_list, both, second)
        return
    else:
        for duty in DUTIES:
            take(duty, both if duty == first else others[duty])
            if duty == first:
                break
        for duty in DUTIES[DUTIES.index(first) + 1 : DUTIES.index(second)]:
            take(duty, others[duty])
    before = list_of(grant_list.item_id)
    from citybrain.policy.grants.acts import GrantRefusedError

    with pytest.raises(GrantRefusedError, match="须由另一个人办理"):
        take(second, both)
    assert "grant_decision_four_eyes" in sql_decision(desk, grant_list, both, second)
    after = list_of(grant_list.item_id)
    assert (after.state, after.version) == (before.state, before.version)


def sql_decision(desk: Settings, grant_list: Any, person: Any, step: str) -> str:
    """The constraint that stops the desk's role from writing the decision by SQL; empty when nothing does."""
    with connect(desk, DatabaseRole.DESK) as connection:
        enter(connection, person.row_scope)
        try:
            connection.execute(
                "INSERT INTO ops.grant_decision (list_id, organisation_id, round, step, decision, person_id,"
                " roles, reason, line_count, total, at) SELECT id, organisation_id, round, %s, 'pay', %s, '',"
                " '', 0, 0, now() FROM ops.grant_list WHERE id = %s",
                (step, person.pk, grant_list.pk),
            )
        except psycopg.errors.CheckViolation as error:
            return error.diag.constraint_name or str(error)
        finally:
            connection.rollback()
    return ""


def test_sql_cannot_countersign_for_the_approver(desk: Settings, people: People) -> None:
    from acting import approve, list_of

    grant_list = draft(desk)
    approve(grant_list, people.officer)
    attempts = [
        (
            "UPDATE ops.grant_list SET countersigned_by_id = approved_by_id WHERE id = %s",
            "four_eyes|by the step",
        ),
        (
            "UPDATE ops.grant_list SET state = 'second_review', countersigned_by_id = approved_by_id"
            " WHERE id = %s",
            "four_eyes|other people",
        ),
        (
            "UPDATE ops.grant_list SET state = 'second_review',"
            f" countersigned_by_id = {people.checker.pk} WHERE id = %s",
            "other people",
        ),
        (
            "UPDATE ops.grant_list SET state = 'payable' WHERE id = %s",
            "cannot go from first_review to payable",
        ),
        ("UPDATE ops.grant_list SET total = 1 WHERE id = %s", "permission denied"),
        ("UPDATE ops.grant_line SET amount = amount + 1 WHERE list_id = %s", "permission denied"),
        (
            "UPDATE ops.grant_line SET state = 'paid' WHERE list_id = %s",
            "cannot go from proposed to paid|by_a_file",
        ),
        ("DELETE FROM ops.grant_line WHERE list_id = %s", "permission denied"),
        ("UPDATE ops.grant_decision SET reason = '' WHERE list_id = %s", "permission denied"),
        ("DELETE FROM ops.grant_decision WHERE list_id = %s", "permission denied"),
        (
            "INSERT INTO ops.grant_line (list_id, organisation_id, item_id, period_year, uscc, county_code,"
            " enterprise_name, rank, amount, facts, state, reason, confirmed_how) SELECT id, organisation_id,"
            " item_id, period_year, '91341600MA99999999', '', '', 9, 5, '{}', 'proposed', '', ''"
            " FROM ops.grant_list WHERE id = %s",
            "to the cent",
        ),
    ]
    for statement, message in attempts:
        with connect(desk, DatabaseRole.DESK) as connection:
            enter(connection, people.officer.row_scope)
            with pytest.raises(psycopg.Error, match=message):
                connection.execute(statement.encode(), (grant_list.pk,))
    assert list_of(grant_list.item_id).state == "first_review"


def test_nobody_decides_in_another_name(desk: Settings, people: People) -> None:
    grant_list = draft(desk)
    with connect(desk, DatabaseRole.DESK) as connection:
        enter(connection, people.officer.row_scope)
        with pytest.raises(psycopg.errors.CheckViolation, match="own name"):
            connection.execute(
                "INSERT INTO ops.grant_decision (list_id, organisation_id, round, step, decision, person_id,"
                " roles, reason, line_count, total, at) SELECT id, organisation_id, round, 'countersign',"
                " 'approve', %s, '', '', 0, 0, now() FROM ops.grant_list WHERE id = %s",
                (people.checker.pk, grant_list.pk),
            )


def test_history_is_for_good_even_for_the_owner(desk: Settings) -> None:
    with connect(desk, DatabaseRole.OWNER) as owner:
        enter(owner, RowScope("system"))
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            owner.execute("UPDATE ops.grant_decision SET reason = 'x'")


def test_a_role_that_may_not_is_refused(desk: Settings, people: People) -> None:
    from acting import approve

    from citybrain.policy.grants import payment, review

    grant_list = draft(desk)
    nobody = people.make("policy_checker")
    assert "岗位" in refused(nobody, review.approve, grant_list.pk, nobody, grant_list.version)
    approve(grant_list, people.officer)
    other = people.make("policy_officer")
    version = grant_list.version + 1
    assert "岗位" in refused(other, review.countersign, grant_list.pk, other, version)
    assert "不能这样办理" in refused(
        people.treasury, payment.make_payment_file, desk, grant_list.pk, people.treasury, version
    )


def test_a_stale_page_and_a_double_click_change_nothing(desk: Settings, people: People) -> None:
    from acting import act, lines_of, list_of

    from citybrain.policy.grants import review

    grant_list = draft(desk, "100.00", "200.00", "300.00")
    shown = grant_list.version
    line = lines_of(grant_list)[uscc(1)]
    act(people.officer, review.exclude, line.pk, people.officer, shown, "已注销")
    assert "页面打开后" in refused(people.officer, review.approve, grant_list.pk, people.officer, shown)
    now = list_of(grant_list.item_id).version
    act(people.officer, review.approve, grant_list.pk, people.officer, now)
    count = entries(desk, grant_list)
    assert "页面打开后" in refused(people.officer, review.approve, grant_list.pk, people.officer, now)
    assert entries(desk, grant_list) == count
    assert list_of(grant_list.item_id).total == Decimal("500.00")


def test_two_people_click_at_once_and_one_wins(desk: Settings, people: People) -> None:
    """The second waits for the first one's row, then finds the list changed."""
    from concurrent.futures import ThreadPoolExecutor

    from acting import act, approve, list_of
    from django.db import connection

    from citybrain.policy.grants import review
    from citybrain.policy.grants.acts import GrantRefusedError

    grant_list = draft(desk, notice_days=0)
    approve(grant_list, people.officer)
    version = list_of(grant_list.item_id).version
    checkers = [people.make("policy_checker") for _ in range(4)]

    def click(person: Any) -> str:
        try:
            act(person, review.countersign, grant_list.pk, person, version)
        except GrantRefusedError as refusal:
            return str(refusal)
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(click, checkers))
    assert answers.count("done") == 1
    assert sum("页面打开后" in answer for answer in answers) == 3


def test_a_newer_run_replaces_a_draft_and_never_a_decided_list(desk: Settings, people: People) -> None:
    from acting import act, approve, lines_of, list_of, list_of_pk

    from citybrain.policy.grants import review
    from citybrain.policy.grants.differences import differences
    from citybrain.policy.grants.making import make_lists

    item = publish(desk)
    run(desk, {item: firms("10.00", "20.00", "30.00")})
    make_lists()
    first = list_of(item.item_id)
    line = lines_of(first)[uscc(3)]
    act(people.officer, review.exclude, line.pk, people.officer, first.version, "集团内重复")

    # The newer run disagrees: approving the old draft is refused, then the draft is replaced.
    run(desk, {item: firms("10.00", "25.00", "30.00", "40.00")})
    stale = list_of_pk(first)
    assert "1 户不同" in refused(people.officer, review.approve, first.pk, people.officer, stale.version)
    made = make_lists()
    assert made.replaced == [f"{item.item_id}/2026/1"] and made.made == [f"{item.item_id}/2026/2"]
    assert list_of_pk(first).state == "withdrawn"
    second = list_of(item.item_id)
    assert set(lines_of(second)) == {uscc(1), uscc(2), uscc(4)}, "the exclusion stands"
    assert "已作废" in refused(
        people.officer, review.approve, first.pk, people.officer, list_of_pk(first).version
    )

    # Decided lists stay as they are; what the next run finds besides becomes a supplement.
    approve(second, people.officer)
    run(desk, {item: firms("10.00", "99.00", "30.00", "40.00", "50.00")})
    made = make_lists()
    assert (made.made, made.replaced) == ([f"{item.item_id}/2026/3"], [])
    decided = list_of_pk(second)
    assert (decided.state, decided.total) == ("first_review", Decimal("75.00"))
    assert set(lines_of(list_of(item.item_id))) == {uscc(5)}
    from citybrain.policy.grants.acts import scope

    with scope():
        assert [(one.uscc, one.now_amount) for one in differences(decided)] == [(uscc(2), Decimal("99.00"))]
    with pytest.raises(ValueError, match="not the newest"):
        make_lists(first.run_id)


def test_a_withdrawn_clause_is_not_approved(desk: Settings, people: People) -> None:
    from match_runs import Item

    from citybrain.policy.grants import review

    grant_list = draft(desk)
    publish(desk, replaces=Item(grant_list.item_id, grant_list.item_version_id))
    assert "条款已撤回" in refused(
        people.officer, review.approve, grant_list.pk, people.officer, grant_list.version
    )


def test_a_large_line_needs_a_third_person(desk: Settings, people: People) -> None:
    from acting import approve, countersign, list_of, list_of_pk

    from citybrain.policy.grants import review

    over = [{"if_amount_over": {"number": "500000"}, "level": 3}]
    at = draft(desk, "500000.00", escalate=over)
    assert at.reviewers_needed == 2
    grant_list = draft(desk, "500000.01", escalate=over)
    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    assert list_of(grant_list.item_id).state == "first_review"
    version = list_of_pk(grant_list).version
    assert "另一位" in refused(people.checker, review.countersign, grant_list.pk, people.checker, version)
    countersign(grant_list, people.make("policy_checker"))
    assert list_of(grant_list.item_id).state == "second_review"


def test_a_returned_list_tells_why_and_begins_again(desk: Settings, people: People) -> None:
    from acting import act, approve, countersign, list_of, list_of_pk

    from citybrain.policy.grants import review

    grant_list = draft(desk)
    approve(grant_list, people.officer)
    version = list_of_pk(grant_list).version
    assert "理由" in refused(people.checker, review.return_list, grant_list.pk, people.checker, version, " ")
    act(people.checker, review.return_list, grant_list.pk, people.checker, version, "第 2 户已搬迁")
    returned = list_of_pk(grant_list)
    assert (returned.state, returned.round, returned.approved_by_id) == ("returned", 2, None)
    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    assert list_of(grant_list.item_id).state == "second_review"


def test_an_objection_freezes_its_line_and_not_the_list(
    desk: Settings, people: People, past_notice: Callable[[int], None]
) -> None:
    from acting import act, approve, countersign, lines_of, list_of_pk, open_notice, pay

    from citybrain.policy.grants import notices

    both = people.make("policy_officer", "policy_checker")
    grant_list = draft(desk, "100.00", "200.00", "300.00")
    approve(grant_list, both)
    countersign(grant_list, people.checker)
    open_notice(grant_list, people.officer)
    lines = lines_of(grant_list)
    first = notices.object_to(lines[uscc(1)].pk, "这户企业已经停产半年以上。", "0558-5550000", "sender a")
    second = notices.object_to(lines[uscc(2)].pk, "这户企业由他人代缴社保。", "0558-5550000", "sender a")
    past_notice(grant_list.pk)
    assert notices.close_due_notices() == [grant_list.code]
    paid = pay(desk, grant_list, people.treasury)
    assert paid.file is not None and (paid.file.rows, paid.file.total) == (1, Decimal("300.00"))
    assert "另一个人" in refused(both, notices.settle, first.pk, both, False, "我批的，没有问题")
    act(people.checker, notices.settle, first.pk, people.checker, False, "已核实，正常生产")
    act(people.checker, notices.settle, second.pk, people.checker, True, "属实")
    assert "已经核处" in refused(people.checker, notices.settle, second.pk, people.checker, False, "再看")
    states = {code: line.state for code, line in lines_of(grant_list).items()}
    assert states == {uscc(1): "proposed", uscc(2): "excluded", uscc(3): "paid"}
    more = pay(desk, grant_list, people.treasury)
    assert more.file is not None and (more.file.number, more.file.total) == (2, Decimal("100.00"))
    assert list_of_pk(grant_list).total == Decimal("400.00")


def test_objections_are_limited_and_need_a_reason(
    desk: Settings, people: People, past_notice: Callable[[int], None]
) -> None:
    from acting import approve, countersign, lines_of, open_notice

    from citybrain.policy.grants import notices
    from citybrain.policy.grants.acts import GrantRefusedError

    grant_list = draft(desk)
    line = lines_of(grant_list)[uscc(1)]

    def file(text: str = "这户企业已经停产半年以上。", contact: str = "0558-5550000") -> None:
        notices.object_to(line.pk, text, contact, "sender b")

    with pytest.raises(GrantRefusedError, match="公示期已满或尚未开始"):
        file()
    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    open_notice(grant_list, people.officer)
    for wrong in ({"text": "不行"}, {"contact": "1"}, {"text": "长" * 1001}):
        with pytest.raises(GrantRefusedError):
            file(**wrong)
    for _ in range(notices.MOST_AN_HOUR):
        file()
    with pytest.raises(GrantRefusedError, match="太频繁"):
        file()
    past_notice(grant_list.pk)
    with pytest.raises(GrantRefusedError, match="公示期已满"):
        notices.object_to(line.pk, "这户企业已经停产半年以上。", "0558-5550000", "sender c")


def test_a_notice_cannot_be_closed_early(desk: Settings, people: People) -> None:
    from acting import approve, countersign, list_of, open_notice, pay

    from citybrain.policy.grants import notices
    from citybrain.policy.grants.acts import GrantRefusedError

    grant_list = draft(desk)
    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    open_notice(grant_list, people.officer)
    assert grant_list.code not in notices.close_due_notices()
    with pytest.raises(GrantRefusedError, match="公示中"):
        pay(desk, grant_list, people.treasury)
    for statement in (
        "UPDATE ops.grant_notice SET closed_at = now() WHERE list_id = %s",
        "UPDATE ops.grant_notice SET closes_at = now() WHERE list_id = %s",
        "UPDATE ops.grant_list SET state = 'notice_closed' WHERE id = %s",
    ):
        with connect(desk, DatabaseRole.DESK) as connection:
            enter(connection, people.officer.row_scope)
            with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.InsufficientPrivilege)):
                connection.execute(statement.encode(), (grant_list.pk,))
    assert list_of(grant_list.item_id).state == "notice_open"


def test_what_drifted_is_held_and_the_rest_is_paid(desk: Settings, people: People) -> None:
    from acting import approve, countersign, lines_of, list_of, pay

    from citybrain.policy.grants.making import make_lists

    item = publish(desk, notice_days=0, recheck=["is_active", "staff"])
    found = firms("100.00", "200.00", "300.00", "400.00")
    run(desk, {item: found})
    make_lists()
    grant_list = list_of(item.item_id)
    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    assert list_of(item.item_id).state == "payable"

    changed = [
        found[0],
        Found(uscc(2), Decimal("200.00"), facts=FACTS | {"staff": 11}),
        Found(uscc(3), None, status="needs_data", unknown=1),
    ]  # and the fourth is not eligible any more
    run(desk, {item: changed})
    paid = pay(desk, grant_list, people.treasury)
    assert paid.file is not None and (paid.file.rows, paid.held) == (1, 3)
    lines = lines_of(grant_list)
    assert {code: line.state for code, line in lines.items()} == {
        uscc(1): "paid",
        uscc(2): "held",
        uscc(3): "held",
        uscc(4): "held",
    }
    assert "缺少数据" in lines[uscc(3)].reason and "不再符合" in lines[uscc(4)].reason

    run(desk, {item: [found[0], found[1], changed[2]]})  # the second is as it was approved
    more = pay(desk, grant_list, people.treasury)
    assert more.made and more.file is not None and (more.file.rows, more.held) == (1, 2)
    again = pay(desk, grant_list, people.treasury)
    assert (again.made, again.held) == (False, 2)


def test_one_group_and_one_fund_are_not_paid_beyond(desk: Settings, people: People) -> None:
    """Two lists approved side by side: what the first one pays is gone for the second."""
    from acting import approve, countersign, lines_of, list_of, pay

    from citybrain.policy.grants.making import make_lists

    group, fund = "TRIAL-GROUP", ("TRIAL-FUND", Decimal("1000.00"))
    one = publish(desk, notice_days=0, group=group, fund=fund)
    two = publish(desk, notice_days=0, group=group, fund=fund)
    run(desk, {one: firms("600.00"), two: firms("500.00", "300.00", "200.00")})
    make_lists()
    for item in (one, two):
        approve(list_of(item.item_id), people.officer)
        countersign(list_of(item.item_id), people.checker)
    pay(desk, list_of(one.item_id), people.treasury)
    paid = pay(desk, list_of(two.item_id), people.treasury)
    reasons = {
        code: line.reason for code, line in lines_of(list_of(two.item_id)).items() if line.state == "held"
    }
    assert reasons == {uscc(1): "已享受同类项目，不重复发放", uscc(3): "资金 TRIAL-FUND 余额不足"}
    assert paid.file is not None and paid.file.total == Decimal("300.00")


def test_an_enterprise_that_must_confirm_is_not_paid_before(desk: Settings, people: People) -> None:
    from acting import act, approve, countersign, lines_of, list_of, list_of_pk, pay

    from citybrain.policy.grants import review

    grant_list = draft(desk, channel="confirm", notice_days=0)
    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    assert list_of(grant_list.item_id).state == "second_review", "nobody has confirmed"
    version = list_of_pk(grant_list).version
    assert "重新选择" in refused(
        people.officer, review.confirm, grant_list.pk, people.officer, version, ["91x"], "电话"
    )
    act(people.officer, review.confirm, grant_list.pk, people.officer, version, [uscc(2)], "电话录音")
    assert list_of(grant_list.item_id).state == "payable"
    paid = pay(desk, grant_list, people.treasury)
    assert paid.file is not None and paid.file.total == Decimal("200.00")
    assert lines_of(grant_list)[uscc(1)].state == "proposed"


def test_a_payment_file_that_does_not_add_up_is_refused(desk: Settings, people: People) -> None:
    from acting import approve, countersign

    grant_list = draft(desk, notice_days=0)
    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    with connect(desk, DatabaseRole.DESK) as connection:
        enter(connection, people.treasury.row_scope)
        connection.execute(
            "INSERT INTO ops.payment_file (list_id, organisation_id, number, sha256, object_key, rows, total,"
            " checked_run_id, created_by_id, created_at) VALUES (%s, %s, 1, %s, 'x', 2, 9999, 1, %s, now())",
            (grant_list.pk, grant_list.organisation_id, "e" * 64, people.treasury.pk),
        )
        with pytest.raises(psycopg.errors.CheckViolation, match="payment file"):
            connection.commit()
