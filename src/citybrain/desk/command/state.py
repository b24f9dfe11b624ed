"""What the command page shows, as one JSON object. Nothing in it says when it was asked, so an unchanged city
has an unchanged answer.
"""

from typing import Any

from django.db import connection
from django.db.models import Count, Q
from django.utils import timezone

from citybrain.catalogue import load_areas, load_scenarios
from citybrain.desk.accounts.models import User
from citybrain.desk.cases.devices import CONDITIONS, WELL
from citybrain.desk.cases.duties import OPEN, most_urgent_first, overdue, queued_cases, visible_to
from citybrain.desk.cases.map import drawn, points_of
from citybrain.desk.cases.time_left import time_left, urgency
from citybrain.desk.cases.waiting import why_waiting
from citybrain.desk.flood.cases import open_cases_at
from citybrain.desk.flood.forces import Force, forces, nearest, sent_by_code
from citybrain.desk.flood.points import FloodPoint, all_points, gravest_first
from citybrain.desk.marts import there_are
from citybrain.events.models import Case, DeviceHealth, SourceKind
from citybrain.events.resources import Sent, asked_for, sent_to

MOST_CASES = 2000  # on the map
MOST_POINTS = 40  # in the list; all of them are on the map
_KNOWN = {
    SourceKind.VIDEO: (
        "dim_camera",
        "SELECT count(*) FROM marts.dim_camera WHERE enabled AND (%s = '' OR county_code = %s)",
    ),
    SourceKind.IOT: (
        "dim_device",
        "SELECT count(*) FROM marts.dim_device WHERE is_in_service AND (%s = '' OR county_code = %s)",
    ),
}


def state_for(person: User) -> dict[str, Any]:
    """`domains`, `cases` (as the map of cases tells them), `flood` and `health`, within the person's view."""
    scope = person.row_scope
    county = scope.county_code if scope.width == "county" else ""
    at_work = visible_to(person).filter(state__in=OPEN)
    placed = queued_cases(at_work.filter(lon__isnull=False, lat__isnull=False))
    return {
        "domains": _domains(at_work),
        "cases": points_of(drawn(most_urgent_first(placed, person))[:MOST_CASES]),
        "flood": _flood(county),
        "health": _health(county),
    }


def _domains(at_work: Any) -> list[dict[str, Any]]:
    """Open cases by domain of the catalogue, with how many are late; every domain that handles events."""
    scenarios = load_scenarios()
    counted = (
        at_work.order_by()
        .values("scenario")
        .annotate(
            cases=Count("pk"), late=Count("pk", filter=overdue()), urgent=Count("pk", filter=Q(urgent=True))
        )
    )
    by_scenario = {row["scenario"]: row for row in counted}
    told: dict[str, dict[str, Any]] = {}
    for scenario in scenarios.event_handling:
        row = told.setdefault(
            scenario.domain,
            {"zh": scenarios.domains[scenario.domain].zh, "cases": 0, "late": 0, "urgent": 0, "of": []},
        )
        found = by_scenario.get(scenario.id)
        if found:
            for name in ("cases", "late", "urgent"):
                row[name] += found[name]
            row["of"].append([scenario.zh, found["cases"], scenario.id])
    return list(told.values())


def _flood(county: str) -> dict[str, Any]:
    points = gravest_first(all_points(county))
    cases = open_cases_at(points)
    known, sent = forces(county), sent_to()
    asked = asked_for(case.pk for case in cases.values())
    gone = sent_by_code(sent)
    first = sorted(points, key=lambda one: one.point_id not in cases)
    attended = [one for one in first if one.point_id in cases or one.level is not None][:MOST_POINTS]
    return {
        "points": [_told(one, cases.get(one.point_id), known, gone, sent, asked) for one in attended],
        "marks": [
            [one.lon, one.lat, one.name, one.urgency, one.depth_said] for one in points if one.lon is not None
        ],
        "forces": [
            [one.lon, one.lat, one.resource.name, one.resource.kind, one.resource.code in gone]
            for one in known
        ],
        "calm": len(points) - len(attended),
        "silent": sum(one.is_old for one in points),
        "newest": max(
            (
                timezone.localtime(one.observed_at).strftime("%Y-%m-%d %H:%M")
                for one in points
                if one.observed_at
            ),
            default="",
        ),
    }


def _told(
    point: FloodPoint,
    case: Case | None,
    known: list[Force],
    gone: dict[str, int],
    sent: list[Sent],
    asked: dict[int, list[str]],
) -> dict[str, Any]:
    """One place of the list, with what can be sent there where a case is open."""
    told: dict[str, Any] = {
        "id": point.point_id,
        "name": point.name,
        "county": _county(point.county_code),
        "depth": point.depth_said,
        "level": point.level,
        "urgency": point.urgency,
        "trend": point.trend,
        "trend_said": point.trend_said,
        "at": timezone.localtime(point.observed_at).strftime("%m-%d %H:%M") if point.observed_at else "",
        "old": point.is_old,
        "case": None,
        "near": [],
    }
    if case is None:
        return told
    now = timezone.now()
    due = getattr(case, "next_due", None)
    told["case"] = {
        "number": case.number,
        "state": case.get_state_display(),
        "waits": why_waiting(case),
        "left": time_left(due, now) if due else "",
        "urgency": urgency(due, now) if due else "none",
        "sent": [one.words for one in sent if one.case_number == case.number],
        "asked": asked.get(case.pk, []),
        "wardens": [f"{one.warden.code} {one.get_state_display()}" for one in case.wake_ups.all()],
    }
    if point.lon is not None and point.lat is not None:
        told["near"] = [
            {
                "code": one.force.resource.code,
                "name": one.force.resource.name,
                "kind": one.force.resource.kind,
                "what": one.force.what,
                "km": round(one.km, 1),
                "left": one.left,
                "unit": one.force.resource.unit,
                "on_call": one.force.on_call,
            }
            for one in nearest(point.lon, point.lat, known, gone)
        ]
    return told


def _county(code: str) -> str:
    return next((county.zh for county in load_areas().counties if county.code == code), code)


def _health(county: str) -> list[dict[str, Any]]:
    """Cameras and devices: how many the register knows in service, and what is wrong with how many."""
    ill = DeviceHealth.objects.exclude(condition__in=WELL).order_by().values("source_kind", "condition")
    wrong: dict[str, list[list[Any]]] = {}
    for row in ill.annotate(count=Count("pk")).order_by("-count", "condition"):
        said = CONDITIONS.get(row["condition"], row["condition"])
        wrong.setdefault(row["source_kind"], []).append([said, row["count"]])
    kinds = [*_KNOWN, *[SourceKind(kind) for kind in sorted(wrong) if kind not in _KNOWN]]
    return [
        {
            "zh": "摄像头"
            if kind == SourceKind.VIDEO
            else "物联设备"
            if kind == SourceKind.IOT
            else kind.label,
            "known": _known(kind, county),
            "wrong": wrong.get(kind, []),
        }
        for kind in kinds
    ]


def _known(kind: SourceKind, county: str) -> int | None:
    """None where no register is in the warehouse."""
    mart, query = _KNOWN.get(kind, ("", ""))
    if not mart or not there_are(mart):
        return None
    with connection.cursor() as cursor:
        cursor.execute(query, [county, county])
        return int(cursor.fetchone()[0])
