"""What another system reports for somebody: a signal like a collector's, from a citizen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone

from citybrain.events.acting import CaseRefusedError
from citybrain.events.editions import filing_of
from citybrain.events.models import Origin, Signal, SourceKind
from citybrain.events.people import Actor
from citybrain.events.reporting import LONGEST_TEXT, picture_of
from citybrain.events.scope import as_system
from citybrain.settings import get_settings

MOST_PHOTOS = 6


@dataclass(frozen=True)
class OutsideReport:
    """One report. `lon` and `lat`: WGS84 degrees, both or none; `said`: what else the sender filled in."""

    scenario: str
    class_code: str
    text: str
    place_name: str = ""
    place_id: str = ""
    lon: Decimal | None = None
    lat: Decimal | None = None
    said: Mapping[str, object] | None = None


def report_from_outside(
    system: Actor, told: OutsideReport, key: str, photos: Sequence[BinaryIO] = ()
) -> Signal:
    """Write the report down under `key`, which is the whole idempotency key: sent twice it counts once.

    `system` is the account of the connected system. Raises CaseRefusedError, PhotoRefusedError.
    """
    if not system.has_perm("systems.report_from_outside"):
        raise CaseRefusedError("该系统不能上报事件。")
    filing = filing_of(told.scenario, told.class_code)
    if filing is None:
        raise CaseRefusedError("没有这一类别。")
    text = told.text.strip()
    if len(text) > LONGEST_TEXT:
        raise CaseRefusedError(f"说明不能超过 {LONGEST_TEXT} 字。")
    if len(photos) > MOST_PHOTOS:
        raise CaseRefusedError(f"照片不能超过 {MOST_PHOTOS} 张。")
    with as_system(system.pk), transaction.atomic():
        known = Signal.objects.filter(key=key).first()
        if known is not None:
            return known
        return Signal.objects.create(
            key=key,
            scenario=told.scenario,
            class_code=filing.rule.class_code,
            kind=Signal.Kind.DETECTED,
            source_kind=SourceKind.CITIZEN,
            place_id=told.place_id,
            place_name=told.place_name[:200],
            area_code=getattr(getattr(system, "organisation", None), "area_code", ""),
            lon=told.lon,
            lat=told.lat,
            observed_at=timezone.now(),
            evidence=[picture_of(photo) for photo in photos],
            detail={**(told.said or {}), "text": text},
            origin=Origin.SYNTHETIC if get_settings().demo else Origin.REAL,
            reporter_id=system.pk,
        )
