"""What the API says of a case. Times carry their offset, positions are WGS84 degrees."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from citybrain.desk.accounts.models import Organisation
from citybrain.events.acting import Offer
from citybrain.events.models import Case, Evidence, Transition
from citybrain.events.rules import load_rules


class OrganisationOut(BaseModel):
    code: str
    name: str


class CaseOut(BaseModel):
    """A case as it stands. `version` grows with every step; a step names the version it was decided on."""

    number: str
    version: int
    scenario: str
    class_code: str
    title: str
    state: str
    state_name: str
    is_open: bool
    urgent: bool
    petition: str = Field(description="what was asked for and is not answered yet, or nothing")
    lead: OrganisationOut
    handler: OrganisationOut | None
    source: str = Field(description="who or what noticed first")
    place_id: str
    place_name: str
    area_code: str = Field(description="village or community, 12 digits; the first six are its county")
    lon: float | None
    lat: float | None
    found_at: datetime
    filed_at: datetime | None
    deadline_at: datetime | None = Field(description="until when it has to be handled; none while time stops")
    handled_at: datetime | None
    closed_at: datetime | None
    sightings: int
    rework_count: int
    origin: Literal["synthetic", "real"]


class StepOut(BaseModel):
    version: int
    action: str
    action_name: str
    from_state: str
    to_state: str
    at: datetime
    organisation: OrganisationOut | None = Field(description="whose step it was; none for the platform's own")
    reason: str


class MediaOut(BaseModel):
    id: int
    kind: str
    sha256: str
    width: int | None
    height: int | None
    taken_at: datetime | None
    added_at: datetime
    path: str = Field(description="where its bytes are, below this server")


class OfferOut(BaseModel):
    """A step that the system may take now."""

    action: str
    name: str
    needs_reason: bool
    needs_handler: bool
    needs_photo: bool


class CaseDetail(CaseOut):
    steps: list[StepOut] = Field(description="the oldest first")
    media: list[MediaOut]
    actions: list[OfferOut]


def case_out(case: Case) -> CaseOut:
    """`lead` and `handler` are read with the case."""
    return CaseOut(**_fields(case))


def case_detail(
    case: Case, steps: list[Transition], media: list[Evidence], offers: list[Offer]
) -> CaseDetail:
    names = {step.action: step.zh for step in load_rules().transitions}
    return CaseDetail(
        **_fields(case),
        steps=[
            StepOut(
                version=step.version,
                action=step.action,
                action_name=names.get(step.action, step.action),
                from_state=step.from_state,
                to_state=step.to_state,
                at=step.at,
                organisation=organisation_out(step.organisation),
                reason=step.reason,
            )
            for step in steps
        ],
        media=[media_out(case.number, one) for one in media],
        actions=[
            OfferOut(
                action=offer.action,
                name=offer.zh,
                needs_reason=offer.needs_reason,
                needs_handler=offer.needs_handler,
                needs_photo=offer.needs_photo,
            )
            for offer in offers
        ],
    )


def media_out(number: str, one: Evidence) -> MediaOut:
    return MediaOut(
        id=one.pk,
        kind=one.kind,
        sha256=one.sha256,
        width=one.width,
        height=one.height,
        taken_at=one.taken_at,
        added_at=one.added_at,
        path=f"/api/v1/cases/{number}/media/{one.pk}",
    )


def organisation_out(organisation: Organisation | None) -> OrganisationOut | None:
    return OrganisationOut(code=organisation.code, name=organisation.name) if organisation else None


def _fields(case: Case) -> dict[str, Any]:
    return {
        "number": case.number,
        "version": case.version,
        "scenario": case.scenario,
        "class_code": case.class_code,
        "title": case.title,
        "state": case.state,
        "state_name": case.get_state_display(),
        "is_open": case.is_open,
        "urgent": case.urgent,
        "petition": case.petition,
        "lead": organisation_out(case.lead),
        "handler": organisation_out(case.handler),
        "source": case.source_kind,
        "place_id": case.place_id,
        "place_name": case.place_name,
        "area_code": case.area_code,
        "lon": None if case.lon is None else float(case.lon),
        "lat": None if case.lat is None else float(case.lat),
        "found_at": case.found_at,
        "filed_at": case.filed_at,
        "deadline_at": case.deadline_at,
        "handled_at": case.handled_at,
        "closed_at": case.closed_at,
        "sightings": case.sightings,
        "rework_count": case.rework_count,
        "origin": case.origin,
    }
