"""Which case a signal belongs to: one open case for a camera, a zone and a class, or for a place."""

import math
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from citybrain.events.case_classes import Filing
from citybrain.events.models import ENDED, Case, Signal

_METRES_A_DEGREE = 111_320  # of latitude


def hold_class(filing: Filing) -> None:
    """Until the transaction ends nobody else looks for a case of this class, nor opens one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('citybrain case class'), hashtext(%s))",
            [f"{filing.rule.scenario}/{filing.rule.class_code}"],
        )


def open_case_for(signal: Signal, filing: Filing) -> Case | None:
    """The open case that the signal is another sighting of, its row held.

    A device's own case comes first, or one that it joined before; then a case of the same place, then the
    nearest one within the class's reach and time. Two devices of one kind never share a case: each of them
    sees its own spot.
    """
    still_open = _cases(filing).exclude(state__in=ENDED)
    if signal.source_id:
        own = still_open.filter(source_id=signal.source_id, zone=signal.zone).first()
        if own is not None:
            return own
        joined = still_open.filter(pk__in=_joined_by_device(signal)).order_by("id").first()
        if joined is not None:
            return joined
        still_open = still_open.exclude(_of_another_device(signal))
    if signal.place_id:
        there = still_open.filter(place_id=signal.place_id).order_by("id").first()
        if there is not None:
            return there
        still_open = still_open.filter(place_id="")  # another place is another case, however near
    return _nearest(still_open, signal, filing)


def _joined_by_device(signal: Signal) -> list[int]:
    """Every case that signals of the device joined, open or not. Read first: to ask it of each open case of
    the class would cost more with every case that opens.
    """
    own = Signal.objects.filter(source_id=signal.source_id, zone=signal.zone, case__isnull=False)
    return list(own.order_by().values_list("case_id", flat=True).distinct())


def _of_another_device(signal: Signal) -> Exists:
    others = Signal.objects.filter(case=OuterRef("pk"), source_kind=signal.source_kind)
    return Exists(others.exclude(source_id="").exclude(source_id=signal.source_id, zone=signal.zone))


def ended_case_for(signal: Signal, filing: Filing) -> Case | None:
    """A device's case that ended after the signal was observed: the signal came late and belongs to it."""
    if not signal.source_id:
        return None
    return (
        _cases(filing)
        .filter(state__in=ENDED, source_id=signal.source_id, zone=signal.zone)
        .filter(found_at__lte=signal.observed_at, closed_at__gte=signal.observed_at)
        .order_by("-closed_at")
        .first()
    )


def early_words_of(case: Case, filing: Filing, why: str) -> list[Signal]:
    """Signals of the case's own device or place that were dropped for want of it (`why`), the first first."""
    if not (case.source_id or case.place_id):
        return []
    waiting = Signal.objects.select_for_update(of=("self",)).filter(
        scenario=case.scenario,
        state=Signal.State.DROPPED,
        kind=Signal.Kind.CLEARED,
        dropped_because=why,
        observed_at__range=(case.found_at, case.found_at + timedelta(hours=filing.rule.merge.hours)),
    )
    if case.class_code != "all":
        waiting = waiting.filter(class_code=case.class_code)
    if case.source_id:
        waiting = waiting.filter(source_id=case.source_id, zone=case.zone)
    else:
        waiting = waiting.filter(place_id=case.place_id)
    return list(waiting.order_by("observed_at", "id"))


def _cases(filing: Filing) -> QuerySet[Case]:
    return Case.objects.select_for_update(of=("self",)).filter(
        scenario=filing.rule.scenario, class_code=filing.rule.class_code
    )


def _nearest(cases: QuerySet[Case], signal: Signal, filing: Filing) -> Case | None:
    """The nearest case found within the class's reach, before or after, and the earlier of two as near."""
    merge = filing.rule.merge
    if signal.lon is None or signal.lat is None or not merge.metres:
        return None
    reach = Decimal(merge.metres) / _METRES_A_DEGREE
    wide = reach * 3  # a degree of longitude is shorter; the exact distance decides below
    around = cases.filter(
        found_at__range=_window(signal.observed_at, merge.hours),
        lat__range=(signal.lat - reach, signal.lat + reach),
        lon__range=(signal.lon - wide, signal.lon + wide),
    )
    found = [(_metres(signal, case), case.pk, case) for case in around]
    near = [one for one in found if one[0] <= merge.metres]
    return min(near)[2] if near else None


def _window(at: datetime, hours: int) -> tuple[datetime, datetime]:
    reach = timedelta(hours=hours)
    return at - reach, at + reach


def _metres(signal: Signal, case: Case) -> float:
    """The distance over a plane: exact to centimetres at this length."""
    if signal.lon is None or signal.lat is None or case.lon is None or case.lat is None:
        return math.inf
    shrink = math.cos(math.radians(float(signal.lat)))
    return _METRES_A_DEGREE * math.hypot(float(case.lat - signal.lat), float(case.lon - signal.lon) * shrink)
