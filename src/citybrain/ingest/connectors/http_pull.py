"""A document pulled by a conditional GET, from hosts that are allowed and from nowhere else.

All pages of a pull land as one object, one page a line. A pull that dies on the way has landed nothing and
begins with its first page again: pages shift while a source grows, so those of two pulls do not fit together.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from citybrain.catalogue import Dataset
from citybrain.catalogue.connector import HttpPull, RecordWatermark
from citybrain.catalogue.request_template import fill
from citybrain.ingest.connectors.arrival import Arrival, Fetched, SourceError, iso_version
from citybrain.ingest.connectors.http_address import destination
from citybrain.ingest.connectors.http_pages import Page, first_page, pages_from
from citybrain.ingest.connectors.http_request import HttpSource, get, http_source, http_time
from citybrain.ingest.manifest import watermarks
from citybrain.ingest.readers.json_reader import documents
from citybrain.ingest.readers.json_walk import at_pointer, records_at
from citybrain.lake import Spooled, spool
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

URL, ETAG, LAST_MODIFIED, READ_UNTIL = "http_url", "http_etag", "http_last_modified", "http_read_until"


def pulled_document(
    settings: Settings, dataset: Dataset, connector: HttpPull, logical_date: date, anew: bool
) -> Arrival:
    """The one document of the source. `anew`: whatever was pulled before, and without moving any cursor.

    Raises SourceError when its host is not allowed, or a key it needs is not set.
    """
    source = http_source(settings, dataset, connector)
    destination(settings, dataset, _absolute(settings, connector.url))
    name = urlsplit(connector.url).path.rsplit("/", 1)[-1] or dataset.id
    return Arrival(name, partial(_fetch, source, logical_date, anew))


def _absolute(settings: Settings, url: str) -> str:
    return url if "://" in url else f"{settings.feeds_base_url}/{url.lstrip('/')}"


def _fetch(source: HttpSource, logical_date: date, anew: bool, target: Path) -> Fetched | None:
    with connect(source.settings, DatabaseRole.LOADER, "citybrain landing") as connection:
        known = watermarks(connection, source.dataset.id)
    url = _url(source, logical_date, known)
    conditions = {} if anew else _conditions(url, known)
    pull = _pull_document if source.connector.paging is None else _pull_pages
    pulled = pull(source, url, conditions, target)
    if pulled is None:
        return None
    spooled, etag, modified = pulled
    cursors = {URL: url, ETAG: etag, LAST_MODIFIED: modified}
    cursors[READ_UNTIL] = _read_until(source, spooled.path, known.get(READ_UNTIL))
    kept = {} if anew else {name: value for name, value in cursors.items() if value}
    return Fetched(spooled, iso_version(http_time(modified) or datetime.now(UTC)), etag, kept)


def _url(source: HttpSource, logical_date: date, known: dict[str, str]) -> str:
    connector = source.connector
    since = _watermark(connector.watermark, known) if connector.watermark else None
    url = fill(_absolute(source.settings, connector.url), logical_date, since)
    query = urlencode({name: fill(text, logical_date, since) for name, text in connector.query.items()})
    parts = urlsplit(url)
    return parts._replace(query="&".join(part for part in (parts.query, query) if part)).geturl()


def _watermark(watermark: RecordWatermark, known: dict[str, str]) -> datetime:
    """From where to read on: the overlap goes before it, though not before the start."""
    if READ_UNTIL not in known:
        return watermark.start
    return max(watermark.start, datetime.fromisoformat(known[READ_UNTIL]) - watermark.overlap)


def _conditions(url: str, known: dict[str, str]) -> dict[str, str]:
    """A cursor belongs to its address: another one starts from nothing."""
    if known.get(URL) != url:
        return {}
    asked = (("If-None-Match", ETAG), ("If-Modified-Since", LAST_MODIFIED))
    return {header: known[name] for header, name in asked if name in known}


Pulled = tuple[Spooled, str | None, str | None]


def _pull_document(source: HttpSource, url: str, conditions: dict[str, str], target: Path) -> Pulled | None:
    def take(answer: httpx.Response) -> Pulled:
        target.unlink(missing_ok=True)
        # Decoded bytes are counted, so a compressed bomb stops at the same limit.
        spooled = spool(answer.iter_bytes(), target, source.settings.max_object_mb)
        return spooled, answer.headers.get("etag"), answer.headers.get("last-modified")

    return get(source, url, conditions, take)


def _pull_pages(source: HttpSource, url: str, conditions: dict[str, str], target: Path) -> Pulled | None:
    first = first_page(source, url, conditions)
    if first is None:
        return None
    spooled = spool(_lines(pages_from(source, first)), target, source.settings.max_object_mb)
    return spooled, first.etag, first.modified


def _lines(pages: Iterable[Page]) -> Iterator[bytes]:
    for page in pages:
        yield page.line


def _read_until(source: HttpSource, path: Path, before: str | None) -> str | None:
    """The latest time among the records that were pulled, never before the one known. Raises SourceError."""
    watermark = source.connector.watermark
    if watermark is None:
        return None
    latest = datetime.fromisoformat(before) if before else watermark.start
    for document in documents(source.dataset, path):
        for record in records_at(document, source.dataset.format.records) or []:
            latest = max(latest, _time_of(source, at_pointer(record, watermark.pointer)))
    # A source whose clock runs ahead must not have us skip what it says in between.
    return min(latest.astimezone(UTC), datetime.now(UTC)).isoformat()


def _time_of(source: HttpSource, value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        pointer = source.connector.watermark.pointer if source.connector.watermark else ""
        raise SourceError(f"{source.dataset.id}: a record's {pointer} is {value!r}, no time with a zone")
    return found
