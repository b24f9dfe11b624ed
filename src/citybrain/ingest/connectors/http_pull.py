"""A document pulled by a conditional GET, from hosts that the settings allow and from nowhere else."""

import email.utils
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from citybrain.catalogue.connector import HttpPull
from citybrain.ingest.connectors.arrival import Arrival, Fetched, SourceError, iso_version
from citybrain.ingest.manifest import watermarks
from citybrain.lake import Spooled, spool
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

ATTEMPTS = 4
LONGEST_WAIT_SECONDS = 60.0
RETRIED = {408, 425, 429, 500, 502, 503, 504}
PORTS = {"http": 80, "https": 443}
ETAG, LAST_MODIFIED = "http_etag", "http_last_modified"


class _TryAgainError(Exception):
    """The server is busy or out of reach; `after` seconds is what it asked for, if it did."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        self.after = after
        super().__init__(reason)


def pulled_document(settings: Settings, dataset_id: str, connector: HttpPull) -> Arrival:
    """The one document of the source. Raises SourceError when its host is not allowed."""
    url = (
        connector.url if "://" in connector.url else f"{settings.feeds_base_url}/{connector.url.lstrip('/')}"
    )
    _require_allowed(settings, url)
    name = urlsplit(url).path.rsplit("/", 1)[-1] or dataset_id
    return Arrival(name, partial(_fetch, settings, dataset_id, url, connector.timeout_seconds))


def _require_allowed(settings: Settings, url: str) -> None:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise SourceError(f"{url!r} is no plain http or https address: {error}") from error
    if parts.scheme not in PORTS or parts.hostname is None or parts.username or parts.password:
        raise SourceError(f"{url!r} is no plain http or https address")
    feeds = urlsplit(settings.feeds_base_url)
    allowed = {_host_port(feeds.scheme, feeds.hostname or "", feeds.port), *settings.http_allow}
    wanted = _host_port(parts.scheme, parts.hostname, port)
    if wanted not in allowed:
        raise SourceError(f"{wanted} is not allowed: add it to CITYBRAIN_HTTP_ALLOW to pull {url}")


def _host_port(scheme: str, host: str, port: int | None) -> str:
    return f"{host}:{port or PORTS.get(scheme, 0)}"


def _fetch(settings: Settings, dataset_id: str, url: str, timeout: float, target: Path) -> Fetched | None:
    with connect(settings, DatabaseRole.LOADER, "citybrain landing") as connection:
        known = watermarks(connection, dataset_id)
    headers = {"Accept-Encoding": "gzip, identity"}
    # A cursor belongs to its address: another one starts from nothing.
    if known.get("http_url") == url:
        headers |= {
            header: known[name]
            for header, name in (("If-None-Match", ETAG), ("If-Modified-Since", LAST_MODIFIED))
            if name in known
        }
    attempts = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=_wait,
        retry=retry_if_exception_type(_TryAgainError),
        reraise=True,
    )
    try:
        return attempts(_get, settings, url, headers, timeout, target)
    except _TryAgainError as error:
        raise SourceError(f"{url}: {error}, after {ATTEMPTS} attempts") from error


def _wait(state: RetryCallState) -> float:
    """What the server asked for, else 0.5, 1, 2 … seconds; never longer than a minute."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.after if isinstance(error, _TryAgainError) else None
    return min(asked if asked is not None else 0.5 * 2.0 ** (state.attempt_number - 1), LONGEST_WAIT_SECONDS)


def _get(
    settings: Settings, url: str, headers: Mapping[str, str], timeout: float, target: Path
) -> Fetched | None:
    target.unlink(missing_ok=True)
    try:
        # No proxies and no netrc from the environment: the request goes where the address says, or nowhere.
        with (
            httpx.Client(timeout=timeout, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", url, headers=dict(headers)) as response,
        ):
            if response.status_code == httpx.codes.NOT_MODIFIED:
                return None
            if response.is_redirect:
                where = response.headers.get("location", "")
                raise SourceError(
                    f"{url} redirects to {where!r}: write the final address into the dataset's file"
                )
            if response.status_code in RETRIED:
                raise _TryAgainError(f"HTTP {response.status_code}", _retry_after(response))
            if response.status_code != httpx.codes.OK:
                raise SourceError(f"{url}: HTTP {response.status_code}")
            # Decoded bytes are counted, so a compressed bomb stops at the same limit.
            spooled = spool(response.iter_bytes(), target, settings.max_object_mb)
            return _fetched(url, response, spooled)
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise _TryAgainError(f"{type(error).__name__}: {error}") from error


def _fetched(url: str, response: httpx.Response, spooled: Spooled) -> Fetched:
    etag, modified = response.headers.get("etag"), response.headers.get("last-modified")
    cursors = {"http_url": url, ETAG: etag, LAST_MODIFIED: modified}
    when = _http_time(modified) or datetime.now(UTC)
    return Fetched(
        spooled, iso_version(when), etag, {name: value for name, value in cursors.items() if value}
    )


def _http_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds from a Retry-After of either form; None when there is none."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    when = _http_time(text or None)
    return max(0.0, (when - datetime.now(UTC)).total_seconds()) if when else None
