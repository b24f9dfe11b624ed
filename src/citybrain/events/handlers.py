"""Who handles a case of a class, where its place says so."""

from django.db import connection

from citybrain.events.case_classes import CaseClass
from citybrain.events.models import Case
from citybrain.events.outbox import organisation_of
from citybrain.events.people import Organisation

_COMPANY = "SELECT property_company_id FROM marts.dim_compound WHERE compound_id = %s"


def handler_for(case: Case, rule: CaseClass) -> Organisation | None:
    """The organisation that the class finds for the case's place; None means that a dispatcher decides."""
    found = None
    match rule.handler:
        case "property_company_of_place":
            company = _property_company(case.place_id)
            found = organisation_of(kind="company", code=company) if company else None
        case "community_of_place":
            found = organisation_of(kind="community", area_code=case.area_code) if case.area_code else None
        case "dispatcher":
            pass
    if found is None and rule.handler_department:
        return organisation_of(code=rule.handler_department)
    return found


def _property_company(place_id: str) -> str | None:
    """The company of a compound; None for a place that is none, or while the mart is not built."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('marts.dim_compound') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(_COMPANY, [place_id])
        found = cursor.fetchone()
    return found[0] if found else None
