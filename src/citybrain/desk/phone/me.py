"""Who I am here, and what became of what I reported."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from citybrain.desk.accounts.roles import load_roles
from citybrain.desk.cases.person import person_of
from citybrain.events.models import Signal

REPORTS = 20
OPENS = ("events.report_case", "events.view_case")  # any of them


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """Name, organisation, roles, and the newest reports. Raises PermissionDenied."""
    if not any(request.user.has_perm(one) for one in OPENS):
        raise PermissionDenied
    person = person_of(request)
    roles = load_roles()
    names = [name for name in person.groups.values_list("name", flat=True) if name in roles]
    reports = Signal.objects.filter(reporter_id=person.pk).select_related("case").order_by("-pk")[:REPORTS]
    return render(
        request,
        "phone/me.html",
        {
            "roles": [roles[name].zh for name in names],
            "reports": [(report, report.key.rpartition(":")[2]) for report in reports],
        },
    )
