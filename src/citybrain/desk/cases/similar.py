"""Cases that may be the same thing: of the same place, or of the same class near by and still open.

Two questions with an index each, whatever the city holds. Both go through the reader's own view: a case that
the reader may not see is neither shown nor counted.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import QuerySet

from citybrain.desk.accounts.models import User
from citybrain.desk.cases.duties import OPEN, visible_to
from citybrain.events.models import Case

METRES, DAYS = 500, 30
MOST = 6  # shown
_LOOKED_AT = 50  # of those in reach the newest, before the nearest are taken
_METRES_A_DEGREE = 111_320  # of latitude


@dataclass(frozen=True)
class Similar:
    """`why` is said to the reader: the same place, or how far away it is."""

    case: Case
    why: str


def similar_cases(case: Case, person: User) -> list[Similar]:
    """At most `MOST`: the newest of the same place and scenario, then open ones of the class by distance.

    Found within `DAYS` before or after the case; distances in metres between WGS84 positions.
    """
    reach = timedelta(days=DAYS)
    others = (
        visible_to(person)
        .exclude(pk=case.pk)
        .filter(scenario=case.scenario, found_at__range=(case.found_at - reach, case.found_at + reach))
    )
    here = list(others.filter(place_id=case.place_id).order_by("-found_at")[:MOST]) if case.place_id else []
    found = [Similar(one, "同一地点") for one in here]
    known = {one.pk for one in here}
    return [*found, *(one for one in _near(case, others) if one.case.pk not in known)][:MOST]


def _near(case: Case, others: QuerySet[Case]) -> list[Similar]:
    if case.lon is None or case.lat is None:
        return []
    shrink = math.cos(math.radians(float(case.lat)))
    high = Decimal(METRES) / _METRES_A_DEGREE
    wide = high / Decimal(max(shrink, 0.01))
    around = others.filter(
        class_code=case.class_code,
        state__in=OPEN,
        lat__range=(case.lat - high, case.lat + high),
        lon__range=(case.lon - wide, case.lon + wide),
    )
    found = []
    for one in around.order_by("-found_at")[:_LOOKED_AT]:
        if one.lon is None or one.lat is None:
            continue
        apart = math.hypot(float(one.lat - case.lat), float(one.lon - case.lon) * shrink)
        found.append((apart * _METRES_A_DEGREE, one.pk, one))
    near = sorted((metres, pk, one) for metres, pk, one in found if metres <= METRES)
    return [Similar(one, f"约 {round(metres)} 米外") for metres, _, one in near]
