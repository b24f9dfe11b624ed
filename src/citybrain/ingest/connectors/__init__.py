"""Connectors: what a source has to offer, one arrival after the other, fetched only when asked."""

from collections.abc import Iterator
from datetime import date

from citybrain.catalogue import Dataset
from citybrain.catalogue.connector import DropFolder, HttpPull, PostgresPull, S3Prefix
from citybrain.catalogue.mqtt_topic import MqttTopic
from citybrain.ingest.connectors.arrival import Arrival, Fetched, RefusedError, SourceError
from citybrain.ingest.connectors.drop_folder import dropped_files, given_file
from citybrain.settings import Settings

__all__ = [
    "Arrival",
    "Fetched",
    "RefusedError",
    "SourceError",
    "arrivals",
    "arrivals_anew",
    "asks_for_a_day",
    "given_file",
]


def arrivals(settings: Settings, dataset: Dataset, logical_date: date) -> Iterator[Arrival]:
    """What the dataset's source shows now, oldest name first. Raises SourceError when it cannot be looked
    at."""
    match dataset.connector:
        case DropFolder() as connector:
            yield from dropped_files(settings, connector)
        case S3Prefix() as connector:
            from citybrain.ingest.connectors.s3_prefix import prefixed_objects

            yield from prefixed_objects(settings, dataset.id, connector)
        case HttpPull() as connector:
            from citybrain.ingest.connectors.http_pull import pulled_document

            yield pulled_document(settings, dataset, connector, logical_date, anew=False)
        case PostgresPull() as connector:
            from citybrain.ingest.connectors.postgres_pull import pulled_windows

            yield from pulled_windows(settings, dataset, connector, day=None)
        case MqttTopic():  # the bridge lands messages as they come
            return


def asks_for_a_day(dataset: Dataset) -> bool:
    """Whether the source can be asked for one past logical date."""
    connector = dataset.connector
    return isinstance(connector, PostgresPull) or (
        isinstance(connector, HttpPull) and connector.asks_for_a_day
    )


def arrivals_anew(settings: Settings, dataset: Dataset, logical_date: date) -> Iterator[Arrival]:
    """What the source says today about a past day; nothing when it cannot be asked. No cursor moves.

    Raises SourceError.
    """
    if not asks_for_a_day(dataset):
        return
    match dataset.connector:
        case HttpPull() as connector:
            from citybrain.ingest.connectors.http_pull import pulled_document

            yield pulled_document(settings, dataset, connector, logical_date, anew=True)
        case PostgresPull() as connector:
            from citybrain.ingest.connectors.postgres_pull import pulled_windows

            yield from pulled_windows(settings, dataset, connector, day=logical_date)
