"""Where HTTP sources may lead: hosts that settings or an enabled dataset's file name, at allowed addresses.

A request goes to the address that was looked at, never to one that the name stands for a moment later.
"""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from citybrain.catalogue import Dataset
from citybrain.catalogue.connector import HttpPull
from citybrain.ingest.connectors.arrival import SourceError
from citybrain.settings import Settings

PORTS = {"http": 80, "https": 443}
Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Destination:
    """An allowed host. `trust`: `any` address may stand behind its name, or only `public` ones (and networks
    that the settings name)."""

    host: str
    port: int
    trust: Literal["any", "public"]


def destination(settings: Settings, dataset: Dataset, url: str) -> Destination:
    """The host of `url` if the dataset may open it. Raises SourceError.

    Allowed are the demo city's feeds, CITYBRAIN_HTTP_ALLOW, and for an enabled dataset the https host that
    its own file names: the file is reviewed content. An address written as such in CITYBRAIN_HTTP_ALLOW is
    meant as written; a name must stand for public addresses, whoever wrote it.
    """
    parts, port = _split(url)
    host = parts.hostname or ""
    wanted = f"{host}:{port}"
    feeds, feeds_port = _split(settings.feeds_base_url)
    if wanted == f"{feeds.hostname}:{feeds_port}":
        return Destination(host, port, "any")
    if wanted in settings.http_allow:
        return listed(settings, url)
    if parts.scheme == "https" and wanted == _own_host(settings, dataset):
        return Destination(host, port, "public")
    raise SourceError(f"{wanted} is not allowed: add it to CITYBRAIN_HTTP_ALLOW to pull {url}")


def listed(settings: Settings, url: str) -> Destination:
    """The host of `url` if CITYBRAIN_HTTP_ALLOW has its host:port. Raises SourceError."""
    parts, port = _split(url)
    host = parts.hostname or ""
    if f"{host}:{port}" not in settings.http_allow:
        raise SourceError(f"{host}:{port} is not in CITYBRAIN_HTTP_ALLOW")
    return Destination(host, port, "any" if _literal(host) else "public")


def same_origin(first: str, second: str) -> bool:
    """Whether two URLs have scheme, host and port in common. Raises SourceError for odd ones."""
    (one, one_port), (two, two_port) = _split(first), _split(second)
    return (one.scheme, one.hostname, one_port) == (two.scheme, two.hostname, two_port)


def resolve(settings: Settings, found: Destination) -> str:
    """An address of the host, as text. Raises SourceError when one of its addresses is not allowed, OSError
    when the name is not known.
    """
    entries = socket.getaddrinfo(found.host, found.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
    if found.trust == "public":
        for text in addresses:
            if not _is_open(settings, ip_address(text)):
                raise SourceError(
                    f"{found.host} stands for {text}, which is no public address:"
                    " name its network in CITYBRAIN_HTTP_PRIVATE_NETWORKS if that is meant"
                )
    return addresses[0]


def _is_open(settings: Settings, address: Address) -> bool:
    """Public, or inside a network of the settings. An IPv4 address inside an IPv6 one counts as itself."""
    if isinstance(address, IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if wrapped is not None:
            return _is_open(settings, wrapped)
    if any(address in ip_network(network) for network in settings.http_private_networks):
        return True
    return address.is_global and not address.is_multicast


def _own_host(settings: Settings, dataset: Dataset) -> str | None:
    active = dataset.enabled or dataset.id in settings.enable_sources
    connector = dataset.connector
    return connector.public_host if active and isinstance(connector, HttpPull) else None


def _literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _split(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SourceError(f"{url!r} is no plain http or https address: {error}") from error
    if parts.scheme not in PORTS or not parts.hostname or parts.username or parts.password:
        raise SourceError(f"{url!r} is no plain http or https address")
    return parts, port if port is not None else PORTS[parts.scheme]
