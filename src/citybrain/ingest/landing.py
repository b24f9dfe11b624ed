"""Landing: what a source has that the lake has not, unchanged, once, with a row in the manifest."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from citybrain.catalogue import Dataset, load_dataset
from citybrain.catalogue.mqtt_topic import MqttTopic
from citybrain.ingest.connectors import (
    Arrival,
    Fetched,
    RefusedError,
    arrivals,
    arrivals_anew,
    given_file,
)
from citybrain.ingest.connectors.arrival import iso_version
from citybrain.ingest.manifest import (
    NewBatch,
    batch_of_content,
    note_delivery,
    register,
    set_watermarks,
    state_again,
    unjudged,
)
from citybrain.lake import TooLargeError, create_object, ensure_bucket, landing_key, spool, spool_folder
from citybrain.settings import DatabaseRole, Settings, get_settings
from citybrain.warehouse.connection import connect

log = logging.getLogger(__name__)
CITY_TIME = ZoneInfo("Asia/Shanghai")
SUFFIXES = {
    "csv": "csv",
    "jsonl": "jsonl",
    "json": "json",
    "geojson": "geojson",
    "parquet": "parquet",
    "excel": "xlsx",
    "geotiff": "tif",
}


@dataclass
class LandingReport:
    """What one look at a source brought: new batches, known content, refused arrivals, new bytes.

    restated: batches whose known content came again after another's, and is current again.
    """

    dataset: str
    landed: list[int] = field(default_factory=list)
    restated: list[int] = field(default_factory=list)
    duplicates: int = 0
    rejected: int = 0
    bytes: int = 0


def land_dataset(dataset_id: str, logical_date: date | None = None) -> LandingReport:
    """Land everything new at the dataset's source. `logical_date`: the business day it stands for, default
    today's.

    Safe to run twice and by several processes at once. Raises KeyError for an unknown dataset, SourceError
    when the source
    cannot be reached or sends us elsewhere; what landed before that stays.
    """
    settings = get_settings()
    dataset = _dataset(settings, dataset_id)
    if isinstance(dataset.connector, MqttTopic):
        return _bridged(settings, dataset)
    day = logical_date or today()
    return _land(settings, dataset, arrivals(settings, dataset, day), day)


def land_anew(dataset_id: str, logical_date: date) -> LandingReport:
    """Ask the source again for a past day. Nothing when it cannot be asked; no cursor moves.

    Raises KeyError for an unknown dataset, SourceError for the source.
    """
    settings = get_settings()
    dataset = _dataset(settings, dataset_id)
    return _land(settings, dataset, arrivals_anew(settings, dataset, logical_date), logical_date)


def land_file(dataset_id: str, path: Path) -> LandingReport:
    """Land one file by hand; it stays where it is. Raises KeyError for an unknown dataset, OSError for the
    file."""
    settings = get_settings()
    dataset = _dataset(settings, dataset_id)
    return _land(settings, dataset, [given_file(settings, path)], today())


def land_bytes(settings: Settings, dataset: Dataset, content: bytes, received: datetime) -> LandingReport:
    """Land messages received up to `received` (aware) as one delivery; it is committed when this returns.

    Raises whatever keeps it from standing in the lake: the caller still has the only copy.
    """

    def fetch(path: Path) -> Fetched:
        return Fetched(spool([content], path, settings.max_object_mb), iso_version(received))

    name = f"{received:%Y%m%dT%H%M%S.%fZ}.{SUFFIXES[dataset.format.kind]}"
    report = LandingReport(dataset.id)
    ensure_bucket(settings, "landing")
    with spool_folder(settings) as folder:
        fetched = fetch(folder / "delivery")
        _register(
            settings, dataset, Arrival(name, fetch), fetched, received.astimezone(CITY_TIME).date(), report
        )
    return report


def set_aside(settings: Settings, name: str, content: bytes, received: datetime, reason: str) -> str:
    """Keep JSON lines that belong to no dataset, below `name` in the landing zone. The object's key.

    A refused delivery of that name tells of them.
    """
    ensure_bucket(settings, "landing")
    with spool_folder(settings) as folder:
        spooled = spool([content], folder / "delivery", settings.max_object_mb)
        key = landing_key(name, received.astimezone(CITY_TIME).date(), spooled.sha256, "jsonl")
        create_object(settings, "landing", key, spooled, {"source-version": iso_version(received)})
    with connect(settings, DatabaseRole.LOADER, "citybrain landing") as connection:
        note_delivery(
            connection,
            name,
            key,
            "refused",
            source_version=iso_version(received),
            size=len(content),
            reason=reason,
        )
    return key


def waiting(dataset_id: str) -> list[str]:
    """The names `land_dataset` would look at, without fetching anything."""
    settings = get_settings()
    return [arrival.source_name for arrival in arrivals(settings, _dataset(settings, dataset_id), today())]


def today() -> date:
    """The business day of this moment, in city time."""
    return datetime.now(CITY_TIME).date()


def _dataset(settings: Settings, dataset_id: str) -> Dataset:
    return load_dataset(settings.sources_dir / f"{dataset_id}.yml")


def _bridged(settings: Settings, dataset: Dataset) -> LandingReport:
    """What the bridge landed and the gate has not judged yet. Raises SourceError for a broker not allowed."""
    from citybrain.ingest.mqtt.broker import broker_of  # the MQTT library, for these datasets only

    assert isinstance(dataset.connector, MqttTopic)  # noqa: S101  # our only caller asked
    if dataset.connector.url is None and settings.city_broker_url is None:
        log.warning("%s: MQTT is off here, nothing new can come", dataset.id)
    else:
        broker_of(settings, dataset.connector)
    with connect(settings, DatabaseRole.LOADER, "citybrain landing") as connection:
        found = unjudged(connection, dataset.id)
    return LandingReport(dataset.id, list(found), bytes=sum(found.values()))


def _land(settings: Settings, dataset: Dataset, found: Iterable[Arrival], day: date) -> LandingReport:
    report = LandingReport(dataset.id)
    ensure_bucket(settings, "landing")
    for arrival in found:
        with spool_folder(settings) as folder:
            try:
                fetched = arrival.fetch(folder / "delivery")
            except (RefusedError, TooLargeError) as error:
                _refuse(settings, dataset, arrival, str(error), report)
                continue
            if fetched is not None:
                _register(settings, dataset, arrival, fetched, day, report)
    return report


def _register(
    settings: Settings, dataset: Dataset, arrival: Arrival, fetched: Fetched, day: date, report: LandingReport
) -> None:
    """Object first, manifest second: a crash between them leaves an object that the next try finds in its
    place."""
    spooled = fetched.spooled
    with connect(settings, DatabaseRole.LOADER, "citybrain landing", autocommit=True) as connection:
        known = batch_of_content(connection, dataset.id, spooled.sha256)
        key = landing_key(dataset.id, day, spooled.sha256, _suffix(arrival.source_name, dataset))
        if known is None:
            metadata = {"source-name": arrival.source_name, "source-version": fetched.source_version}
            create_object(settings, "landing", key, spooled, metadata)
        with connection.transaction():
            batch_id, restated = None, False
            if known is None:
                new = NewBatch(
                    dataset.id,
                    key,
                    spooled.sha256,
                    spooled.size,
                    arrival.source_name,
                    fetched.source_version,
                    day,
                )
                batch_id = register(connection, new)
                known = batch_id or batch_of_content(connection, dataset.id, spooled.sha256)
            if batch_id is None and known is not None:
                by_day = dataset.delivers == "snapshot"
                restated = state_again(connection, known, day, fetched.source_version, by_day)
            note_delivery(
                connection,
                dataset.id,
                arrival.source_name,
                "landed" if batch_id is not None else "duplicate",
                known,
                day,
                fetched.source_version,
                fetched.etag,
                spooled.size,
            )
            set_watermarks(connection, dataset.id, fetched.watermarks)
    if batch_id is None:
        report.duplicates += 1
        if restated and known is not None:
            report.restated.append(known)
    else:
        report.landed.append(batch_id)
        report.bytes += spooled.size
    arrival.accept(spooled.sha256)


def _refuse(
    settings: Settings, dataset: Dataset, arrival: Arrival, reason: str, report: LandingReport
) -> None:
    report.rejected += 1
    log.warning("%s: %r refused: %s", dataset.id, arrival.source_name, reason)
    name = arrival.source_name.replace("\x00", "␀")[:1000]
    with connect(settings, DatabaseRole.LOADER, "citybrain landing") as connection:
        note_delivery(connection, dataset.id, name, "refused", etag=arrival.etag, reason=reason)
    arrival.refuse()


def _suffix(name: str, dataset: Dataset) -> str:
    """The delivered name's suffix if it is a plain one, else the declared format's."""
    suffix = Path(name).suffix.removeprefix(".").lower()
    plain = suffix.isascii() and suffix.isalnum() and len(suffix) <= 8
    return suffix if plain else SUFFIXES[dataset.format.kind]
