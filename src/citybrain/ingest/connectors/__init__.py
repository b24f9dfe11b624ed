"""Connectors: what a source has to offer, one arrival after the other, fetched only when asked."""

from collections.abc import Iterator

from citybrain.catalogue import Dataset
from citybrain.catalogue.connector import DropFolder, HttpPull, S3Prefix
from citybrain.catalogue.mqtt_topic import MqttTopic
from citybrain.ingest.connectors.arrival import Arrival, Fetched, RefusedError, SourceError
from citybrain.ingest.connectors.drop_folder import dropped_files, given_file
from citybrain.settings import Settings

__all__ = ["Arrival", "Fetched", "RefusedError", "SourceError", "arrivals", "given_file"]


def arrivals(settings: Settings, dataset: Dataset) -> Iterator[Arrival]:
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

            yield pulled_document(settings, dataset.id, connector)
        case MqttTopic():  # the bridge lands messages as they come
            return
