"""Every change of a case's state goes through `apply`, whoever asks: a page, the platform, a command.

One transaction holds the case's row, checks who asks and what must hold, moves the case and writes its
history, clocks, notifications and one entry of the ledger; or nothing of it stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db import connection, transaction
from django.dispatch import Signal
from django.utils import timezone

from citybrain import ledger
from citybrain.events.clocks import keep_time
from citybrain.events.effects import EFFECTS
from citybrain.events.guards import FOR_THE_PERSON, GUARDS, Attempt, may, petition_refusal, refusal
from citybrain.events.models import ENDED, Case, Petition, State, Transition
from citybrain.events.outbox import tell
from citybrain.events.people import Actor, Organisation
from citybrain.events.rules import Step, load_rules
from citybrain.events.scope import as_system
from citybrain.events.waking import end

# Sent in the step's own transaction with `case`, `action`, `from_state` and `now`: whoever listens writes
# what stands or falls with the step, and never waits for anybody.
step_taken = Signal()


class CaseRefusedError(Exception):
    """The step is not taken, and nothing of it stands. The text is Chinese, for the person who asked."""


@dataclass(frozen=True)
class Offer:
    """A step that a person may take now, and what its form has to ask for."""

    action: str
    zh: str
    needs_reason: bool
    needs_handler: bool
    needs_photo: bool
    reasons: tuple[str, ...] = ()


def actions_for(case: Case, actor: Actor) -> list[Offer]:
    """The steps that the person may take on the case as it stands, in the rules' order."""
    now = timezone.now()
    offers = []
    for step in load_rules().leaving(case.state):
        attempt = Attempt(case, step, actor, now)
        own = [name for name in step.guards if name in FOR_THE_PERSON]
        if step.permission is None or step.own_form or not may(actor, step):
            continue
        if petition_refusal(case, step) or any(GUARDS[name](attempt) for name in own):
            continue
        offers.append(
            Offer(
                action=step.action,
                zh=step.zh,
                needs_reason="reason_given" in step.guards,
                needs_handler="another_handler" in step.guards
                or ("handler_given" in step.guards and case.handler is None),
                needs_photo="after_photo" in step.guards,
                reasons=tuple(step.reasons),
            )
        )
    return offers


@transaction.atomic
def apply(
    case: Case,
    action: str,
    actor: Actor | None = None,
    *,
    reason: str = "",
    organisation: Organisation | None = None,
    version: int | None = None,
    key: str = "",
    data: Mapping[str, Any] | None = None,
) -> Case:
    """Take a step on a case and return the case as it stands afterwards.

    `actor` is the person who asks, under whose view the case must be seen; None is the platform itself.
    `organisation` is the handler a step names. `version` is what the person's page showed. `key` makes a step
    that is sent twice count once. Raises CaseRefusedError.
    """
    held = Case.objects.select_for_update(of=("self",)).filter(pk=case.pk).first()
    if held is None:
        raise CaseRefusedError("没有这个案件，或您无权查看。")
    if key and held.transitions.filter(data__key=key, actor_id=actor.pk if actor else None).exists():
        return held
    if version is not None and version != held.version:
        raise CaseRefusedError("页面打开后案件已有变化，本次操作没有执行。请核对刷新后的内容再办理。")
    words = {**(data or {}), **({"key": key} if key else {})}
    attempt = _attempt(held, action, actor, reason, organisation, words)
    with as_system(actor.pk if actor else None):
        take(attempt)
    if attempt.step.follow:
        with as_system():
            carry_on(held, attempt.step.follow)
    return held


def carry_on(
    held: Case,
    action: str,
    *,
    organisation: Organisation | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """The platform's own step on a case whose row it holds, in its own scope; otherwise as `apply`.

    Raises CaseRefusedError, and then nothing of the step stands.
    """
    attempt = _attempt(held, action, None, "", organisation, data or {})
    take(attempt)
    if attempt.step.follow:
        carry_on(held, attempt.step.follow)


def _attempt(
    held: Case,
    action: str,
    actor: Actor | None,
    reason: str,
    organisation: Organisation | None,
    data: Mapping[str, Any],
) -> Attempt:
    """The step that is asked for, with nothing against it. Raises CaseRefusedError."""
    step = load_rules().step(action, held.state)
    if step is None:
        raise CaseRefusedError(f"案件现在是“{held.get_state_display()}”，不能这样办理。")
    if not may(actor, step):
        raise CaseRefusedError(f"您的岗位不办理“{step.zh}”。")
    attempt = Attempt(held, step, actor, timezone.now(), reason.strip(), organisation, data)
    if said := refusal(attempt):
        raise CaseRefusedError(said)
    return attempt


def take(attempt: Attempt) -> None:
    """Carry out a step that nothing stands against, on a case whose row is held."""
    case, step, now = attempt.case, attempt.step, attempt.now
    from_state = case.state if case.version else ""
    case.version += 1
    case.state = step.leads_to(from_state)
    move_petition(case, step, from_state)
    data = dict(attempt.data)
    if attempt.organisation is not None:
        case.handler_id = attempt.organisation.pk
        data["handler"] = attempt.organisation.code
    for effect in step.effects:
        data |= EFFECTS[effect](attempt)
    keep_time(case, step.clocks, now)
    if case.state != from_state:
        keep_dates(case, now)
    case.save()
    written = Transition.objects.create(
        case=case,
        version=case.version,
        from_state=from_state,
        to_state=case.state,
        action=step.action,
        actor_id=attempt.actor.pk if attempt.actor else None,
        organisation_id=attempt.actor.organisation_id if attempt.actor else None,
        reason=attempt.reason,
        rules_version=load_rules().version,
        at=now,
        data=data,
    )
    tell(case, step.action, step.notify, now, attempt.reason)
    if case.state in ENDED:
        end(case)
    step_taken.send(Case, case=case, action=step.action, from_state=from_state, now=now)
    _record(case, step, written, attempt.actor)


class Dated(Protocol):
    """A case, or one that is told of: what its state dates."""

    state: str
    filed_at: datetime | None
    handled_at: datetime | None
    closed_at: datetime | None
    rework_count: int
    petition: str


def move_petition(case: Case | Dated, step: Step, from_state: str) -> None:
    """What is asked and answered; a request for time lapses when the case moves on without it."""
    if step.asks or step.answers:
        case.petition = step.asks or ""
    elif case.state != from_state and case.petition in (Petition.EXTENSION, Petition.SUSPENSION):
        case.petition = ""


def keep_dates(case: Case | Dated, now: datetime) -> None:
    """The dates that a state carries."""
    match case.state:
        case State.FILED:
            case.filed_at = case.filed_at or now
        case State.HANDLED:
            case.handled_at = now
        case State.REWORK:
            case.rework_count += 1
            case.closed_at = None
        case State.CLOSED | State.VOIDED:
            case.closed_at = now


def _record(case: Case, step: Step, written: Transition, actor: Actor | None) -> None:
    """The step's one entry on the ledger; its last statement, since it holds the chain."""
    connection.ensure_connection()
    payload = {
        "case": case.number,
        "version": case.version,
        "action": step.action,
        "from": written.from_state,
        "to": written.to_state,
        "actor": actor.get_username() if actor else None,
        "organisation_id": written.organisation_id,
        "handler_id": case.handler_id,
        "reason": written.reason,
        "rules_version": written.rules_version,
        "at": written.at.isoformat(),
        "data": written.data,
        "evidence": list(case.evidence.order_by("id").values_list("sha256", flat=True)),
    }
    ledger.append(connection.connection, "case_transition", f"case:{case.number}", payload)
