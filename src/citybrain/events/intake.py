"""Taking in signals: each becomes a case, another sighting of one, the end of one, or a device's health.

One transaction a signal. Two workers never take the same one, and of two that open a case for the same spot
the database lets one through; the other attaches.
"""

import logging
from collections import Counter
from datetime import datetime
from typing import Literal

from django.db import DataError, IntegrityError, connection, transaction
from django.utils import timezone
from pydantic import TypeAdapter

from citybrain.catalogue.content_file import ContentModel
from citybrain.catalogue.working_day import SHANGHAI
from citybrain.events.acting import CaseRefusedError, apply, take
from citybrain.events.case_classes import Filing, filing_of
from citybrain.events.guards import Attempt
from citybrain.events.handlers import handler_for
from citybrain.events.matching import ended_case_for, open_case_for
from citybrain.events.models import Case, DeviceHealth, Evidence, Signal, State
from citybrain.events.outbox import organisation_of
from citybrain.events.people import Organisation
from citybrain.events.rules import load_rules
from citybrain.events.scope import as_system

log = logging.getLogger(__name__)

Outcome = Literal["opened", "attached", "cleared", "health", "dropped"]


class Picture(ContentModel):
    """One object of the lake that a signal carries."""

    bucket: str
    key: str
    sha256: str
    kind: Evidence.Kind = Evidence.Kind.BEFORE
    width: int | None = None
    height: int | None = None


_PICTURES = TypeAdapter(list[Picture])


class UnusableSignalError(ValueError):
    """No case can be made of the signal, now or later; the text says why, in English for the log."""


def take_in(most: int = 500) -> Counter[str]:
    """Take in what waits, at most so many, and count what came of it."""
    done: Counter[str] = Counter()
    for _ in range(most):
        outcome = _take_next()
        if outcome is None:
            break
        done[outcome] += 1
    return done


def _take_next() -> Outcome | None:
    """One signal; None when none waits. A signal of which nothing can be made is dropped with its reason."""
    with as_system():
        signal = (
            Signal.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(state=Signal.State.PENDING)
            .order_by("id")
            .first()
        )
        if signal is None:
            return None
        try:
            with transaction.atomic():
                return _settle(signal)
        except (UnusableSignalError, ValueError, DataError) as error:
            log.warning("signal %s dropped: %s", signal.key, error)
            return _drop(signal, str(error))


def _settle(signal: Signal) -> Outcome:
    if signal.kind == Signal.Kind.HEALTH:
        return _note_health(signal)
    filing = filing_of(signal.scenario, signal.class_code)
    if filing is None:
        raise UnusableSignalError(f"{signal.scenario} has no class {signal.class_code} in case_classes.yml")
    pictures = _PICTURES.validate_python(signal.evidence)
    class_code = filing.rule.class_code
    case = open_case_for(signal, class_code) or ended_case_for(signal, class_code)
    if case is None and signal.kind == Signal.Kind.CLEARED:
        return _drop(signal, "no open case there")
    if case is None:
        try:
            with transaction.atomic():
                case = _open(signal, filing)
        except IntegrityError:  # another worker was first
            case = open_case_for(signal, class_code)
            if case is None:
                raise
        else:
            _attach(signal, case, pictures)
            _carry_on(case, filing, signal)
            return "opened"
    _attach(signal, case, pictures)
    if signal.kind == Signal.Kind.CLEARED:
        _pass_check(case, signal)
        return "cleared"
    return "attached"


def _open(signal: Signal, filing: Filing) -> Case:
    lead = _lead(filing)
    case = Case(
        number=_next_number(),
        scenario=signal.scenario,
        class_code=filing.rule.class_code,
        class_scheme=filing.scheme,
        class_version=filing.version,
        class_big=filing.rule.big,
        class_small=filing.rule.small,
        title=f"{filing.title}：{signal.place_name}" if signal.place_name else filing.title,
        place_id=signal.place_id,
        place_name=signal.place_name,
        area_code=signal.area_code,
        lon=signal.lon,
        lat=signal.lat,
        source_kind=signal.source_kind,
        source_id=signal.source_id,
        zone=signal.zone,
        lead_id=lead.pk,
        reporter_id=signal.reporter_id,
        reporter_organisation_id=getattr(signal.reporter, "organisation_id", None),
        urgent=filing.rule.urgent,
        found_at=signal.observed_at,
        origin=signal.origin,
    )
    case.save()
    register = load_rules().step("register", "")
    if register is None:
        raise ValueError('transitions.yml has no step `register` from ""')
    take(Attempt(case, register, None, timezone.now(), data={"signal": signal.key}))
    return case


def _carry_on(case: Case, filing: Filing, signal: Signal) -> None:
    """A trusted source's case is confirmed, filed, and dispatched when its handler is known."""
    if signal.source_kind not in filing.rule.trusted:
        return
    try:
        case = apply(case, "confirm", data={"signal": signal.key, "score": str(signal.score)})
        case = apply(case, "file")
        handler = handler_for(case, filing.rule.handler)
        if handler is not None:
            apply(case, "dispatch", organisation=handler)
    except CaseRefusedError as refused:
        log.info("case %s waits for a person: %s", case.number, refused)


def _attach(signal: Signal, case: Case, pictures: list[Picture]) -> None:
    signal.case, signal.state = case, Signal.State.ATTACHED
    signal.save(update_fields=["case", "state"])
    Evidence.objects.bulk_create(
        [
            Evidence(
                case=case,
                signal=signal,
                kind=picture.kind,
                bucket=picture.bucket,
                object_key=picture.key,
                sha256=picture.sha256,
                width=picture.width,
                height=picture.height,
                taken_at=signal.observed_at,
                lon=signal.lon,
                lat=signal.lat,
                added_at=timezone.now(),
            )
            for picture in pictures
        ],
        ignore_conflicts=True,
    )
    if signal.kind == Signal.Kind.DETECTED:
        case.sightings += 1
        case.last_seen_at = max(case.last_seen_at or signal.observed_at, signal.observed_at)
    if signal.source_kind not in case.source_kinds:
        case.source_kinds = [*case.source_kinds, signal.source_kind]
    if signal.source_id and not case.source_id:  # a camera sees what a person had reported
        case.source_id, case.zone = signal.source_id, signal.zone
    case.cleared_at = _cleared_at(case)
    case.save(update_fields=["sightings", "last_seen_at", "source_kinds", "source_id", "zone", "cleared_at"])


def _cleared_at(case: Case) -> datetime | None:
    """When the last of everything seen had gone; None while something is still there.

    A detector tells kinds apart (a car, a lorry): each of them has to go.
    """
    newest: dict[str, Signal] = {}
    for signal in case.signals.order_by("observed_at", "id"):
        newest[signal.class_code] = signal
    if not newest or any(signal.kind != Signal.Kind.CLEARED for signal in newest.values()):
        return None
    return max(signal.observed_at for signal in newest.values())


def _pass_check(case: Case, signal: Signal) -> None:
    """A patrol that sees the place clear after it was handled is a check passed."""
    if case.state != State.CHECKING or case.cleared_at is None or case.handled_at is None:
        return
    if case.cleared_at > case.handled_at:
        apply(case, "pass_check", data={"seen_by": "patrol", "signal": signal.key})


def _note_health(signal: Signal) -> Outcome:
    known = DeviceHealth.objects.filter(source_kind=signal.source_kind, source_id=signal.source_id).first()
    device = known or DeviceHealth(source_kind=signal.source_kind, source_id=signal.source_id)
    if known is None or known.observed_at <= signal.observed_at:
        device.place_name, device.area_code = signal.place_name, signal.area_code
        device.condition, device.detail = signal.class_code, signal.detail
        device.observed_at = signal.observed_at
        device.save()
    _drop(signal, "health of a device, no case")
    return "health"


def _drop(signal: Signal, reason: str) -> Outcome:
    signal.state, signal.dropped_because = Signal.State.DROPPED, reason[:500]
    signal.save(update_fields=["state", "dropped_because"])
    return "dropped"


def _lead(filing: Filing) -> Organisation:
    code = filing.scenario.lead[0]
    lead = organisation_of(code=code)
    if lead is None:
        raise UnusableSignalError(f"no active organisation {code}, which leads {filing.scenario.id}")
    return lead


def _next_number() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('ops.case_number')")
        (drawn,) = cursor.fetchone()
    return f"BZ-{timezone.now().astimezone(SHANGHAI):%Y%m%d}-{drawn:06d}"
