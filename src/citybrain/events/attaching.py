"""What a signal adds to its case: a sighting, pictures, a reporter, the news that it is over.

A case ends up the same whatever order its signals came in: what describes it is that of the earliest one that
says so, and it is over when the newest word on each kind of thing seen is that it has gone.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection
from django.utils import timezone
from pydantic import TypeAdapter

from citybrain import ledger
from citybrain.catalogue.content_file import ContentModel
from citybrain.events.case_classes import Filing
from citybrain.events.editions import filing_of_case
from citybrain.events.models import Case, Evidence, Signal

_DESCRIBING = ("place_id", "place_name", "area_code", "lon", "lat")
_HASHES = "SELECT s.key, encode(ops.signal_sha256(s), 'hex') FROM ops.signal s WHERE s.id = ANY(%s)"


class Picture(ContentModel):
    """One object of the lake that a signal carries."""

    bucket: str
    key: str
    sha256: str
    kind: Evidence.Kind = Evidence.Kind.BEFORE
    width: int | None = None
    height: int | None = None


_PICTURES = TypeAdapter(list[Picture])


def pictures_of(signal: Signal) -> list[Picture]:
    """The pictures that the signal carries. Raises pydantic.ValidationError."""
    return _PICTURES.validate_python(signal.evidence)


def attach(signal: Signal, case: Case, pictures: Sequence[Picture]) -> None:
    """Make the signal part of the case, whose row is held; the case follows from its signals."""
    signal.case, signal.state, signal.dropped_because = case, Signal.State.ATTACHED, ""
    signal.save(update_fields=["case", "state", "dropped_because"])
    keep_pictures([(signal, case, pictures)])
    if signal.kind == Signal.Kind.DETECTED:
        case.sightings += 1
        case.last_seen_at = max(case.last_seen_at or signal.observed_at, signal.observed_at)
    if signal.source_id and not case.source_id:  # a camera sees what a person had reported
        case.source_id, case.zone = signal.source_id, signal.zone
    describe(case)
    case.save()


def keep_pictures(carried: Iterable[tuple[Signal, Case, Sequence[Picture]]]) -> None:
    """A row of evidence for each picture; one that the case has already is left as it is."""
    rows = [
        Evidence(
            case=case,
            signal=signal,
            kind=picture.kind,
            bucket=picture.bucket,
            object_key=picture.key,
            sha256=picture.sha256,
            width=picture.width,
            height=picture.height,
            taken_at=signal.observed_at,
            lon=signal.lon,
            lat=signal.lat,
            added_at=timezone.now(),
        )
        for signal, case, pictures in carried
        for picture in pictures
    ]
    if rows:
        Evidence.objects.bulk_create(rows, ignore_conflicts=True)


def describe(case: Case) -> None:
    """What the case says of itself, from all its signals; a told case has none and stays as it is."""
    signals = list(case.signals.select_related("reporter").order_by("observed_at", "key"))
    seen = [signal for signal in signals if signal.kind == Signal.Kind.DETECTED]
    if not seen:
        return
    for name in _DESCRIBING:
        said = next((getattr(one, name) for one in seen if getattr(one, name) not in ("", None)), None)
        if said is not None:
            setattr(case, name, said)
    case.title = titled(filing_of_case(case), case.place_name)
    case.found_at, case.source_kind = seen[0].observed_at, seen[0].source_kind
    case.source_kinds = list(dict.fromkeys(one.source_kind for one in signals))
    reported = next((one for one in seen if one.reporter is not None), None)
    if reported is not None:
        case.reporter_id = reported.reporter_id
        case.reporter_organisation_id = getattr(reported.reporter, "organisation_id", None)
    case.cleared_at = cleared_at(signals)


def titled(filing: Filing, place_name: str) -> str:
    return f"{filing.title}：{place_name}" if place_name else filing.title


def cleared_at(signals: Iterable[Signal]) -> datetime | None:
    """When the last of everything seen had gone; None while something is still there.

    `signals` in the order in which they were observed. A detector tells kinds apart (a car, a lorry): each of
    them has to go. What people reported goes with the last of what devices saw after it.
    """
    newest: dict[tuple[bool, str], Signal] = {}
    for signal in signals:
        newest[bool(signal.source_id), signal.class_code] = signal
    by_device = [one for (device, _), one in newest.items() if device]
    by_people = [one for (device, _), one in newest.items() if not device]
    there = [one for one in newest.values() if one.kind != Signal.Kind.CLEARED]
    if not newest or any(one.source_id for one in there):
        return None
    over = max(one.observed_at for one in newest.values())
    if not there:
        return over
    gone = max((one.observed_at for one in by_device), default=None)
    return gone if gone is not None and all(one.observed_at <= gone for one in by_people) else None


def hashes_of(signals: Sequence[Signal]) -> dict[str, str]:
    """SHA-256 (hex) of everything that each signal says, by key, as the database computes it."""
    with connection.cursor() as cursor:
        cursor.execute(_HASHES, [[signal.pk for signal in signals]])
        return dict(cursor.fetchall())


def record(cases: dict[str, list[Signal]]) -> None:
    """The ledger's entry of signals that joined cases (by number); the transaction's last statement."""
    signals = [signal for joined in cases.values() for signal in joined]
    if not signals:
        return
    hashes = hashes_of(signals)
    payload = {number: {one.key: hashes[one.key] for one in joined} for number, joined in cases.items()}
    subject = f"case:{next(iter(cases))}" if len(cases) == 1 else f"signals:{signals[0].pk}-{signals[-1].pk}"
    ledger.append(connection.connection, "case_signals", subject, {"cases": payload})
