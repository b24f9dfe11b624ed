"""The fire lanes of my compounds: free, or occupied since when, and when they were last cleared."""

from dataclasses import dataclass
from datetime import datetime
from math import inf

from django.db import connection
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from citybrain.desk.accounts.models import Organisation
from citybrain.desk.cases.duties import OPEN, queued_cases
from citybrain.desk.cases.person import person_of
from citybrain.desk.marts import there_are
from citybrain.desk.phone.tasks import may_handle
from citybrain.events.models import Case, Evidence, State
from citybrain.events.scope import as_system

SCENARIO = "fire_lane_occupancy"
NOT_YET = (State.DETECTED, State.CONFIRMED)  # nobody has said yet that it is one
_MINE = """
SELECT compound_id, compound_name, connected FROM marts.dim_compound
WHERE property_company_id = %(company)s OR area_code = %(area)s ORDER BY compound_name, compound_id
"""


@dataclass(frozen=True)
class Lane:
    """One compound. `case` is the open one, whose page and `picture` are for whoever may see it."""

    name: str
    connected: bool
    case: Case | None
    occupied_since: datetime | None
    picture: Evidence | None
    cleared_at: datetime | None


@require_GET
@may_handle
def index(request: HttpRequest) -> HttpResponse:
    """My company's compounds, or my community's; the occupied ones first, the longest on top."""
    organisation = person_of(request).organisation
    lanes = _lanes(organisation) if organisation is not None else []
    lanes.sort(key=lambda one: (one.occupied_since.timestamp() if one.occupied_since else inf, one.name))
    occupied = sum(one.occupied_since is not None for one in lanes)
    return render(request, "phone/lanes.html", {"lanes": lanes, "occupied": occupied})


def _lanes(organisation: Organisation) -> list[Lane]:
    if not there_are("dim_compound"):
        return []
    community = organisation.kind == Organisation.Kind.COMMUNITY
    with connection.cursor() as cursor:
        cursor.execute(
            _MINE, {"company": organisation.code, "area": organisation.area_code if community else None}
        )
        compounds = cursor.fetchall()
    ids = [compound_id for compound_id, _, _ in compounds]
    of_lanes = Case.objects.filter(scenario=SCENARIO, place_id__in=ids)
    seen = {case.place_id: case for case in queued_cases(of_lanes.filter(state__in=OPEN)).order_by("pk")}
    pictures = {
        one.case_id: one
        for one in Evidence.objects.filter(case__in=seen.values(), kind=Evidence.Kind.BEFORE).order_by("-pk")
    }
    # Whose compound it is may know that its lane is occupied before the case is theirs, and no more.
    with as_system():
        rows = of_lanes.filter(Q(state__in=OPEN) | Q(cleared_at__isnull=False)).exclude(state__in=NOT_YET)
        told = list(rows.order_by("pk").values_list("place_id", "state", "found_at", "cleared_at"))
    since = {place: found for place, state, found, _ in told if state in OPEN}
    cleared = {place: at for place, _, _, at in told if at is not None}
    return [
        Lane(
            name=name,
            connected=connected,
            case=seen.get(compound_id),
            occupied_since=since.get(compound_id),
            picture=pictures.get(seen[compound_id].pk) if compound_id in seen else None,
            cleared_at=cleared.get(compound_id),
        )
        for compound_id, name, connected in compounds
    ]
