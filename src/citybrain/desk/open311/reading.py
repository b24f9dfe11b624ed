"""Cases as service requests: those of published services, and to a system those it reported itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from citybrain.desk.open311.refusals import RefusedError
from citybrain.desk.open311.services import Service, load_services, service_named, service_of
from citybrain.desk.systems.models import System
from citybrain.events.models import ENDED, Case, Signal, State, Transition
from citybrain.events.rules import load_rules

LONGEST_SPAN = timedelta(days=90)
MOST = 1000  # requests of one answer, as the standard has it
PAGE = 100


@dataclass(frozen=True)
class Wanted:
    """What an application asks for; `numbers` overrides the rest, as the standard has it."""

    numbers: Sequence[str] = ()
    services: Sequence[Service] = ()
    since: datetime | None = None
    until: datetime | None = None
    states: Sequence[str] = ()
    page: int = 1
    page_size: int = MOST


def wanted(given: dict[str, str]) -> Wanted:
    """The query of an address. Raises RefusedError 400 for one that makes no sense, 404 for a service."""
    numbers = _listed(given, "service_request_id")
    services = []
    for code in _listed(given, "service_code"):
        service = service_named(code)
        if service is None:
            raise RefusedError(404, f"service_code {code} was not found")
        services.append(service)
    states = _listed(given, "status")
    if unknown := [state for state in states if state not in ("open", "closed")]:
        raise RefusedError(400, f"status {unknown[0]} is neither open nor closed")
    since, until = _span(_moment(given, "start_date"), _moment(given, "end_date"))
    sized = "page_size" in given or "page" in given
    return Wanted(
        numbers,
        services,
        since,
        until,
        states,
        page=_number(given, "page", 1, 1_000_000),
        page_size=_number(given, "page_size", PAGE if sized else MOST, MOST),
    )


def requests(asked: Wanted, system: System | None) -> list[Case]:
    """The newest first. Asked in the platform's own view (`as_system`): what is published is decided here."""
    found = _published(system)
    if asked.numbers:
        found = found.filter(number__in=asked.numbers)
    else:
        found = found.filter(found_at__gte=asked.since, found_at__lte=asked.until)
        if asked.services:
            found = found.filter(_of(asked.services))
        if "open" in asked.states and "closed" not in asked.states:
            found = found.exclude(state__in=ENDED)
        if "closed" in asked.states and "open" not in asked.states:
            found = found.filter(state__in=ENDED)
    start = (asked.page - 1) * asked.page_size
    return list(found.order_by("-found_at", "-id")[start : start + asked.page_size])


def as_request(
    case: Case, own: Signal | None, notes: Sequence[tuple[datetime, str]] | None
) -> dict[str, object]:
    """The fields of the standard. `own` is the asking system's report of it: only its own words are shown.

    `notes` is the extension: when each step was taken.
    """
    service = service_of(case.scenario, case.class_code)
    told: dict[str, object] = {
        "service_request_id": case.number,
        "status": "closed" if case.state in ENDED else "open",
        "status_notes": case.get_state_display(),
        "service_name": service.name if service else case.title,
        "service_code": service.code if service else "",
        "description": str(own.detail.get("text", "")) if own else case.title,
        "agency_responsible": case.handler.name if case.handler else case.lead.name,
        "service_notice": "",
        "requested_datetime": _stamp(case.found_at),
        "updated_datetime": _stamp(getattr(case, "updated_at", None) or case.found_at),
        "expected_datetime": _stamp(case.deadline_at) if case.deadline_at else "",
        "address": case.place_name,
        "address_id": case.place_id,
        "zipcode": "",
        "lat": None if case.lat is None else float(case.lat),
        "long": None if case.lon is None else float(case.lon),
        "media_url": "",
    }
    if notes is not None:
        told["notes"] = [{"datetime": _stamp(at), "description": text} for at, text in notes]
    return told


def own_reports(cases: Sequence[Case], system: System | None) -> dict[int, Signal]:
    """By case, what the system itself reported of it."""
    if system is None:
        return {}
    reports = Signal.objects.filter(case__in=cases, reporter_id=system.account_id).order_by("-id")
    return {report.case_id: report for report in reports if report.case_id is not None}


def notes_of(cases: Sequence[Case]) -> dict[int, list[tuple[datetime, str]]]:
    """By case, when each step was taken and what it is called. Reasons are for the desk alone."""
    names = {step.action: step.zh for step in load_rules().transitions}
    notes: dict[int, list[tuple[datetime, str]]] = {case.pk: [] for case in cases}
    steps = Transition.objects.filter(case__in=cases).order_by("case_id", "version")
    for case_id, at, action in steps.values_list("case_id", "at", "action"):
        notes[case_id].append((at, names.get(action, action)))
    return notes


def _published(system: System | None) -> "QuerySet[Case]":
    """Confirmed cases of published services; a system sees what it reported at once."""
    everybodys = _of(load_services().services) & ~Q(state=State.DETECTED)
    seen = everybodys
    if system is not None:
        mine = Signal.objects.filter(reporter_id=system.account_id, case__isnull=False).values("case_id")
        seen = everybodys | Q(pk__in=mine)
    newest = Transition.objects.filter(case=OuterRef("pk")).order_by("-version").values("at")[:1]
    return Case.objects.filter(seen).select_related("lead", "handler").annotate(updated_at=Subquery(newest))


def _of(services: Sequence[Service]) -> Q:
    found = Q(pk__in=[])
    for service in services:
        found |= Q(scenario=service.scenario, class_code=service.class_code)
    return found


def _listed(given: dict[str, str], name: str) -> list[str]:
    return [part.strip() for part in given.get(name, "").split(",") if part.strip()]


def _number(given: dict[str, str], name: str, otherwise: int, most: int) -> int:
    text = given.get(name, "")
    if not text:
        return otherwise
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= most:
        raise RefusedError(400, f"{name} is no number from 1 to {most}")
    return int(text)


def _moment(given: dict[str, str], name: str) -> datetime | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    try:
        moment = parse_datetime(text.replace(" ", "+"))  # an unescaped + of a zone arrives as a space
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RefusedError(400, f"{name} is no date like 2026-01-31T08:00:00+08:00")
    return moment


def _span(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """Ninety days at most, the newest ninety when nothing is said."""
    until = until or (since + LONGEST_SPAN if since else timezone.now())
    since = since or until - LONGEST_SPAN
    if since > until or until - since > LONGEST_SPAN:
        raise RefusedError(400, f"start_date to end_date must be 0 to {LONGEST_SPAN.days} days")
    return since, until


def _stamp(moment: datetime) -> str:
    return timezone.localtime(moment).isoformat(timespec="seconds")
