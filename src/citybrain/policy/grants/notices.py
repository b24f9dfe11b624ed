"""The public notice: opened by an officer, closed by the clock; objections freeze a line, not the list."""

from datetime import datetime, timedelta
from hashlib import sha256

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.utils import timezone

from citybrain.policy.grants.acts import (
    GrantRefusedError,
    append_to_ledger,
    decide,
    hold,
    move,
    record,
    require_duty,
    require_reason,
    require_state,
    scope,
)
from citybrain.policy.grants.models import (
    Decision,
    GrantLine,
    GrantList,
    GrantNotice,
    GrantObjection,
    LineState,
    ListState,
    Step,
)
from citybrain.policy.grants.review import advance, hold_line
from citybrain.policy.grants.working_days import notice_period

MOST_AN_HOUR = 5  # objections one sender may file
MOST_OPEN_A_LINE = 20


@transaction.atomic
def open_notice(list_id: int, person: AbstractUser, version: int) -> GrantNotice:
    """Publish a countersigned list for the working days of its item."""
    grant_list = hold(list_id, version)
    require_state(grant_list, ListState.SECOND_REVIEW)
    require_duty(grant_list, person, Step.NOTICE, "approve_list")
    opened_at = timezone.now()
    period = notice_period(opened_at, grant_list.notice_days)
    notice = GrantNotice.objects.create(
        list=grant_list,
        organisation_id=grant_list.organisation_id,
        slug=grant_list.code.replace("/", "-").lower(),
        working_days=grant_list.notice_days,
        opened_at=opened_at,
        closes_at=period.closes_at,
        provisional=period.provisional,
    )
    made = decide(grant_list, Step.NOTICE, Decision.OPEN, person)
    move(grant_list, ListState.NOTICE_OPEN)
    record("grant_notice", grant_list, made, slug=notice.slug, closes_at=notice.closes_at.isoformat())
    return notice


def close_due_notices() -> list[str]:
    """Close every notice whose time has run; the codes of their lists. Safe to run again and side by side."""
    with scope():
        due = list(
            GrantNotice.objects.filter(
                closed_at__isnull=True, closes_at__lte=timezone.now(), list__state=ListState.NOTICE_OPEN
            ).values_list("list_id", flat=True)
        )
    return [code for list_id in due if (code := _close(list_id))]


def _close(list_id: int) -> str | None:
    with scope():
        grant_list = hold(list_id)
        if grant_list.state != ListState.NOTICE_OPEN:
            return None  # another process was first
        GrantNotice.objects.filter(list=grant_list).update(closed_at=timezone.now())
        made = decide(grant_list, Step.NOTICE, Decision.CLOSE, None)
        move(grant_list, ListState.NOTICE_CLOSED)
        advance(grant_list)
        record("grant_notice", grant_list, made)
        return grant_list.code


def object_to(line_id: int, text: str, contact: str, sender: str) -> GrantObjection:
    """Somebody objects to a line under notice: it is frozen until a person settles the objection.

    `sender` is a keyed digest of where the request came from. Raises GrantRefusedError.
    """
    text, contact = text.strip(), contact.strip()
    if not 10 <= len(text) <= 1000:
        raise GrantRefusedError("请写明异议的事实和理由（10 至 1000 字）。")
    if not 5 <= len(contact) <= 100:
        raise GrantRefusedError("请留下联系方式，核处时需要向您核实。")
    with scope():
        grant_list, line = hold_line(line_id)
        notice = GrantNotice.objects.filter(list=grant_list).first()
        if notice is None or grant_list.state != ListState.NOTICE_OPEN or notice.closes_at <= timezone.now():
            raise GrantRefusedError("公示期已满或尚未开始，不能在这里提交异议。")
        if line.state not in (LineState.PROPOSED, LineState.OBJECTED):
            raise GrantRefusedError("公示名单里没有这户企业。")
        _require_patience(line, sender)
        objection = GrantObjection.objects.create(
            line=line, organisation_id=grant_list.organisation_id, text=text, contact=contact, sender=sender
        )
        if line.state == LineState.PROPOSED:
            GrantLine.objects.filter(pk=line.pk).update(state=LineState.OBJECTED)
        _record_objection(grant_list, objection)
    return objection


def _require_patience(line: GrantLine, sender: str) -> None:
    hour_ago: datetime = timezone.now() - timedelta(hours=1)
    if GrantObjection.objects.filter(sender=sender, filed_at__gt=hour_ago).count() >= MOST_AN_HOUR:
        raise GrantRefusedError("提交太频繁，请一小时后再试，或到窗口当面提出。")
    if line.objections.filter(state=GrantObjection.State.OPEN).count() >= MOST_OPEN_A_LINE:
        raise GrantRefusedError("这户企业已有多件异议正在核处，请稍后再试，或到窗口当面提出。")


def _record_objection(grant_list: GrantList, objection: GrantObjection) -> None:
    """The ledger keeps a hash of the text: whoever objects may be named in it."""
    append_to_ledger(
        "grant_objection",
        grant_list,
        {
            "objection_id": objection.pk,
            "uscc": objection.line.uscc,
            "text_sha256": sha256(objection.text.encode()).hexdigest(),
        },
    )


@transaction.atomic
def settle(objection_id: int, person: AbstractUser, upheld: bool, answer: str) -> GrantObjection:
    """Answer an objection: upheld excludes the line; dismissed frees it once no other objection is open."""
    line_id = GrantObjection.objects.filter(pk=objection_id).values_list("line_id", flat=True).first()
    grant_list, line = hold_line(line_id or 0)
    objection = GrantObjection.objects.select_for_update(of=("self",)).get(pk=objection_id)
    if objection.state != GrantObjection.State.OPEN:
        raise GrantRefusedError("这件异议已经核处。")
    require_duty(grant_list, person, Step.OBJECTION, "settle_objection")
    answer = require_reason(answer)
    state = GrantObjection.State.UPHELD if upheld else GrantObjection.State.DISMISSED
    GrantObjection.objects.filter(pk=objection_id).update(
        state=state, answer=answer, settled_by_id=person.pk, settled_at=timezone.now()
    )
    decision = Decision.UPHOLD if upheld else Decision.DISMISS
    made = decide(grant_list, Step.OBJECTION, decision, person, answer, line)
    if line.state == LineState.OBJECTED:
        if upheld:
            GrantLine.objects.filter(pk=line.pk).update(
                state=LineState.EXCLUDED, reason=f"公示异议成立：{answer}"[:500]
            )
        elif not line.objections.filter(state=GrantObjection.State.OPEN).exists():
            GrantLine.objects.filter(pk=line.pk).update(state=LineState.PROPOSED)
    advance(grant_list)
    record("grant_decision", grant_list, made, objection_id=objection_id)
    objection.refresh_from_db()
    return objection
