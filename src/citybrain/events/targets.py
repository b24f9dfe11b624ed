"""Addresses to tell at, and who is woken where, as one file that a city keeps beside its settings."""

from datetime import time
from pathlib import Path
from typing import Any

from apprise import Apprise
from django.apps import apps
from django.db import connection
from pydantic import Field, model_validator

from citybrain.catalogue.content_file import ContentError, ContentModel, line_of, load_content, read_yaml
from citybrain.events.models import NotifyTarget, Warden
from citybrain.events.outbox import channel_of
from citybrain.events.scope import as_system

_REGISTER = """
SELECT point_id, warden_id, warden_role, row_number() OVER (PARTITION BY point_id ORDER BY warden_id)
FROM marts.dim_flood_warden ORDER BY point_id, warden_id
"""


class Target(ContentModel):
    """An address that Apprise knows: webhook, mail, DingTalk, WeCom, Feishu, a gateway of SMS or voice.

    Between `quiet_from` and `quiet_to` (Asia/Shanghai) only urgent cases are told at once.
    """

    url: str = Field(min_length=1, max_length=500)
    label: str = Field(default="", max_length=60)
    quiet_from: time | None = None
    quiet_to: time | None = None

    @model_validator(mode="after")
    def _usable(self) -> "Target":
        if not Apprise().add(self.url):
            raise ValueError("Apprise knows no such address")
        if (self.quiet_from is None) != (self.quiet_to is None):
            raise ValueError("quiet hours have a beginning and an end")
        return self


class OrganisationTargets(ContentModel):
    organisation: str = Field(description="code of the organisation")
    targets: list[Target] = Field(min_length=1)


class PersonTargets(ContentModel):
    person: str = Field(description="user name")
    targets: list[Target] = Field(min_length=1)


class WardenTargets(ContentModel):
    """Who answers for a place; `place` may be left out for a warden of the register."""

    warden: str = Field(max_length=64)
    place: str = Field(default="", max_length=64)
    ordinal: int = Field(default=1, ge=1, description="who is woken first")
    role: str = Field(default="", max_length=60)
    targets: list[Target] = []


class TargetsFile(ContentModel):
    organisations: list[OrganisationTargets] = []
    people: list[PersonTargets] = []
    wardens: list[WardenTargets] = []


def import_targets(path: Path) -> dict[str, int]:
    """Take the file over, whole or not at all; how many there are of each. Raises ContentError."""
    told = load_content(path, TargetsFile)
    with as_system():
        NotifyTarget.objects.update(is_active=False)
        faults: list[tuple[tuple[int | str, ...], str]] = []
        for index, one in enumerate(told.organisations):
            owner = _found("accounts.Organisation", code=one.organisation)
            if owner is None:
                faults.append((("organisations", index), f"there is no organisation {one.organisation}"))
            else:
                _keep(one.targets, organisation_id=owner)
        for index, person in enumerate(told.people):
            owner = _found("accounts.User", username=person.person)
            if owner is None:
                faults.append((("people", index), f"there is no person {person.person}"))
            else:
                _keep(person.targets, person_id=owner)
        for index, warden in enumerate(told.wardens):
            for owner in (known := _wardens(warden)):
                _keep(warden.targets, warden_id=owner)
            if not known:
                faults.append(
                    (("wardens", index), f"the register has no warden {warden.warden}: give `place`")
                )
        if faults:
            tree = read_yaml(path)
            raise ContentError(path, [(line_of(tree, where), reason) for where, reason in faults])
        active = NotifyTarget.objects.filter(is_active=True)
        return {"targets": active.count(), "wardens": Warden.objects.filter(is_active=True).count()}


def sync_wardens() -> int:
    """The wardens of the city's register of flood points; how many. None while its mart is not built."""
    with as_system(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('marts.dim_flood_warden') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(_REGISTER)
        rows = [
            Warden(place_id=place, code=code, role=role, ordinal=ordinal)
            for place, code, role, ordinal in cursor.fetchall()
        ]
        Warden.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["place_id", "code"],
            update_fields=["role", "ordinal"],
        )
    return len(rows)


def _found(model: str, **named: str) -> int | None:
    found = apps.get_model(model).objects.filter(**named).first()
    return int(found.pk) if found is not None else None


def _wardens(told: WardenTargets) -> list[int]:
    """The rows of a warden: those of the register, or the one that the file describes."""
    if not told.place:
        return list(Warden.objects.filter(code=told.warden, is_active=True).values_list("pk", flat=True))
    row, _ = Warden.objects.update_or_create(
        place_id=told.place,
        code=told.warden,
        defaults={"ordinal": told.ordinal, "role": told.role, "is_active": True},
    )
    return [row.pk]


def _keep(targets: list[Target], **owner: Any) -> None:
    for target in targets:
        NotifyTarget.objects.update_or_create(
            **owner,
            channel=channel_of(target.url),
            defaults={
                "url": target.url,
                "label": target.label,
                "quiet_from": target.quiet_from,
                "quiet_to": target.quiet_to,
                "is_active": True,
            },
        )
