"""The pages of one pull, one after the other, each as one line of JSON.

A line holds the page as it was sent, its line breaks replaced: those can only stand between values.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx

from citybrain.catalogue.connector import CursorToken, NextLink, PageNumber
from citybrain.ingest.connectors.arrival import RefusedError, SourceError
from citybrain.ingest.connectors.http_address import same_origin
from citybrain.ingest.connectors.http_request import HttpSource, get
from citybrain.ingest.readers.json_reader import MAX_DOCUMENT_MB
from citybrain.ingest.readers.json_walk import UnreadableJsonError, at_pointer, read_documents, records_at

_LINE_BREAKS = str.maketrans("\r\n", "  ")


@dataclass(frozen=True)
class Page:
    """One answer: its document, the same as one line of bytes, and the headers that matter later."""

    url: str
    document: Any
    line: bytes
    link: str | None
    etag: str | None
    modified: str | None


def first_page(source: HttpSource, url: str, conditions: dict[str, str]) -> Page | None:
    """The page at `url`, without a key in it; None when nothing changed. Raises SourceError, RefusedError."""
    return get(source, with_parameter(source, url), conditions, lambda answer: _page(source, url, answer))


def with_parameter(source: HttpSource, url: str) -> str:
    """`url` with the number of the first page, when pages are asked for by number."""
    paging = source.connector.paging
    if isinstance(paging, PageNumber):
        return _set(url, paging.parameter, str(paging.first))
    return url


def pages_from(source: HttpSource, first: Page) -> Iterator[Page]:
    """`first` and the pages after it. Raises SourceError when they never end or lead away, RefusedError."""
    page, number, asked = first, 1, {first.url}
    records = len(_records(source, page))
    yield page
    while (url := _next_url(source, page, number, records)) is not None:
        if url in asked:
            raise SourceError(source.hide(f"the pages of {first.url} lead back to {url}"))
        if number == source.connector.max_pages:
            raise SourceError(f"{first.url} has more than {number} pages (max_pages)")
        asked.add(url)
        found = get(source, url, {}, lambda answer, url=url: _page(source, url, answer))  # type: ignore[misc]
        if found is None:
            raise SourceError(f"{url}: HTTP 304 to a request without conditions")
        if found.line == page.line and _records(source, found):
            raise SourceError(f"{first.url} gives the same page twice: paging does not fit this source")
        page, number = found, number + 1
        records += len(_records(source, page))
        yield page


def _page(source: HttpSource, url: str, answer: httpx.Response) -> Page:
    limit = min(MAX_DOCUMENT_MB, source.settings.max_object_mb) * 1024 * 1024
    body = bytearray()
    for chunk in answer.iter_bytes():  # decoded bytes are counted: a compressed bomb stops here too
        body += chunk
        if len(body) > limit:
            raise RefusedError(f"a page larger than {limit // 1024 // 1024} MiB")
    try:
        text = body.decode("utf-8-sig")
        (document,) = read_documents(text)
    except (UnicodeDecodeError, UnreadableJsonError, ValueError) as error:
        raise SourceError(f"{url}: the answer is not one JSON document: {error}") from error
    return Page(
        url,
        document,
        text.translate(_LINE_BREAKS).encode() + b"\n",
        answer.headers.get("link"),
        answer.headers.get("etag"),
        answer.headers.get("last-modified"),
    )


def _records(source: HttpSource, page: Page) -> list[Any]:
    return records_at(page.document, source.dataset.format.records) or []


def _next_url(source: HttpSource, page: Page, number: int, records: int) -> str | None:
    """The address of the page after `page`, which was the `number`-th; `records` came so far."""
    paging = source.connector.paging
    match paging:
        case NextLink(pointer=None):
            return _followed(source, page, _next_in_header(page.link))
        case NextLink(pointer=str(pointer)):
            return _followed(source, page, _next_in_document(at_pointer(page.document, pointer)))
        case CursorToken():
            token = at_pointer(page.document, paging.pointer)
            return _set(page.url, paging.parameter, str(token)) if token else None
        case PageNumber():
            if not _records(source, page):
                return None
            grown = number if paging.counts == "pages" else records
            return _set(page.url, paging.parameter, str(paging.first + grown))
        case _:
            return None


def _next_in_header(header: str | None) -> str | None:
    """The target of the link with rel `next` in a Link header (RFC 8288)."""
    for link in httpx.Response(200, headers={"link": header or ""}).links.values():
        if "next" in link.get("rel", "").split():
            return link.get("url")
    return None


def _next_in_document(found: Any) -> str | None:
    if isinstance(found, list):
        links = [link for link in found if isinstance(link, dict) and link.get("rel") == "next"]
        if links and links[0].get("method", "GET") != "GET":
            raise SourceError("the next page is asked for by another method than GET")
        found = links[0].get("href") if links else None
    return found if isinstance(found, str) and found else None


def _followed(source: HttpSource, page: Page, target: str | None) -> str | None:
    """The next address, absolute and without keys. Raises SourceError when it leaves the source's host."""
    if target is None:
        return None
    try:
        url = urljoin(page.url, target)
    except ValueError as error:
        raise SourceError(source.hide(f"{target!r} is no plain http or https address: {error}")) from None
    if not same_origin(page.url, url):
        raise SourceError(source.hide(f"{page.url} continues at {url}, which is another host"))
    parts = urlsplit(url)
    pairs = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in source.query]
    return parts._replace(query=urlencode(pairs), fragment="").geturl()


def _set(url: str, parameter: str, value: str) -> str:
    parts = urlsplit(url)
    pairs = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != parameter]
    return parts._replace(query=urlencode([*pairs, (parameter, value)])).geturl()
