"""What another system reports for somebody: a signal like a collector's, from a citizen unless it says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO

from django.db import transaction

from citybrain.events.acting import CaseRefusedError
from citybrain.events.editions import filing_of
from citybrain.events.models import Signal, SourceKind
from citybrain.events.people import Actor
from citybrain.events.reporting import LONGEST_TEXT, written_once
from citybrain.events.scope import as_system

MOST_PHOTOS = 6


@dataclass(frozen=True)
class OutsideReport:
    """One report. `lon` and `lat`: WGS84 degrees, both or none; `said`: what else the sender filled in;
    `source_kind`: who noticed.
    """

    scenario: str
    class_code: str
    text: str
    place_name: str = ""
    place_id: str = ""
    lon: Decimal | None = None
    lat: Decimal | None = None
    said: Mapping[str, object] | None = None
    source_kind: SourceKind = SourceKind.CITIZEN


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
        return written_once(
            system,
            key,
            filing,
            told.source_kind,
            photos,
            place_id=told.place_id,
            place_name=told.place_name[:200],
            area_code=getattr(getattr(system, "organisation", None), "area_code", ""),
            lon=told.lon,
            lat=told.lat,
            detail={**(told.said or {}), "text": text},
        )
