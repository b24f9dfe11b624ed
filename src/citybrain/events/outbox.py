"""The outbox: what a step tells is written in its own transaction, and sent later by `sending`."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, time, timedelta
from typing import NamedTuple, cast

from django.apps import apps
from django.db.models import Q

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.events.models import Case, Notification, NotifyTarget, Warden
from citybrain.events.people import Organisation
from citybrain.events.rules import Message, RecipientName, load_rules
from citybrain.settings import get_settings

LOG = "log"


class Address(NamedTuple):
    """An Apprise address, and the hours (Asia/Shanghai) in which it takes only what is urgent."""

    url: str
    quiet_from: time | None = None
    quiet_to: time | None = None


def channel_of(url: str) -> str:
    """The name of an address in the outbox; the address itself may hold a secret."""
    return "url:" + hashlib.sha256(url.encode()).hexdigest()[:12]


def addresses(organisation: Organisation) -> dict[str, Address]:
    """Channel to address: those of the organisation, of its people, and those that are told everything."""
    urls = [*organisation.notify_urls, *(url.get_secret_value() for url in get_settings().notify_urls)]
    own = Q(organisation_id=organisation.pk) | Q(person__organisation_id=organisation.pk)
    found = {channel_of(url): Address(url) for url in urls}
    return found | _targets(own)


def address_of(notification: Notification) -> str | None:
    """Where a message goes: an address of its organisation or of a warden; None where it is gone."""
    known = addresses(notification.organisation).get(notification.channel)
    if known is None:
        known = _targets(Q(warden__isnull=False, channel=notification.channel)).get(notification.channel)
    return known.url if known else None


def _targets(which: Q) -> dict[str, Address]:
    found = NotifyTarget.objects.filter(which, is_active=True).order_by("id")
    return {
        channel: Address(url, quiet_from, quiet_to)
        for channel, url, quiet_from, quiet_to in found.values_list(
            "channel", "url", "quiet_from", "quiet_to"
        )
    }


def quiet_until(address: Address, now: datetime) -> datetime:
    """When the address takes what is not urgent: now, or at the end of its quiet hours."""
    if address.quiet_from is None or address.quiet_to is None:
        return now
    local = now.astimezone(SHANGHAI)
    begins, ends, at = address.quiet_from, address.quiet_to, local.time()
    over_midnight = begins > ends
    quiet = (at >= begins or at < ends) if over_midnight else begins <= at < ends
    if not quiet:
        return now
    day = local.date() + timedelta(days=1 if over_midnight and at >= begins else 0)
    return datetime.combine(day, ends, SHANGHAI)


def tell(
    case: Case, occasion: str, messages: Iterable[Message], now: datetime, reason: str = "", limit: str = ""
) -> int:
    """Put messages into the outbox: one row for each recipient and channel. Returns how many.

    `occasion` is the step's action, or what else is told of; a message is written once for a case's version
    and an occasion. `limit` names the time limit, or whatever else it is about.
    """
    return sum(
        _enqueue(case, occasion, organisation, message, now, _words(case, reason, limit))
        for message in messages
        for organisation in recipients(case, message.to)
    )


def tell_one(
    case: Case, occasion: str, organisation: Organisation, message: Message, now: datetime, reason: str = ""
) -> int:
    """The same to one organisation, whoever the message names."""
    return _enqueue(case, occasion, organisation, message, now, _words(case, reason, ""))


def tell_warden(case: Case, warden: Warden, occasion: str, message: Message, now: datetime, link: str) -> int:
    """Ring a warden at every address of theirs, at any hour; the row is the lead's, and so is its log."""
    found = _targets(Q(warden_id=warden.pk))
    return _write(case, occasion, case.lead, {LOG: now, **dict.fromkeys(found, now)}, message, now,
                  _words(case, "", warden.code, link), warden.code)  # fmt: skip


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
    when = {LOG: now} | {
        channel: now if case.urgent else quiet_until(address, now)
        for channel, address in addresses(organisation).items()
    }
    return _write(case, occasion, organisation, when, message, now, words, organisation.code)


def _write(
    case: Case,
    occasion: str,
    organisation: Organisation,
    when: Mapping[str, datetime],
    message: Message,
    now: datetime,
    words: Mapping[str, str],
    to: str,
) -> int:
    """A row for each channel, to be sent from its time on."""
    rows = Notification.objects.bulk_create(
        [
            Notification(
                key=f"{case.number}:{case.version}:{occasion}:{to}:{channel}",
                case=case,
                reason=occasion,
                organisation_id=organisation.pk,
                channel=channel,
                subject=message.subject.format_map(words)[:200],
                body=message.body.format_map(words),
                urgent=case.urgent,
                next_at=at,
                created_at=now,
            )
            for channel, at in when.items()
        ],
        ignore_conflicts=True,
    )
    return len(rows)


def recipients(case: Case, names: Iterable[RecipientName]) -> Iterator[Organisation]:
    """The organisations behind the names, each once; a name that nobody stands behind is left out."""
    found: dict[int, Organisation] = {}
    for name in names:
        behind = reporters(case) if name == "reporter" else [_recipient(case, name)]
        for organisation in behind:
            if organisation is not None and organisation.is_active:
                found[organisation.pk] = organisation
    yield from found.values()


def reporters(case: Case) -> list[Organisation | None]:
    """Everybody whose report the case grew from: people's organisations, and those that report for others."""
    if not PEOPLE & set(case.source_kinds or [case.source_kind]):
        return []
    model = apps.get_model("accounts.Organisation")
    channels = load_rules().reporters
    codes = [channels[kind] for kind in case.source_kinds if kind in channels]
    reported = case.signals.filter(reporter__isnull=False).values("reporter__organisation_id")
    first = case.reporter_organisation_id or 0
    return list(model.objects.filter(Q(pk__in=reported) | Q(pk=first) | Q(code__in=codes)).order_by("code"))


PEOPLE = frozenset({"citizen", "hotline", "collector"})


def _recipient(case: Case, name: RecipientName) -> Organisation | None:
    match name:
        case "handler":
            return case.handler
        case "lead":
            return case.lead
        case "community":
            return organisation_of(kind="community", area_code=case.area_code) if case.area_code else None
        case "command_centre" | "dispatcher" | "acceptor":
            return organisation_of(code=load_rules().recipients[name])
        case "reporter":
            return case.reporter_organisation


def organisation_of(**named: object) -> Organisation | None:
    """The first active organisation with these fields; its model is the desk's, so it is named."""
    model = apps.get_model("accounts.Organisation")
    found = model.objects.filter(is_active=True, **named).order_by("code").first()
    return cast("Organisation | None", found)


def _words(case: Case, reason: str, limit: str, link: str = "") -> dict[str, str]:
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
        "link": link,
    }
