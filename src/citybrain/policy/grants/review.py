"""Reviewing a list: approve, countersign, return, withdraw; exclude and restore single lines."""

from django.contrib.auth.models import AbstractUser
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from citybrain.policy.grants.acts import (
    GrantRefusedError,
    decide,
    hold,
    move,
    record,
    require_duty,
    require_reason,
    require_state,
)
from citybrain.policy.grants.differences import differences
from citybrain.policy.grants.models import (
    Decision,
    GrantDecision,
    GrantLine,
    GrantList,
    LineState,
    ListState,
    Step,
)


@transaction.atomic
def approve(list_id: int, person: AbstractUser, version: int, reason: str = "") -> GrantDecision:
    """First review passed: the list waits for the countersignature.

    Refused while the newest run finds something else than the list holds, and after its clause was withdrawn.
    """
    grant_list = hold(list_id, version)
    require_state(grant_list, ListState.DRAFT, ListState.RETURNED)
    require_duty(grant_list, person, Step.FIRST_REVIEW, "approve_list")
    if grant_list.line_count == 0:
        raise GrantRefusedError("名单里没有拟发放的企业，请作废本名单。")
    if changed := differences(grant_list):
        raise GrantRefusedError(
            f"最新一次匹配与本名单有 {len(changed)} 户不同（见“与最新匹配的差异”）。"
            "请剔除这些企业，或作废本名单后按最新匹配重新生成。"
        )
    if _clause_withdrawn(grant_list):
        raise GrantRefusedError("本名单所依据的条款已撤回或改版，请作废本名单后按最新匹配重新生成。")
    made = decide(grant_list, Step.FIRST_REVIEW, Decision.APPROVE, person, reason.strip()[:500])
    move(grant_list, ListState.FIRST_REVIEW, approved_by_id=person.pk)
    record("grant_decision", grant_list, made)
    return made


@transaction.atomic
def countersign(list_id: int, person: AbstractUser, version: int, reason: str = "") -> GrantDecision:
    """The second pair of eyes, or one of several where the item asks for more than two reviewers."""
    grant_list = hold(list_id, version)
    require_state(grant_list, ListState.FIRST_REVIEW)
    require_duty(grant_list, person, Step.COUNTERSIGN, "countersign_list")
    signed = set(_countersignatures(grant_list).values_list("person_id", flat=True))
    if person.pk in signed:
        raise GrantRefusedError("您已复核过本名单，还需另一位复核人。")
    made = decide(grant_list, Step.COUNTERSIGN, Decision.APPROVE, person, reason.strip()[:500])
    if len(signed) + 1 >= grant_list.reviewers_needed - 1:
        move(grant_list, ListState.SECOND_REVIEW, countersigned_by_id=person.pk)
        if grant_list.notice_days == 0:
            advance(grant_list)
    else:
        move(grant_list, ListState.FIRST_REVIEW)  # a new version: pages opened before are stale
    record("grant_decision", grant_list, made)
    return made


def countersignatures_missing(grant_list: GrantList) -> int:
    """How many more people have to countersign before the list may be published."""
    return max(0, grant_list.reviewers_needed - 1 - _countersignatures(grant_list).count())


@transaction.atomic
def return_list(list_id: int, person: AbstractUser, version: int, reason: str) -> GrantDecision:
    """The countersigner sends the list back; the officer sees why, and the next round begins."""
    grant_list = hold(list_id, version)
    require_state(grant_list, ListState.FIRST_REVIEW)
    require_duty(grant_list, person, Step.COUNTERSIGN, "countersign_list")
    made = decide(grant_list, Step.COUNTERSIGN, Decision.RETURN, person, require_reason(reason))
    move(grant_list, ListState.RETURNED, round=grant_list.round + 1, approved_by=None, countersigned_by=None)
    record("grant_decision", grant_list, made)
    return made


@transaction.atomic
def withdraw(list_id: int, person: AbstractUser, version: int, reason: str) -> GrantDecision:
    """The officer gives the list up: its lines are free for the list that the newest run gives.

    Excluded lines stay excluded: that was a person's decision.
    """
    grant_list = hold(list_id, version)
    require_state(grant_list, ListState.DRAFT, ListState.RETURNED)
    require_duty(grant_list, person, Step.FIRST_REVIEW, "approve_list")
    made = decide(grant_list, Step.FIRST_REVIEW, Decision.WITHDRAW, person, require_reason(reason))
    move(grant_list, ListState.WITHDRAWN)
    grant_list.lines.filter(state=LineState.PROPOSED).update(state=LineState.RELEASED)
    record("grant_decision", grant_list, made)
    return made


@transaction.atomic
def exclude(line_id: int, person: AbstractUser, version: int, reason: str) -> GrantDecision:
    """Take one enterprise off the list, before it is approved or when its line was held before payment."""
    grant_list, line = hold_line(line_id, version)
    require_duty(grant_list, person, Step.FIRST_REVIEW, "approve_list")
    if line.state == LineState.HELD:
        require_state(grant_list, ListState.PAYABLE, ListState.PAID_FILE_MADE)
    else:
        require_state(grant_list, ListState.DRAFT, ListState.RETURNED)
        _require_line(line, LineState.PROPOSED)
    reason = require_reason(reason)
    made = decide(grant_list, Step.FIRST_REVIEW, Decision.EXCLUDE, person, reason, line)
    GrantLine.objects.filter(pk=line.pk).update(state=LineState.EXCLUDED, reason=reason)
    record("grant_decision", grant_list, made)
    return made


@transaction.atomic
def restore(line_id: int, person: AbstractUser, version: int, reason: str) -> GrantDecision:
    """Take an exclusion back. In a withdrawn list the enterprise becomes free for the next one."""
    grant_list, line = hold_line(line_id, version)
    require_state(grant_list, ListState.DRAFT, ListState.RETURNED, ListState.WITHDRAWN)
    require_duty(grant_list, person, Step.FIRST_REVIEW, "approve_list")
    _require_line(line, LineState.EXCLUDED)
    made = decide(grant_list, Step.FIRST_REVIEW, Decision.RESTORE, person, require_reason(reason), line)
    freed = grant_list.state == ListState.WITHDRAWN
    state = LineState.RELEASED if freed else LineState.PROPOSED
    GrantLine.objects.filter(pk=line.pk).update(state=state, reason="")
    record("grant_decision", grant_list, made)
    return made


@transaction.atomic
def confirm(list_id: int, person: AbstractUser, version: int, uscc: list[str], how: str) -> GrantDecision:
    """Write down that enterprises accept the grant, and how they said so; for items that ask them."""
    grant_list = hold(list_id, version)
    require_state(
        grant_list,
        *(ListState.SECOND_REVIEW, ListState.NOTICE_OPEN, ListState.NOTICE_CLOSED),
        *(ListState.PAYABLE, ListState.PAID_FILE_MADE),
    )
    require_duty(grant_list, person, Step.CONFIRMATION, "approve_list")
    how = require_reason(how)[:200]
    lines = grant_list.lines.filter(state=LineState.PROPOSED, confirmed_at__isnull=True, uscc__in=uscc)
    if not grant_list.confirm_by_enterprise or lines.count() != len(set(uscc)) or not uscc:
        raise GrantRefusedError("所选企业中有不需要确认、已经确认或暂停的，请重新选择。")
    lines.update(confirmed_at=timezone.now(), confirmed_how=how)
    made = decide(grant_list, Step.CONFIRMATION, Decision.CONFIRM, person, how)
    advance(grant_list)
    record("grant_decision", grant_list, made, confirmed=sorted(uscc))
    return made


def advance(grant_list: GrantList) -> None:
    """Let a list whose notice has ended be paid as soon as one of its lines can be."""
    grant_list.refresh_from_db()
    ready = grant_list.state == ListState.NOTICE_CLOSED or (
        grant_list.state == ListState.SECOND_REVIEW and grant_list.notice_days == 0
    )
    if ready and to_be_paid(grant_list).exists():
        move(grant_list, ListState.PAYABLE)


def to_be_paid(grant_list: GrantList) -> QuerySet[GrantLine]:
    """The lines that nothing but the recheck stands before."""
    lines = grant_list.lines.filter(state__in=[LineState.PROPOSED, LineState.HELD])
    return lines.filter(confirmed_at__isnull=False) if grant_list.confirm_by_enterprise else lines


def hold_line(line_id: int, version: int | None = None) -> tuple[GrantList, GrantLine]:
    """The line and its list, both rows held."""
    list_id = GrantLine.objects.filter(pk=line_id).values_list("list_id", flat=True).first()
    if list_id is None:
        raise GrantRefusedError("名单里没有这户企业，或您无权查看。")
    grant_list = hold(list_id, version)
    return grant_list, GrantLine.objects.select_for_update(of=("self",)).get(pk=line_id)


def _require_line(line: GrantLine, state: LineState) -> None:
    if line.state != state:
        raise GrantRefusedError(f"这户企业现在是“{line.get_state_display()}”，不能这样办理。")


def _countersignatures(grant_list: GrantList) -> QuerySet[GrantDecision]:
    return grant_list.decisions.filter(
        round=grant_list.round, step=Step.COUNTERSIGN, decision=Decision.APPROVE
    )


def _clause_withdrawn(grant_list: GrantList) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT withdrawn_at IS NOT NULL FROM policy.item_version WHERE item_version_id = %s",
            [grant_list.item_version_id],
        )
        return bool(cursor.fetchone()[0])
