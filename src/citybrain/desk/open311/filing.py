"""A POST of an application: checked against its service, then reported like a citizen's."""

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import BinaryIO

from django.db import IntegrityError

from citybrain.desk.open311.refusals import RefusedError
from citybrain.desk.open311.services import Attribute, Service, service_named
from citybrain.desk.systems.models import System
from citybrain.events.acting import CaseRefusedError
from citybrain.events.models import Signal
from citybrain.events.outside_reports import OutsideReport, report_from_outside
from citybrain.events.photos import PhotoRefusedError

_CONTACT = ("first_name", "last_name", "phone", "email")
_SENDER = ("device_id", "account_id", "media_url")  # a media_url is noted, never fetched
LONGEST_FIELD = 200  # characters of any field but the description
TOKENS = uuid.UUID("b6f1a0b4-1f60-5a55-9d1f-2f3b8d4c7e10")


def file_request(
    system: System,
    given: Mapping[str, str],
    attributes: Mapping[str, Sequence[str]],
    photos: Sequence[BinaryIO],
) -> tuple[str, Signal]:
    """The token of a report and the report. Raises RefusedError.

    A sender that sends the same `request_key` again gets the same token, and nothing is reported twice.
    """
    service = _service(given)
    lon, lat = _position(given)
    place, place_id = _field(given, "address_string"), _field(given, "address_id")
    if lon is None and not place and not place_id:
        raise RefusedError(400, "lat and long, address_string or address_id is needed")
    text = given.get("description", "").strip()
    if not text and not photos:
        raise RefusedError(400, "description or media is needed")
    told = OutsideReport(
        scenario=service.scenario,
        class_code=service.class_code,
        text=text,
        place_name=place,
        place_id=place_id,
        lon=lon,
        lat=lat,
        said={
            "service_code": service.code,
            "attributes": _answers(service, attributes),
            "contact": {name: _field(given, name) for name in _CONTACT if given.get(name)},
            "sender": {name: _field(given, name) for name in _SENDER if given.get(name)},
        },
    )
    token = _token(system, _field(given, "request_key"))
    try:
        return token, _report(system, told, f"open311:{token}", photos)
    except (CaseRefusedError, PhotoRefusedError) as refused:
        raise RefusedError(400, str(refused)) from refused


def _report(system: System, told: OutsideReport, key: str, photos: Sequence[BinaryIO]) -> Signal:
    try:
        return report_from_outside(system.account, told, key, photos)
    except IntegrityError:  # the other of two sendings was first: now its report is found
        return report_from_outside(system.account, told, key)


def _token(system: System, request_key: str) -> str:
    return (uuid.uuid5(TOKENS, f"{system.pk}:{request_key}") if request_key else uuid.uuid4()).hex


def _service(given: Mapping[str, str]) -> Service:
    code = given.get("service_code", "").strip()
    if not code:
        raise RefusedError(400, "service_code was not provided")
    service = service_named(code)
    if service is None:
        raise RefusedError(404, f"service_code {code[:48]} was not found")
    return service


def _position(given: Mapping[str, str]) -> tuple[Decimal | None, Decimal | None]:
    texts = given.get("long", "").strip(), given.get("lat", "").strip()
    if texts == ("", ""):
        return None, None
    try:
        lon, lat = (Decimal(text[:24]).quantize(Decimal("0.000001")) for text in texts)
    except InvalidOperation as error:
        raise RefusedError(400, "lat and long are degrees of WGS84, both or none") from error
    if not (lon.is_finite() and lat.is_finite() and abs(lon) <= 180 and abs(lat) <= 90):
        raise RefusedError(400, "lat and long are degrees of WGS84, both or none")
    return lon, lat


def _field(given: Mapping[str, str], name: str) -> str:
    text = given.get(name, "").strip()
    if len(text) > LONGEST_FIELD or "\x00" in text:
        raise RefusedError(
            400, f"{name} is longer than {LONGEST_FIELD} characters, or holds control characters"
        )
    return text


def _answers(service: Service, attributes: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    known = {one.code: one for one in service.attributes}
    if strange := sorted(set(attributes) - set(known)):
        raise RefusedError(400, f"attribute {strange[0][:48]} is none of {service.code}")
    return {
        code: _answer(one, [text.strip() for text in attributes.get(code, ()) if text.strip()])
        for code, one in known.items()
        if one.required or any(text.strip() for text in attributes.get(code, ()))
    }


def _answer(attribute: Attribute, texts: list[str]) -> list[str]:
    if not texts:
        raise RefusedError(400, f"attribute {attribute.code} is required")
    if attribute.values and not set(texts) <= set(attribute.values):
        raise RefusedError(400, f"attribute {attribute.code} is one of {', '.join(attribute.values)}")
    if attribute.datatype != "multivaluelist" and len(texts) > 1:
        raise RefusedError(400, f"attribute {attribute.code} takes one value")
    if max(len(text) for text in texts) > LONGEST_FIELD:
        raise RefusedError(400, f"attribute {attribute.code} is longer than {LONGEST_FIELD} characters")
    return texts
