"""Taking in signals: each becomes a case, another sighting of one, the end of one, or a device's health.

What devices see again of their open cases is attached set by set (`repeating`). Every other signal has a
transaction of its own, those of scenarios with an urgent class before all that wait. Two workers never take
the same one, and only one at a time looks for a case of a class and opens one: so of many that see the same
place, one opens its case.
"""

import logging
from collections import Counter
from typing import Literal

from django.db import DataError, transaction
from django.utils import timezone

from citybrain.events.acting import CaseRefusedError, carry_on, take
from citybrain.events.attaching import attach, hashes_of, pictures_of, record, titled
from citybrain.events.case_classes import Filing
from citybrain.events.clearing import follow_readings
from citybrain.events.editions import filing_of, urgent_scenarios
from citybrain.events.guards import Attempt
from citybrain.events.handlers import handler_for
from citybrain.events.matching import early_words_of, ended_case_for, hold_class, open_case_for
from citybrain.events.merging import tell_joined, tell_repeats
from citybrain.events.models import Case, DeviceHealth, Signal, State
from citybrain.events.numbering import next_number
from citybrain.events.outbox import organisation_of
from citybrain.events.people import Organisation
from citybrain.events.repeating import attach_repeats
from citybrain.events.rules import load_rules
from citybrain.events.scope import as_system

log = logging.getLogger(__name__)

Outcome = Literal["opened", "attached", "cleared", "health", "dropped"]
NO_CASE = "no open case there"
_ONE_BY_ONE = 25  # signals between two looks for repeats


class UnusableSignalError(ValueError):
    """No case can be made of the signal, now or later; the text says why, in English for the log."""


def take_in(most: int = 500) -> Counter[str]:
    """Take in what waits, at most so many, and count what came of it."""
    done: Counter[str] = Counter()
    urgent = urgent_scenarios()
    while (left := most - done.total()) > 0:
        done["attached"] += attach_repeats(left)
        for _ in range(min(_ONE_BY_ONE, most - done.total())):
            outcome = _take_next(urgent)
            if outcome is None:
                return +done
            done[outcome] += 1
            if outcome == "attached":  # more of the kind may wait: they go faster by the set
                break
    return +done


def _take_next(urgent: list[str]) -> Outcome | None:
    """One signal, of the scenarios `urgent` where one of theirs waits; None when none waits at all. A signal
    of which nothing can be made is dropped with its reason.
    """
    with as_system():
        waiting = (
            Signal.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(state=Signal.State.PENDING)
            .order_by("id")
        )
        signal = waiting.filter(scenario__in=urgent).first() or waiting.first()
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
        raise UnusableSignalError(f"{signal.scenario} has no class {signal.class_code} in the case classes")
    pictures = pictures_of(signal)
    hold_class(filing)
    case = open_case_for(signal, filing) or ended_case_for(signal, filing)
    if case is not None:
        attach(signal, case, pictures)
        tell_joined(case, signal)
        record({case.number: [signal]})
    elif signal.kind == Signal.Kind.CLEARED:
        return _drop(signal, NO_CASE)
    else:
        case = _open(signal, filing)
        attach(signal, case, pictures)
        _add_early_words(case, filing)
        _carry_on(case, filing, signal)
        follow_readings(case)
        return "opened"
    if case.state == State.DETECTED:
        _carry_on(case, filing, signal)
    follow_readings(case)
    return "cleared" if signal.kind == Signal.Kind.CLEARED else "attached"


def _open(signal: Signal, filing: Filing) -> Case:
    lead = _lead(filing)
    case = Case(
        number=next_number(),
        scenario=signal.scenario,
        class_code=filing.rule.class_code,
        class_scheme=filing.scheme,
        class_version=filing.version,
        class_big=filing.rule.big,
        class_small=filing.rule.small,
        title=titled(filing, signal.place_name),
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
    found = {"signal": signal.key, "signal_sha256": hashes_of([signal])[signal.key]}
    take(Attempt(case, register, None, timezone.now(), data=found))
    tell_repeats(case)
    return case


def _add_early_words(case: Case, filing: Filing) -> None:
    """A clearing that came before what it clears waited as one without a case."""
    early = early_words_of(case, filing, NO_CASE)
    for signal in early:
        attach(signal, case, pictures_of(signal))
    if early:
        record({case.number: early})


def _carry_on(case: Case, filing: Filing, signal: Signal) -> None:
    """A trusted source's case is confirmed, filed, and dispatched when its handler is known."""
    if signal.source_kind not in filing.rule.trusted or signal.kind != Signal.Kind.DETECTED:
        return
    try:
        carry_on(case, "confirm", data={"signal": signal.key, "score": str(signal.score)})
        carry_on(case, "file")
        handler = handler_for(case, filing.rule)
        if handler is not None:
            carry_on(case, "dispatch", organisation=handler)
    except CaseRefusedError as refused:
        log.info("case %s waits for a person: %s", case.number, refused)


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
    code = filing.rule.lead
    lead = organisation_of(code=code)
    if lead is None:
        raise UnusableSignalError(f"no active organisation {code}, which leads {filing.scenario.id}")
    return lead
