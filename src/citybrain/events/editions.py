"""Editions of the case classes: a changed file is published as the next one, and none is ever edited.

A case keeps the scheme and version it was registered under, and with them its limits, photo rules and checks.
"""

import hashlib
import json
from functools import cache
from pathlib import Path

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from citybrain import ledger
from citybrain.catalogue.content_file import load_content
from citybrain.events.case_classes import CLASSES_FILE, CaseClasses, Edition, Filing
from citybrain.events.models import Case, ClassEdition
from citybrain.events.scope import as_system


class NoEditionError(LookupError):
    """No case classes are published yet: `citybrain cases publish` or `python -m citybrain.desk prepare`."""


def publish(path: Path = CLASSES_FILE) -> tuple[Edition, bool]:
    """The file's edition, and whether it is new: classes that stand already are not published again.

    Raises ContentError.
    """
    content = load_content(path, CaseClasses).filled_in().model_dump(mode="json")
    sha256 = hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    with as_system():
        with connection.cursor() as cursor:  # of two processes one publishes
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('citybrain case classes'))")
        newest = ClassEdition.objects.last()
        if newest is not None and newest.sha256 == sha256:
            return _edition(newest.pk), False
        published = ClassEdition.objects.create(
            scheme=content["scheme"],
            version=_next_version(content["scheme"]),
            sha256=sha256,
            content=content,
            published_at=timezone.now(),
        )
        payload = {"scheme": published.scheme, "version": published.version, "sha256": sha256}
        ledger.append(
            connection.connection, "case_classes", f"case_classes:{'/'.join(published.key)}", payload
        )
    return _edition(published.pk), True


def _next_version(scheme: str) -> str:
    """One more than any edition, or any case of before there were editions, has."""
    used = [*ClassEdition.objects.filter(scheme=scheme).values_list("version", flat=True)]
    used.append(Case.objects.filter(class_scheme=scheme).aggregate(newest=Max("class_version"))["newest"])
    return str(max((int(one) for one in used if one and one.isdecimal()), default=0) + 1)


def current() -> Edition:
    """The edition that new cases are registered under. Raises NoEditionError."""
    newest = _newest()
    if newest is None:
        raise NoEditionError(NoEditionError.__doc__)
    return newest


def urgent_scenarios() -> list[str]:
    """The scenarios with an urgent class in the current edition; none while there is no edition."""
    newest = _newest()
    return [] if newest is None else newest.urgent_scenarios


def filing_of(scenario: str, class_code: str) -> Filing | None:
    """The class that a new signal belongs to now; None for none."""
    return current().filing(scenario, class_code)


def filing_of_case(case: Case) -> Filing:
    """The case's class as it was published when the case was registered.

    A case of before there were editions goes by the oldest one. Raises ValueError for a class that is gone.
    """
    edition = _edition_of(case.class_scheme, case.class_version)
    filing = edition.filing(case.scenario, case.class_code)
    if filing is None:
        raise ValueError(
            f"{edition.scheme} {edition.version} has no class {case.class_code} of {case.scenario}"
        )
    return filing


def _newest() -> Edition | None:
    newest = ClassEdition.objects.order_by("-id").values_list("pk", flat=True).first()
    return None if newest is None else _edition(newest)


@cache
def _edition(pk: int) -> Edition:
    row = ClassEdition.objects.get(pk=pk)
    return Edition(CaseClasses.model_validate(row.content), row.version)


@cache
def _edition_of(scheme: str, version: str) -> Edition:
    known = ClassEdition.objects.filter(scheme=scheme, version=version).first()
    oldest = known or ClassEdition.objects.order_by("id").first()
    if oldest is None:
        raise NoEditionError(NoEditionError.__doc__)
    return _edition(oldest.pk)


@transaction.atomic
def editions() -> list[tuple[str, str, str]]:
    """Scheme, version and SHA-256 of every edition, the oldest first."""
    return list(ClassEdition.objects.order_by("id").values_list("scheme", "version", "sha256"))
