"""Where a camera's address may lead: hosts that the settings name, at the one address that was looked at.

A register is written by many hands, and the platform stands inside the city's network: an address that leads
elsewhere than to a camera is refused before anything is connected.
"""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from citybrain.settings import Settings

PORTS = {"http": 80, "https": 443, "rtsp": 554, "onvif": 80}

# Where clouds tell machines their credentials: no camera, whoever allowed it.
METADATA = tuple(
    ip_network(text) for text in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32")
)

Address = IPv4Address | IPv6Address
Reason = Literal["absent", "stale", "unreachable", "not_allowed"]


class MissingStillError(LookupError):
    """There is no still to look at; `reason` is a code, the message says more."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


@dataclass(frozen=True)
class Pinned:
    """A camera that may be connected to: at `address` and `port` only, whatever its name stands for later.

    `login` is its account, or None.
    """

    url: SplitResult
    host: str
    port: int
    address: str
    login: tuple[str, str] | None = None

    @property
    def origin(self) -> str:
        """host:port, as the settings name it."""
        return f"{self.host}:{self.port}"


def pin(settings: Settings, url: str) -> Pinned:
    """The camera behind `url`, if CITYBRAIN_HTTP_ALLOW has its host:port.

    A host written as an address is meant as written, loopback too; a name must stand for public addresses or
    for such in CITYBRAIN_HTTP_PRIVATE_NETWORKS, and for all of them. Raises MissingStillError.
    """
    parts, host, port = _split(url)
    origin = f"{host}:{port}"
    if origin not in settings.http_allow:
        raise MissingStillError("not_allowed", f"{origin} is not in CITYBRAIN_HTTP_ALLOW")
    literal = _literal(host)
    try:
        addresses = [str(literal)] if literal is not None else _addresses(host, port)
    except OSError as error:
        raise MissingStillError("unreachable", f"{host}: the name is not known") from error
    for text in addresses:
        _check(settings, host, ip_address(text.partition("%")[0]), literal is not None)
    account = settings.camera_accounts.get(origin)
    user, _, password = account.get_secret_value().partition(":") if account is not None else ("", "", "")
    return Pinned(parts, host, port, addresses[0], (user, password) if account is not None else None)


def _split(url: str) -> tuple[SplitResult, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise MissingStillError("not_allowed", f"no address of a camera: {error}") from error
    if parts.scheme not in PORTS or not parts.hostname:
        raise MissingStillError("not_allowed", f"{parts.scheme!r} leads to no camera")
    if parts.username is not None or parts.password is not None:
        raise MissingStillError("not_allowed", "an account belongs into CITYBRAIN_CAMERA_ACCOUNTS")
    if any(ord(letter) < 33 for letter in url):
        raise MissingStillError("not_allowed", "the address holds blanks or control characters")
    return parts, parts.hostname, port if port is not None else PORTS[parts.scheme]


def _addresses(host: str, port: int) -> list[str]:
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


def _check(settings: Settings, host: str, address: Address, as_written: bool) -> None:
    plain = _unwrapped(address)
    if plain.is_unspecified or plain.is_multicast or any(plain in network for network in METADATA):
        raise MissingStillError("not_allowed", f"{host} stands for {plain}, where no camera is")
    if as_written:
        return
    named = any(plain in ip_network(network) for network in settings.http_private_networks)
    if plain.is_loopback or not (named or plain.is_global):
        raise MissingStillError(
            "not_allowed", f"{host} stands for {plain}: not public, and in no CITYBRAIN_HTTP_PRIVATE_NETWORKS"
        )


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, else the address."""
    if isinstance(address, IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if wrapped is not None:
            return wrapped
    return address


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
