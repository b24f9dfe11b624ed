"""Sending the outbox: claimed with a lease, sent through Apprise, marked; at least once, in order for a case.

What is urgent goes first, and few messages are claimed at a time: one that turns up meanwhile waits for those
alone.

A worker that dies between claiming and marking loses nothing: its lease runs out and another one sends again.
The receiver gets the message's key each time and can tell a repetition.
"""

import logging
from collections import Counter
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote

from apprise import Apprise
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from citybrain.events.models import Notification
from citybrain.events.outbox import LOG, address_of
from citybrain.events.scope import as_system

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 20  # about eight hours with the waits below
_A_CLAIM = 10
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=30)
# Schemes of Apprise that send the header of a `+name=value` argument.
_WITH_HEADERS = ("json", "jsons", "xml", "xmls", "form", "forms")

Outcome = Literal["sent", "failed", "dead"]


def send_due(most: int = 100) -> Counter[str]:
    """Send what is due, at most so many messages. Safe for several workers at once."""
    done: Counter[str] = Counter()
    while (left := most - done.total()) > 0 and (claimed := claim(min(left, _A_CLAIM))):
        for notification in claimed:
            done[_send(notification)] += 1
    return done


def claim(most: int) -> list[Notification]:
    """Take messages that are due, for as long as the lease holds.

    A message waits for the earlier ones of its case to the same address.
    """
    with as_system():
        now = timezone.now()
        earlier = Notification.objects.filter(
            state=Notification.State.PENDING,
            id__lt=OuterRef("id"),
            case=OuterRef("case"),
            organisation=OuterRef("organisation"),
            channel=OuterRef("channel"),
        )
        free = Q(leased_until=None) | Q(leased_until__lt=now)
        due = (
            Notification.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(free, ~Exists(earlier), state=Notification.State.PENDING, next_at__lte=now)
            .order_by("-urgent", "id")
            .values_list("pk", flat=True)[:most]
        )
        taken = list(due)
        Notification.objects.filter(pk__in=taken).update(leased_until=now + LEASE, attempts=F("attempts") + 1)
        claimed = Notification.objects.filter(pk__in=taken).select_related("organisation")
        return list(claimed.order_by("-urgent", "id"))


def _send(notification: Notification) -> Outcome:
    error = _deliver(notification)
    now = timezone.now()
    outcome: Outcome = "sent" if not error else "failed"
    if error and (notification.attempts >= MOST_ATTEMPTS or notification.channel == LOG):
        outcome = "dead"
    changes: dict[str, object] = {"leased_until": None, "last_error": error[:300]}
    match outcome:
        case "sent":
            changes |= {"state": Notification.State.SENT, "sent_at": now}
        case "dead":
            log.error("notification %s given up: %s", notification.key, error)
            changes |= {"state": Notification.State.DEAD}
        case "failed":
            log.warning("notification %s waits: %s", notification.key, error)
            changes |= {"next_at": _next_try(now, notification.attempts)}
    with as_system():
        Notification.objects.filter(pk=notification.pk, state=Notification.State.PENDING).update(**changes)
    return outcome


def _deliver(notification: Notification) -> str:
    """Hand the message over; "" when it was taken, else why not."""
    if notification.channel == LOG:
        log.info(
            "notification %s to %s: %s", notification.key, notification.organisation, notification.subject
        )
        return ""
    with as_system():
        url = address_of(notification)
    if url is None:
        return "the address is no longer configured"
    sender = Apprise()
    if not sender.add(with_key(url, notification.key)):
        return "the address is none that Apprise knows"
    if sender.notify(title=notification.subject, body=notification.body):
        return ""
    return "the address did not take it"


def with_key(url: str, key: str) -> str:
    """The address with the message's key as a header, where its scheme sends headers."""
    if url.partition("://")[0].lower() not in _WITH_HEADERS:
        return url
    return f"{url}{'&' if '?' in url else '?'}+Idempotency-Key={quote(key, safe='')}"


def _next_try(now: datetime, attempts: int) -> datetime:
    doublings = min(attempts - 1, 20)
    return now + min(_FIRST_WAIT * (1 << doublings), _LONGEST_WAIT)
