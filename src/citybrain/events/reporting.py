"""What a person reports: it becomes a signal like a detector's, and waits for an acceptor as a case."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, BinaryIO

from django.db import transaction
from django.utils import timezone

from citybrain.events.acting import CaseRefusedError
from citybrain.events.case_classes import Filing
from citybrain.events.editions import filing_of
from citybrain.events.models import Origin, Signal, SourceKind
from citybrain.events.people import Actor
from citybrain.events.photos import MOST_AT_ONCE, PhotoRefusedError, judge, keep
from citybrain.settings import get_settings

LONGEST_TEXT = 1000  # characters


@transaction.atomic
def report(
    actor: Actor,
    scenario: str,
    text: str,
    *,
    key: str,
    class_code: str = "",
    photos: Sequence[BinaryIO] = (),
    lon: Decimal | None = None,
    lat: Decimal | None = None,
    place_id: str = "",
    place_name: str = "",
    area_code: str = "",
    detail: dict[str, Any] | None = None,
) -> Signal:
    """Write down what somebody saw; sent twice under one `key` it counts once.

    `class_code` is needed for a scenario of several classes. Without a place and a position the report lies
    where the reporter's organisation does, until the acceptor has asked. Raises CaseRefusedError,
    PhotoRefusedError.
    """
    if not actor.has_perm("events.report_case"):
        raise CaseRefusedError("您的岗位不能上报事件。")
    filing = filing_of(scenario, class_code)
    if filing is None:
        raise CaseRefusedError("请选择要上报的类别。")
    text = text.strip()
    if not text or len(text) > LONGEST_TEXT:
        raise CaseRefusedError(f"请说明看到了什么（{LONGEST_TEXT} 字以内）。")
    if len(photos) > MOST_AT_ONCE:
        raise PhotoRefusedError(f"一次最多 {MOST_AT_ONCE} 张照片。")
    organisation = getattr(actor, "organisation", None)
    located = place_name or place_id or (lon is not None and lat is not None)
    return written_once(
        actor,
        f"report:{actor.pk}:{key}",
        filing,
        SourceKind.COLLECTOR,
        photos,
        place_id=place_id,
        place_name=(place_name if located else f"{organisation or actor}（上报人未定位）")[:200],
        area_code=area_code or getattr(organisation, "area_code", ""),
        lon=lon,
        lat=lat,
        detail={**(detail or {}), "text": text},
    )


def written_once(
    reporter: Actor,
    key: str,
    filing: Filing,
    source_kind: SourceKind,
    photos: Sequence[BinaryIO],
    **seen: Any,
) -> Signal:
    """The signal of a report, written unless one stands under `key`. `seen`: what else the signal says.

    Raises PhotoRefusedError.
    """
    known = Signal.objects.filter(key=key).first()
    if known is not None:
        return known
    return Signal.objects.create(
        key=key,
        scenario=filing.rule.scenario,
        class_code=filing.rule.class_code,
        kind=Signal.Kind.DETECTED,
        source_kind=source_kind,
        observed_at=timezone.now(),
        evidence=[_picture(photo) for photo in photos],
        origin=Origin.SYNTHETIC if get_settings().demo else Origin.REAL,
        reporter_id=reporter.pk,
        **seen,
    )


def _picture(sent: BinaryIO) -> dict[str, object]:
    photo = judge(sent)
    bucket, object_key = keep(photo)
    return {
        "bucket": bucket,
        "key": object_key,
        "sha256": photo.sha256,
        "kind": "before",
        "width": photo.width,
        "height": photo.height,
    }
