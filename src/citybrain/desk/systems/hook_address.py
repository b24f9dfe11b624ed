"""Where a webhook may lead: by the list and the look at addresses that pulled sources go by."""

from dataclasses import dataclass

from citybrain.ingest import SourceError
from citybrain.ingest.connectors.http_address import Destination, listed, resolve
from citybrain.settings import Settings


class HookAddressError(ValueError):
    """The address is not allowed; the text says why, and names the setting that would allow it."""


@dataclass(frozen=True)
class Way:
    """`address` is what was looked at, and what is connected to, whatever the name stands for later."""

    host: str
    address: str


def check_address(settings: Settings, url: str) -> Destination:
    """The host of an address that is written as it should be and stands in CITYBRAIN_HTTP_ALLOW.

    Raises HookAddressError.
    """
    try:
        return listed(settings, url)
    except SourceError as error:
        raise HookAddressError(str(error)) from error


def way_to(settings: Settings, url: str) -> Way:
    """Where a message to `url` is sent now. Raises HookAddressError, OSError for a name nobody knows."""
    found = check_address(settings, url)
    try:
        return Way(found.host, resolve(settings, found))
    except SourceError as error:
        raise HookAddressError(str(error)) from error
