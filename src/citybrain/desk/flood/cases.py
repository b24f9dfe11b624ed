"""The open cases at places that flood: by the gauge that told of them."""

from collections.abc import Sequence

from django.db.models import QuerySet

from citybrain.desk.cases.duties import OPEN, queued_cases
from citybrain.desk.flood.points import FloodPoint
from citybrain.events.models import Case

SCENARIO = "flood_waterlogging"


def open_cases_at(points: Sequence[FloodPoint], cases: QuerySet[Case] | None = None) -> dict[str, Case]:
    """By place, the newest open case of `queued_cases` that its gauge told of; within the view that holds."""
    by_device = {point.device_id: point.point_id for point in points}
    at_work = queued_cases(cases).filter(scenario=SCENARIO, state__in=OPEN, source_id__in=list(by_device))
    found = at_work.order_by("pk").prefetch_related("wake_ups__warden")
    return {by_device[case.source_id]: case for case in found}
