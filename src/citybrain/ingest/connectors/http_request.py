"""One GET to an allowed address: tried again while the server is busy, as long as the server asks for."""

import email.utils
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from citybrain.catalogue import Dataset
from citybrain.catalogue.connector import HttpPull
from citybrain.ingest.connectors.arrival import SourceError
from citybrain.ingest.connectors.http_address import destination, resolve
from citybrain.settings import Settings

ATTEMPTS = 4
LONGEST_WAIT_SECONDS = 60.0
RETRIED = {408, 425, 429, 500, 502, 503, 504}
Taken = TypeVar("Taken")

# httpx notes every address it opens, and an address may carry a key.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class _TryAgainError(Exception):
    """The server is busy or out of reach; `after` seconds is what it asked for, if it did."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        self.after = after
        super().__init__(reason)


@dataclass(frozen=True)
class HttpSource:
    """A dataset's source with the keys it asks for. `query` and `headers` hold them, nothing else does."""

    settings: Settings
    dataset: Dataset
    connector: HttpPull
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    def hide(self, text: str) -> str:
        """The text without any of the keys."""
        for key in (*self.query.values(), *self.headers.values()):
            for written in (key, quote(key, safe=""), quote_plus(key)):
                text = text.replace(written, "…")
        return text


def http_source(settings: Settings, dataset: Dataset, connector: HttpPull) -> HttpSource:
    """The source with its keys. Raises SourceError for a key that the settings lack."""

    wanted_names = {*connector.secret_query.values(), *connector.secret_headers.values()}
    missing = sorted(wanted_names - set(settings.source_secrets))
    if missing:
        raise SourceError(
            f"{dataset.id} asks for a key: name {', '.join(missing)} in CITYBRAIN_SOURCE_SECRETS"
        )

    def keys(wanted: Mapping[str, str]) -> dict[str, str]:
        return {place: settings.source_secrets[name].get_secret_value() for place, name in wanted.items()}

    return HttpSource(
        settings, dataset, connector, keys(connector.secret_query), keys(connector.secret_headers)
    )


def get(
    source: HttpSource,
    url: str,
    conditions: Mapping[str, str],
    take: Callable[[httpx.Response], Taken],
) -> Taken | None:
    """What `take` makes of the answer; None when the server says that nothing changed (304).

    `url` holds no key. `take` is called again when the connection broke under it. Raises SourceError, and
    what `take` raises.
    """
    attempts = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=_wait,
        retry=retry_if_exception_type(_TryAgainError),
        reraise=True,
    )
    try:
        return attempts(_get, source, url, conditions, take)
    except _TryAgainError as error:
        raise SourceError(source.hide(f"{url}: {error}, after {ATTEMPTS} attempts")) from None


def _wait(state: RetryCallState) -> float:
    """What the server asked for, else 0.5, 1, 2 … seconds; never longer than a minute."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.after if isinstance(error, _TryAgainError) else None
    return min(asked if asked is not None else 0.5 * 2.0 ** (state.attempt_number - 1), LONGEST_WAIT_SECONDS)


def _get(
    source: HttpSource, url: str, conditions: Mapping[str, str], take: Callable[[httpx.Response], Taken]
) -> Taken | None:
    found = destination(source.settings, source.dataset, url)
    try:
        address = resolve(source.settings, found)
    except OSError as error:
        raise _TryAgainError(f"{type(error).__name__}: {error}") from error
    parts = urlsplit(url)
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *source.query.items()]
    asked = httpx.URL(parts._replace(query=urlencode(pairs), fragment="").geturl())
    headers = {"Accept-Encoding": "gzip, identity", "Host": parts.netloc, **conditions, **source.headers}
    try:
        # No proxies and no netrc from the environment: the request goes where the address says, or nowhere.
        with (
            httpx.Client(
                timeout=source.connector.timeout_seconds, follow_redirects=False, trust_env=False
            ) as client,
            client.stream(
                "GET",
                asked.copy_with(host=address),
                headers=headers,
                extensions={"sni_hostname": found.host},
            ) as response,
        ):
            if response.status_code == httpx.codes.NOT_MODIFIED:
                return None
            if response.is_redirect:
                where = source.hide(response.headers.get("location", ""))
                raise SourceError(
                    f"{url} redirects to {where!r}: write the final address into the dataset's file"
                )
            if response.status_code in RETRIED:
                raise _TryAgainError(f"HTTP {response.status_code}", _retry_after(response))
            if response.status_code != httpx.codes.OK:
                raise SourceError(f"{url}: HTTP {response.status_code}")
            return take(response)
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise _TryAgainError(f"{type(error).__name__}: {source.hide(str(error))}") from None


def http_time(text: str | None) -> datetime | None:
    """A time as HTTP headers write it, aware; None for anything else."""
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
    when = http_time(text or None)
    return max(0.0, (when - datetime.now(UTC)).total_seconds()) if when else None
