"""What connected systems asked for lately."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from citybrain.desk.systems.models import System


@dataclass(frozen=True)
class Counts:
    """Calls of one system: today, in the last thirty days, and how many of these days' were refused."""

    code: str
    name: str
    is_active: bool
    calls_a_day: int
    today: int
    thirty_days: int
    refused: int


def counts() -> list[Counts]:
    today = timezone.localdate()
    lately = Q(uses__day__gt=today - timedelta(days=30))
    found = System.objects.annotate(
        today=Coalesce(Sum("uses__calls", filter=Q(uses__day=today)), 0),
        thirty_days=Coalesce(Sum("uses__calls", filter=lately), 0),
        refused=Coalesce(Sum("uses__refused", filter=lately), 0),
    )
    return [
        Counts(one.code, one.name, one.is_active, one.calls_a_day, one.today, one.thirty_days, one.refused)
        for one in found.order_by("code")
    ]
