"""Where an ONVIF camera says its snapshots are: its media service is asked for profiles, then for the URI.

ONVIF Core and Media service specifications; the account goes along as a WS-Security digest.
"""

import base64
import hashlib
import os
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from citybrain.vision.camera_address import MissingStillError, Pinned
from citybrain.vision.camera_http import ask

SOAP = "http://www.w3.org/2003/05/soap-envelope"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
SCHEMA = "http://www.onvif.org/ver10/schema"
SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity"
DIGEST_TYPE = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
)
SOAP_TYPE = "application/soap+xml; charset=utf-8"
MOST_ANSWER = 512 * 1024


def snapshot_address(camera: Pinned) -> Pinned:
    """Where a snapshot of the camera is fetched: the same host and port, and the path that it names.

    `onvif://host[:port]/onvif/device_service?profile=<token>`; without a profile its first one is taken.
    Raises MissingStillError, also when the camera names another host than its own.
    """
    device = camera.url._replace(scheme="http", query="", path=camera.url.path or "/onvif/device_service")
    capabilities = _call(camera, device.path, f'<GetCapabilities xmlns="{DEVICE}"/>')
    media = _own_path(camera, _text(capabilities, f".//{{{SCHEMA}}}Media/{{{SCHEMA}}}XAddr"), "media service")
    profile = parse_qs(camera.url.query).get("profile", [""])[0] or _first_profile(camera, media)
    token = f"<ProfileToken>{escape(profile)}</ProfileToken>"
    answer = _call(camera, media, f'<GetSnapshotUri xmlns="{MEDIA}">{token}</GetSnapshotUri>')
    uri = _text(answer, f".//{{{SCHEMA}}}Uri")
    path = _own_path(camera, uri, "snapshots")
    plain = urlsplit(f"http://{camera.url.netloc}{path}")
    return Pinned(plain, camera.host, camera.port, camera.address, camera.login)


def _first_profile(camera: Pinned, media: str) -> str:
    found = _call(camera, media, f'<GetProfiles xmlns="{MEDIA}"/>').find(f".//{{{MEDIA}}}Profiles")
    token = found.get("token") if found is not None else None
    if not token:
        raise MissingStillError("unreachable", f"{camera.origin} names no media profile")
    return token


def _own_path(camera: Pinned, uri: str, what: str) -> str:
    """Path and query of a URI of the camera's own host; behind a router it may call itself otherwise, but
    nobody is connected to whom the register does not name.
    """
    parts = urlsplit(uri)
    if parts.scheme != "http" or parts.hostname not in (camera.host, camera.address):
        raise MissingStillError("not_allowed", f"{camera.origin} says its {what} are at {parts.netloc!r}")
    if (parts.port or 80) != camera.port:
        raise MissingStillError("not_allowed", f"{camera.origin} says its {what} are at port {parts.port}")
    return parts._replace(scheme="", netloc="", fragment="").geturl() or "/"


def _call(camera: Pinned, path: str, body: str) -> ElementTree.Element:
    plain = urlsplit(f"http://{camera.url.netloc}{path}")
    asked = Pinned(plain, camera.host, camera.port, camera.address, camera.login)
    head = f"<s:Header>{_security(camera)}</s:Header>"
    envelope = f'<s:Envelope xmlns:s="{SOAP}">{head}<s:Body>{body}</s:Body></s:Envelope>'
    answer = ask(asked, envelope.encode(), SOAP_TYPE, MOST_ANSWER)
    if b"<!DOCTYPE" in answer or b"<!ENTITY" in answer:
        raise MissingStillError("unreachable", f"{camera.origin} answers with a document type")
    try:
        return ElementTree.fromstring(answer)  # noqa: S314 - without a document type nothing expands
    except ElementTree.ParseError as error:
        raise MissingStillError("unreachable", f"{camera.origin} answers no SOAP: {error}") from error


def _security(camera: Pinned) -> str:
    if camera.login is None:
        return ""
    user, password = camera.login
    nonce, created = os.urandom(16), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
    # The profile of WS-Security that cameras know: SHA-1 over nonce, time and password.
    digest = base64.b64encode(
        hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
    ).decode()
    return (
        f'<wsse:Security xmlns:wsse="{SECURITY}-secext-1.0.xsd" xmlns:wsu="{SECURITY}-utility-1.0.xsd">'
        f"<wsse:UsernameToken><wsse:Username>{escape(user)}</wsse:Username>"
        f'<wsse:Password Type="{DIGEST_TYPE}">{digest}</wsse:Password>'
        f"<wsse:Nonce>{base64.b64encode(nonce).decode()}</wsse:Nonce><wsu:Created>{created}</wsu:Created>"
        "</wsse:UsernameToken></wsse:Security>"
    )


def _text(answer: ElementTree.Element, place: str) -> str:
    found = answer.find(place)
    if found is None or not (found.text or "").strip():
        raise MissingStillError("unreachable", "the camera's answer lacks what was asked for")
    return str(found.text).strip()
