"""Which tickets tell of one matter: the same thing at the same place within a few days, in whatever words.

Tickets are grouped village by village, in order of time. A ticket joins the group whose newest member is the
likeliest to mean the same; groups end when nobody calls for WITHIN. So a late ticket can only change groups
of its own village whose calls lie close to it (`closed_spans`).
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

WITHIN = timedelta(hours=72)
ENOUGH_ALIKE = 0.28
OTHER_CLASS = 0.5  # what is left of a likeness across classes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Call:
    """What is compared of a ticket. `village` is the code, None where undecided; `chances` as the model's."""

    ticket_no: str
    received_at: datetime
    village: str | None
    named_place: str
    class_id: str
    chances: Floats


def likeness(one: Call, other: Call) -> float:
    """0 to 1: how much two tickets of one village are about the same matter (Bhattacharyya's coefficient)."""
    if one.named_place and other.named_place and one.named_place != other.named_place:
        return 0.0
    alike = float(np.sqrt(one.chances * other.chances).sum())
    return alike if one.class_id == other.class_id else alike * OTHER_CLASS


def groups(calls: list[Call]) -> dict[str, str]:
    """Ticket number -> number of the first ticket of its group. Undecided tickets stand alone."""
    found = {call.ticket_no: call.ticket_no for call in calls}
    of_village: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        if call.village is not None:
            of_village[call.village].append(call)
    for within in of_village.values():
        within.sort(key=lambda call: (call.received_at, call.ticket_no))
        open_groups: list[list[Call]] = []
        for call in within:
            open_groups = [
                group for group in open_groups if call.received_at - group[-1].received_at <= WITHIN
            ]
            likely = [(_to_group(call, group), -place) for place, group in enumerate(open_groups)]
            best = max(likely, default=(0.0, 0))
            if best[0] >= ENOUGH_ALIKE:
                group = open_groups[-best[1]]
                group.append(call)
                found[call.ticket_no] = group[0].ticket_no
            else:
                open_groups.append([call])
    return found


def _to_group(call: Call, group: list[Call]) -> float:
    """The mean likeness to the group's members: one odd wording neither opens nor closes it."""
    alike = [likeness(call, member) for member in group]
    if min(alike) == 0.0:
        return 0.0
    return sum(alike) / len(alike)


def closed_spans(moments: list[datetime]) -> list[tuple[datetime, datetime]]:
    """The spans of a village's calls between which WITHIN passes without any: no group reaches beyond one."""
    spans: list[tuple[datetime, datetime]] = []
    for moment in sorted(moments):
        if spans and moment - spans[-1][1] <= WITHIN:
            spans[-1] = (spans[-1][0], moment)
        else:
            spans.append((moment, moment))
    return spans
