"""What every step on a list shares: its row held, who asks checked, the decision written and recorded."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.contrib.auth.models import AbstractUser
from django.db import connection, transaction

from citybrain import ledger
from citybrain.policy.grants.models import Decision, GrantDecision, GrantLine, GrantList, ListState, Step
from citybrain.warehouse.row_scope import SYSTEM, RowScope, enter

_EXCLUSIVE = (Step.FIRST_REVIEW, Step.COUNTERSIGN, Step.OBJECTION, Step.PAYMENT)
_CHECKING = {Step.COUNTERSIGN, Step.OBJECTION}

_LINES_SHA256 = """
SELECT encode(sha256(convert_to(coalesce(
    string_agg(uscc || '|' || amount || '|' || state, E'\\n' ORDER BY uscc), ''), 'UTF8')), 'hex')
FROM ops.grant_line WHERE list_id = %s
"""


class GrantRefusedError(Exception):
    """The step is not taken, and nothing of it stands. The text is Chinese, for the person who asked."""


def hold(list_id: int, version: int | None = None) -> GrantList:
    """The list with its row held until the transaction ends. `version` is what the person's page showed.

    Raises GrantRefusedError when the list is not to be seen or has changed since.
    """
    grant_list = GrantList.objects.select_for_update(of=("self",)).filter(pk=list_id).first()
    if grant_list is None:
        raise GrantRefusedError("没有这份名单，或您无权查看。")
    if version is not None and version != grant_list.version:
        raise GrantRefusedError("页面打开后名单已有变化，本次操作没有执行。请核对刷新后的内容再办理。")
    return grant_list


def require_state(grant_list: GrantList, *states: ListState) -> None:
    """Raises GrantRefusedError unless the list stands in one of `states`."""
    if grant_list.state not in states:
        raise GrantRefusedError(f"名单现在是“{grant_list.get_state_display()}”，不能这样办理。")


def require_reason(reason: str) -> str:
    """The reason without blanks around it. Raises GrantRefusedError for none or one too long."""
    reason = reason.strip()
    if not reason or len(reason) > 500:
        raise GrantRefusedError("请写明理由（500 字以内）。")
    return reason


def require_duty(grant_list: GrantList, person: AbstractUser, step: Step, permission: str) -> None:
    """Raises GrantRefusedError unless the person's role allows the step and they hold no other duty here.

    The database refuses a second duty too (`guard_grant_decision`); this says it in Chinese first.
    """
    if not person.has_perm(f"grants.{permission}"):
        raise GrantRefusedError(f"您的岗位不办理“{step.label}”。")
    held = set(
        grant_list.decisions.filter(person_id=person.pk, step__in=_EXCLUSIVE).values_list("step", flat=True)
    )
    if step in _EXCLUSIVE and (others := held - {step}) and not ({step, *others} <= _CHECKING):
        names = "、".join(Step(other).label for other in sorted(others))
        raise GrantRefusedError(f"您已办理过本名单的{names}，{step.label}须由另一个人办理。")


def decide(
    grant_list: GrantList,
    step: Step,
    decision: Decision,
    person: AbstractUser | None,
    reason: str = "",
    line: GrantLine | None = None,
) -> GrantDecision:
    """Write down the act; `person` is None for matching and the clock."""
    return GrantDecision.objects.create(
        list=grant_list,
        line=line,
        organisation_id=grant_list.organisation_id,
        round=grant_list.round,
        step=step,
        decision=decision,
        person_id=person.pk if person else None,
        roles="" if person is None else ",".join(sorted(person.groups.values_list("name", flat=True))),
        reason=reason,
        line_count=1 if line else grant_list.line_count,
        total=line.amount if line else grant_list.total,
    )


def move(grant_list: GrantList, state: ListState, **reviewers: object) -> None:
    """Set the state (the database checks that it may follow) and read back version and totals."""
    GrantList.objects.filter(pk=grant_list.pk).update(state=state, **reviewers)
    grant_list.refresh_from_db()


def record(kind: str, grant_list: GrantList, made: GrantDecision, **more: object) -> int:
    """The step's one entry on the ledger, with the hash of the lines as they stand: its last statement."""
    grant_list.refresh_from_db()
    with connection.cursor() as cursor:
        cursor.execute(_LINES_SHA256, [grant_list.pk])
        (lines_sha256,) = cursor.fetchone()
    payload: dict[str, object] = {
        "decision_id": made.pk,
        "step": made.step,
        "decision": made.decision,
        "person": made.person.get_username() if made.person else None,
        "roles": made.roles,
        "reason": made.reason,
        "state": grant_list.state,
        "lines": grant_list.line_count,
        "total": str(grant_list.total),
        "lines_sha256": lines_sha256,
        **more,
    }
    if made.line is not None:
        payload |= {"uscc": made.line.uscc, "amount": str(made.line.amount)}
    return append_to_ledger(kind, grant_list, payload)


def append_to_ledger(kind: str, grant_list: GrantList, payload: Mapping[str, object]) -> int:
    """Append under the name of the list, in the running transaction; the entry's number."""
    connection.ensure_connection()
    subject = f"grant_list:{grant_list.pk}"
    return ledger.append(connection.connection, kind, subject, {"list": grant_list.code, **payload})


@contextmanager
def scope(row_scope: RowScope = SYSTEM) -> Iterator[None]:
    """A transaction, or a part of one, under `row_scope`; what held before holds again after it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(current_setting('citybrain.scope', true), ''),"
            " coalesce(current_setting('citybrain.user', true), ''),"
            " coalesce(current_setting('citybrain.organisation', true), ''),"
            " coalesce(current_setting('citybrain.county', true), '')"
        )
        before = cursor.fetchone()
        enter(cursor, row_scope)
        yield
        cursor.execute(
            "SELECT set_config('citybrain.scope', %s, true), set_config('citybrain.user', %s, true),"
            " set_config('citybrain.organisation', %s, true), set_config('citybrain.county', %s, true)",
            before,
        )
