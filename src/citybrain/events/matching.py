"""Which case a signal belongs to: one open case for a camera, a zone and a class, or for a place."""

import math
from datetime import timedelta
from decimal import Decimal

from django.db.models import QuerySet

from citybrain.events.models import ENDED, Case, Signal

NEAR_METRES = 50
NEAR_TIME = timedelta(hours=24)
_METRES_A_DEGREE = 111_320  # of latitude


def open_case_for(signal: Signal, class_code: str) -> Case | None:
    """The open case that the signal is another sighting of, its row held.

    A device's own case comes first; then a case of the same place that no device, or only the other side, is
    bound to; then, for people's reports, one within 50 m and 24 hours.
    """
    cases = Case.objects.select_for_update(of=("self",)).filter(
        scenario=signal.scenario, class_code=class_code
    )
    still_open = cases.exclude(state__in=ENDED)
    if signal.source_id:
        own = still_open.filter(source_id=signal.source_id, zone=signal.zone).first()
        if own is not None:
            return own
        still_open = still_open.filter(source_id="")
    if signal.place_id:
        return still_open.filter(place_id=signal.place_id).order_by("id").first()
    return _nearest(still_open, signal) if not signal.source_id else None


def ended_case_for(signal: Signal, class_code: str) -> Case | None:
    """A device's case that ended after the signal was observed: the signal came late and belongs to it."""
    if not signal.source_id:
        return None
    return (
        Case.objects.select_for_update(of=("self",))
        .filter(scenario=signal.scenario, class_code=class_code, state__in=ENDED)
        .filter(source_id=signal.source_id, zone=signal.zone)
        .filter(found_at__lte=signal.observed_at, closed_at__gte=signal.observed_at)
        .order_by("-closed_at")
        .first()
    )


def _nearest(cases: QuerySet[Case], signal: Signal) -> Case | None:
    if signal.lon is None or signal.lat is None:
        return None
    reach = Decimal(NEAR_METRES) / _METRES_A_DEGREE
    wide = reach * 3  # a degree of longitude is shorter; the exact distance decides below
    around = cases.filter(
        found_at__gte=signal.observed_at - NEAR_TIME,
        lat__range=(signal.lat - reach, signal.lat + reach),
        lon__range=(signal.lon - wide, signal.lon + wide),
    )
    found = [(_metres(signal, case), case.pk, case) for case in around]
    near = [one for one in found if one[0] <= NEAR_METRES]
    return min(near)[2] if near else None


def _metres(signal: Signal, case: Case) -> float:
    """The distance over a plane: exact to centimetres at this length."""
    if signal.lon is None or signal.lat is None or case.lon is None or case.lat is None:
        return math.inf
    shrink = math.cos(math.radians(float(signal.lat)))
    return _METRES_A_DEGREE * math.hypot(float(case.lat - signal.lat), float(case.lon - signal.lon) * shrink)
