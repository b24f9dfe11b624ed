"""The outbox: what a step tells is written in its own transaction, and sent later by `sending`."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import cast

from django.apps import apps

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.events.models import Case, Notification
from citybrain.events.people import Organisation
from citybrain.events.rules import Message, RecipientName, load_rules
from citybrain.settings import get_settings

LOG = "log"


def channel_of(url: str) -> str:
    """The name of an address in the outbox; the address itself may hold a secret."""
    return "url:" + hashlib.sha256(url.encode()).hexdigest()[:12]


def addresses(organisation: Organisation) -> dict[str, str]:
    """Channel to Apprise address: those of the organisation and those that are told everything."""
    urls = [*organisation.notify_urls, *(url.get_secret_value() for url in get_settings().notify_urls)]
    return {channel_of(url): url for url in urls}


def tell(
    case: Case, occasion: str, messages: Iterable[Message], now: datetime, reason: str = "", limit: str = ""
) -> int:
    """Put messages into the outbox: one row for each recipient and channel. Returns how many.

    `occasion` is the step's action, or what else is told of; a message is written once for a case's version
    and an occasion. `limit` names the time limit it is about.
    """
    return sum(
        _enqueue(case, occasion, organisation, message, now, _words(case, reason, limit))
        for message in messages
        for organisation in recipients(case, message.to)
    )


def _enqueue(
    case: Case,
    occasion: str,
    organisation: Organisation,
    message: Message,
    now: datetime,
    words: Mapping[str, str],
) -> int:
    """One message to one organisation, unless its cooldown still runs. Returns the rows written."""
    if message.cooldown_minutes:
        since = now - timedelta(minutes=message.cooldown_minutes)
        told = case.notifications.filter(
            reason=occasion, organisation_id=organisation.pk, created_at__gt=since
        )
        if told.exists():
            return 0
    channels = [LOG, *addresses(organisation)]
    rows = Notification.objects.bulk_create(
        [
            Notification(
                key=f"{case.number}:{case.version}:{occasion}:{organisation.code}:{channel}",
                case=case,
                reason=occasion,
                organisation_id=organisation.pk,
                channel=channel,
                subject=message.subject.format_map(words)[:200],
                body=message.body.format_map(words),
                next_at=now,
                created_at=now,
            )
            for channel in channels
        ],
        ignore_conflicts=True,
    )
    return len(rows)


def recipients(case: Case, names: Iterable[RecipientName]) -> Iterator[Organisation]:
    """The organisations behind the names, each once; a name that nobody stands behind is left out."""
    found: dict[int, Organisation] = {}
    for name in names:
        organisation = _recipient(case, name)
        if organisation is not None and organisation.is_active:
            found[organisation.pk] = organisation
    yield from found.values()


def _recipient(case: Case, name: RecipientName) -> Organisation | None:
    match name:
        case "handler":
            return case.handler
        case "lead":
            return case.lead
        case "reporter":
            return case.reporter_organisation
        case "community":
            return organisation_of(kind="community", area_code=case.area_code) if case.area_code else None
        case "command_centre" | "dispatcher":
            return organisation_of(code=load_rules().recipients[name])


def organisation_of(**named: object) -> Organisation | None:
    """The first active organisation with these fields; its model is the desk's, so it is named."""
    model = apps.get_model("accounts.Organisation")
    found = model.objects.filter(is_active=True, **named).order_by("code").first()
    return cast("Organisation | None", found)


def _words(case: Case, reason: str, limit: str) -> dict[str, str]:
    local = case.deadline_at.astimezone(SHANGHAI) if case.deadline_at else None
    return {
        "number": case.number,
        "title": case.title,
        "place": case.place_name or "未定位",
        "handler": case.handler.name if case.handler else "待定",
        "lead": case.lead.name,
        "deadline": f"{local:%m月%d日 %H:%M}" if local else "规定时限",
        "reason": reason,
        "state": case.get_state_display(),
        "limit": limit,
    }
