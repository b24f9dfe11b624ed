"""What webhooks are told of: a step of a case writes a message for each that may see the case, in its own
transaction; `delivering` sends them from the outbox.
"""

import json
import uuid
from datetime import datetime
from typing import Any, Literal, cast

from django.utils import timezone

from citybrain.desk.systems.models import Webhook
from citybrain.events.models import ENDED, Case, Notification
from citybrain.events.scope import seen_as
from citybrain.events.sending import HOOK

Event = Literal[
    "case.detected",
    "case.confirmed",
    "case.filed",
    "case.dispatched",
    "case.accepted",
    "case.handling",
    "case.handled",
    "case.checking",
    "case.rework",
    "case.suspended",
    "case.closed",
    "case.voided",
    "case.reopened",
    "case.remarked",
    "case.updated",
]
TEST = "webhook.test"


def announce(*, case: Case, action: str, from_state: str, now: datetime, **_more: Any) -> None:
    """Put the step into the outbox of every webhook that asked for it and whose system sees the case.

    Called in the platform's own view, with the step's transaction open.
    """
    event = event_of(action, from_state, case.state)
    hooks = Webhook.objects.filter(is_active=True, system__is_active=True, events__contains=[event])
    told = [
        hook
        for hook in hooks.select_related("system__account__organisation").order_by("pk")
        if _sees(hook, case)
    ]
    if not told:
        return
    data = {
        "case": case.number,
        "version": case.version,
        "state": case.state,
        "from_state": from_state,
        "action": action,
        "scenario": case.scenario,
        "class_code": case.class_code,
        "path": f"/api/v1/cases/{case.number}",
    }
    Notification.objects.bulk_create(
        [_message(hook, event, f"{case.number}:{case.version}", data, now, case) for hook in told],
        ignore_conflicts=True,
    )


def event_of(action: str, from_state: str, state: str) -> Event:
    """What a step is called: by the state it leads to, unless it leads nowhere or back."""
    if action == "remark":
        return "case.remarked"
    if from_state == state:
        return "case.updated"
    if from_state in ENDED:
        return "case.reopened"
    return f"case.{state}"  # type: ignore[return-value]  # the names of the states are all there


def enqueue_test(hook: Webhook) -> Notification:
    """A message about no case, for whoever sets a receiver up."""
    now = timezone.now()
    message = _message(hook, TEST, f"test:{uuid.uuid4().hex}", {}, now, None)
    message.save()
    return message


def _sees(hook: Webhook, case: Case) -> bool:
    account = hook.system.account
    if not (account.is_active and account.has_perm("events.view_case")):
        return False
    with seen_as(account.row_scope):
        return Case.objects.filter(pk=case.pk).exists()


def _message(
    hook: Webhook, event: str, about: str, data: dict[str, Any], now: datetime, case: Case | None
) -> Notification:
    body = {"type": event, "timestamp": now.isoformat(), "data": data}
    return Notification(
        key=f"{about}:{HOOK}{hook.pk}",
        case=case,
        reason=event,
        organisation_id=cast("int", hook.system.account.organisation_id),  # a system is somebody's
        channel=f"{HOOK}{hook.pk}",
        subject=f"{event} {case.number if case else ''}".strip(),
        body=json.dumps(body, ensure_ascii=False),
        next_at=now,
        created_at=now,
    )
