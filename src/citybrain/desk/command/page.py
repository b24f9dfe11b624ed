"""The page that stays open for days, and the state it asks for every few seconds."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from citybrain.desk.answered import unchanged_or_json
from citybrain.desk.cases.person import person_of
from citybrain.desk.command.state import state_for

# What the page shows is what its viewer may see anyway; sending has a permission of its own.
may_watch = permission_required(["events.view_case", "events.view_devicehealth"], raise_exception=True)


@require_GET
@may_watch
def show(request: HttpRequest) -> HttpResponse:
    """The frame; its script fills it and keeps it true."""
    return render(
        request, "command/page.html", {"may_send": person_of(request).has_perm("events.send_resource")}
    )


@require_GET
@may_watch
def state(request: HttpRequest) -> HttpResponse:
    """The state of the city as JSON; 304 while it stands."""
    return unchanged_or_json(request, state_for(person_of(request)))
