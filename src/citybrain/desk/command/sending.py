"""Sending a team or pumps to a case from the command page: a step of the case, on the ledger."""

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from citybrain.desk.cases.case_page import case_or_404
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.steps import StepRefusedError, key_in, version_in
from citybrain.desk.flood.forces import forces
from citybrain.events.acting import CaseRefusedError
from citybrain.events.resources import send


@require_POST
@permission_required("events.send_resource", raise_exception=True)
def send_force(request: HttpRequest) -> HttpResponse:
    """`{"said": …}`; 422 where it is refused, and then nothing of it stands."""
    person, case = person_of(request), case_or_404(request.POST.get("case", "").replace("\0", ""))
    chosen = request.POST.get("force", "")
    found = next((one.resource for one in forces() if one.resource.code == chosen), None)
    if found is None:
        return JsonResponse({"said": "登记中没有这支力量。"}, status=422)
    try:
        key, count = key_in(request), version_in(request.POST.get("count", ""))
        with transaction.atomic():
            send(case, found, count, person, key=key)
    except (StepRefusedError, CaseRefusedError) as refused:
        return JsonResponse({"said": str(refused)}, status=422)
    return JsonResponse({"said": f"已调派{found.name} {count} {found.unit}。"})
