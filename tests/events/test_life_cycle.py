"""What a case may go through beside its straight way: more time, appeals, force, visits, taken up again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fire_lane import Spot
from test_machine import new_photo

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.row_scope import SYSTEM


class Walk:
    """One case and whoever acts on it, by user name."""

    def __init__(self, spot: Spot, people: Callable[[str], Any], asked_by: Callable[[Any], Any]) -> None:
        self.spot, self.people, self.asked_by = spot, people, asked_by

    @property
    def case(self) -> Any:
        return self.spot.case()

    def take(self, who: str, action: str, reason: str = "有理由", **more: Any) -> Any:
        from citybrain.events.acting import apply

        person = self.people(who) if who else None
        with self.asked_by(person or SYSTEM):
            return apply(self.case, action, person, reason=reason, **more)

    def refused(self, who: str, action: str, words: str) -> None:
        from citybrain.events.acting import CaseRefusedError

        version = self.case.version
        with pytest.raises(CaseRefusedError, match=words):
            self.take(who, action)
        assert self.case.version == version

    def handled(self) -> None:
        new_photo(self.case, self.people("property"))
        self.take("property", "handle")

    def closed(self) -> None:
        self.handled()
        self.take("", "ask_person", data={"verdict": "unreadable"})
        self.take("dispatcher", "approve")

    def offered(self, who: str) -> set[str]:
        from citybrain.events.acting import actions_for

        with self.asked_by(self.people(who)):
            return {offer.action for offer in actions_for(self.case, self.people(who))}

    def passed(self, **columns: Any) -> None:
        """Time passes for the case: columns of its row are set back."""
        from citybrain.events.models import Case
        from citybrain.events.scope import as_system

        with as_system():
            Case.objects.filter(pk=self.case.pk).update(**columns)


@pytest.fixture
def walk(spot: Spot, people: Callable[[str], Any], asked_by: Callable[[Any], Any]) -> Walk:
    """A fire lane's case that the property company has accepted."""
    from citybrain.events.intake import take_in

    spot.send()
    take_in()
    walk = Walk(spot, people, asked_by)
    walk.take("property", "accept")
    return walk


def test_more_time_is_asked_for_and_granted_by_somebody_else_once(walk: Walk) -> None:
    from citybrain.events.scope import as_system

    due = walk.case.deadline_at
    walk.take("property", "ask_extension", "清障车在路上")
    assert walk.case.petition == "extension" and walk.case.state == "accepted"
    walk.refused("property", "ask_suspension", "已有待批")
    walk.refused("property", "grant_extension", "不办理")
    assert "grant_extension" in walk.offered("commander")
    assert "ask_extension" not in walk.offered("property")
    walk.take("commander", "grant_extension")
    case = walk.case
    with as_system():
        clock = case.clocks.get(stage="handle", state="running")
    assert clock.budget == 0.75 and case.petition == "" and case.extended_count == 1
    assert abs(case.deadline_at - due - timedelta(minutes=15)) < timedelta(seconds=2)
    walk.refused("property", "ask_extension", "最多延期 1 次")


def test_a_refused_request_changes_no_limit_and_a_request_lapses_when_the_case_moves_on(walk: Walk) -> None:
    due = walk.case.deadline_at
    walk.take("property", "ask_extension")
    walk.take("commander", "refuse_extension", "时间足够")
    assert (walk.case.deadline_at, walk.case.petition) == (due, "")
    walk.take("property", "ask_suspension")
    walk.handled()
    assert walk.case.petition == ""
    walk.refused("commander", "grant_suspension", "不能这样办理")


def test_a_suspension_that_is_granted_stops_the_limit(walk: Walk) -> None:
    walk.take("property", "ask_suspension", "产权纠纷")
    walk.take("commander", "grant_suspension")
    assert (walk.case.state, walk.case.deadline_at) == ("suspended", None)


def test_a_returned_case_keeps_its_time_for_the_same_handler_and_not_for_another(walk: Walk) -> None:
    from citybrain.events.scope import as_system

    company, grid = walk.people("property").organisation, walk.people("grid").organisation

    def left() -> timedelta:
        with as_system():
            clock = walk.case.clocks.get(stage="handle", state="running")
            return clock.due_at - clock.started_at

    def used_ten_minutes() -> None:
        with as_system():
            walk.case.clocks.filter(stage="handle", state="running").update(consumed_seconds=600)

    used_ten_minutes()
    walk.take("property", "return", "不属于本单位职责")
    assert walk.case.deadline_at is None
    walk.take("dispatcher", "dispatch", organisation=company)
    assert timedelta(minutes=19) < left() <= timedelta(minutes=20)
    used_ten_minutes()
    walk.take("property", "return", "不属于本单位职责")
    walk.take("dispatcher", "dispatch", organisation=grid)
    assert left() == timedelta(minutes=30)


def test_lateness_is_appealed_once_judged_by_two_and_stays_a_fact(walk: Walk) -> None:
    from citybrain.events.scope import as_system

    walk.refused("property", "appeal", "不能这样办理")
    walk.take("property", "start")
    walk.refused("property", "appeal", "没有超时")
    with as_system():  # the limit ran out a minute ago
        ran_out = datetime.now(SHANGHAI) - timedelta(minutes=1)
        walk.case.clocks.filter(stage="handle").update(
            started_at=ran_out - timedelta(minutes=30), due_at=ran_out
        )
    walk.closed()
    walk.take("property", "appeal", "清障车被洪水所阻")
    assert walk.case.state == "closed" and walk.case.petition == "appeal"
    walk.refused("dispatcher", "grant_appeal", "没有这项")
    walk.take("dispatcher", "support_appeal", "属实")
    walk.refused("dispatcher", "grant_appeal", "不同的人")
    walk.take("commander", "grant_appeal", "同意")
    case = walk.case
    assert case.exempt and case.petition == "" and case.state == "closed"
    with as_system():
        assert case.clocks.get(stage="handle").overdue, "the fact stays"
    walk.refused("property", "appeal", "只能申诉一次")


def test_an_appeal_that_the_first_reviewer_dismisses_is_over(walk: Walk) -> None:
    from citybrain.events.scope import as_system

    walk.take("property", "start")
    with as_system():
        walk.case.clocks.filter(stage="handle").update(overdue=True)
    walk.take("property", "appeal")
    walk.take("dispatcher", "dismiss_appeal", "派遣及时")
    assert not walk.case.exempt and walk.case.petition == ""


def test_only_the_command_centre_closes_by_force_and_it_shows(walk: Walk) -> None:
    walk.refused("dispatcher", "force_close", "不办理")
    walk.take("commander", "force_close", "列入专项整治")
    case = walk.case
    assert (case.state, case.forced, case.deadline_at) == ("closed", True, None)


def test_nothing_is_approved_without_a_photo_or_a_reading(walk: Walk) -> None:
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    with as_system():  # in check without a photo, as no step leads there
        Case.objects.filter(pk=walk.case.pk).update(state="checking")
    walk.refused("dispatcher", "approve", "没有处置后的照片")


def test_a_closed_case_is_taken_up_again_within_its_days(walk: Walk) -> None:
    walk.closed()
    walk.take("acceptor", "visit_unsatisfied", "又被占用")
    assert (walk.case.satisfaction, walk.case.state) == ("unsatisfied", "closed")
    walk.take("acceptor", "reopen", "又被占用")
    case = walk.case
    assert (case.state, case.reopened_count, case.rework_count, case.closed_at) == ("rework", 1, 1, None)
    assert case.deadline_at is not None
    walk.closed()
    walk.take("acceptor", "visit_satisfied")
    assert walk.case.satisfaction == "satisfied"
    walk.passed(closed_at=walk.case.closed_at - timedelta(days=8))
    walk.refused("acceptor", "reopen", "超过 7 天")
    assert "reopen" not in walk.offered("acceptor")


def test_a_closed_case_is_not_taken_up_beside_another_of_its_spot(walk: Walk) -> None:
    from citybrain.events.acting import CaseRefusedError, apply
    from citybrain.events.intake import take_in

    walk.closed()
    ended = walk.case
    walk.spot.send(at=datetime.now(SHANGHAI))
    take_in()
    assert walk.case.pk != ended.pk
    acceptor = walk.people("acceptor")
    with walk.asked_by(acceptor), pytest.raises(CaseRefusedError, match="在办的同类案件"):
        apply(ended, "reopen", acceptor, reason="又被占用")


def test_who_reported_may_say_that_it_is_not_solved(
    spot: Spot, people: Callable[[str], Any], asked_by: Callable[[Any], Any]
) -> None:
    from citybrain.events.acting import CaseRefusedError, apply
    from citybrain.events.intake import take_in
    from citybrain.events.models import Case
    from citybrain.events.reporting import report
    from citybrain.events.scope import as_system

    grid, company = people("grid"), people("property")
    with asked_by(grid):
        report(
            grid, "fire_lane_occupancy", "一辆车", key=spot.camera, place_id=spot.camera, place_name="东门"
        )
    take_in()
    with as_system():
        case = Case.objects.get(place_id=spot.camera)
    for who, action, more in (
        *(("acceptor", "confirm", {}), ("acceptor", "file", {})),
        *(("dispatcher", "dispatch", {"organisation": company.organisation}), ("property", "accept", {})),
    ):
        with asked_by(people(who)):
            case = apply(case, action, people(who), **more)
    new_photo(case, company)
    with asked_by(company):
        case = apply(case, "handle", company)
    with asked_by(people("dispatcher")):
        case = apply(case, "approve", people("dispatcher"), reason="已清空")
    with asked_by(company), pytest.raises(CaseRefusedError, match="不是您"):
        apply(case, "dispute", company, reason="没有解决")
    with asked_by(grid):
        case = apply(case, "dispute", grid, reason="车又回来了")
    assert (case.state, case.satisfaction, case.reopened_count) == ("rework", "unsatisfied", 1)
    with as_system():
        told = case.notifications.filter(organisation=grid.organisation, channel="log")
        assert set(told.values_list("reason", flat=True)) >= {"file", "approve"}


def test_classes_are_published_in_editions_that_nobody_edits(
    city: Settings,
    tmp_path: Path,
    spot: Spot,
    people: Callable[[str], Any],
    asked_by: Callable[[Any], Any],
) -> None:
    from citybrain.events.case_classes import CLASSES_FILE
    from citybrain.events.editions import current, editions, filing_of_case, publish
    from citybrain.events.intake import take_in
    from citybrain.events.scope import as_system

    first, fresh = publish()
    assert not fresh and first.version == current().version
    spot.send()
    take_in()
    before = spot.case()
    text = CLASSES_FILE.read_text(encoding="utf-8")
    changed = tmp_path / "case_classes.yml"
    changed.write_text(
        text.replace("    check: machine\n", "    check: machine\n    photos: {after: 2}\n", 1)
        .replace("    urgent: true\n", "    urgent: true\n    limit: {value: 1, unit: urgent_hour}\n", 1),
        encoding="utf-8",
    )  # fmt: skip
    try:
        second, fresh = publish(changed)
        assert fresh and int(second.version) == int(first.version) + 1
        assert not publish(changed)[1]
        other = Spot(city, spot.camera + "b", place_id=spot.place_id)
        other.send()
        take_in()
        after = other.case()
        assert (before.class_version, after.class_version) == (first.version, second.version)
        assert filing_of_case(before).rule.reopen_days == 7
        assert filing_of_case(after).rule.photos.after == 2
        with as_system():
            assert after.clocks.get(stage="handle").budget == 1
            assert before.clocks.get(stage="handle").budget == 0.5
        new_photo(after, people("property"))
        walk = Walk(other, people, asked_by)
        walk.take("property", "accept")
        walk.refused("property", "handle", "须有 2 张")
        with connect(city, DatabaseRole.DESK) as desk, pytest.raises(Exception, match=r"permission denied"):
            desk.execute("UPDATE ops.case_class_edition SET content = '{}'")
        with connect(city, DatabaseRole.OWNER) as owner, pytest.raises(Exception, match=r"append-only"):
            owner.execute("DELETE FROM ops.case_class_edition")
    finally:
        publish()
    assert [version for _, version, _ in editions()] == [str(number + 1) for number in range(len(editions()))]
