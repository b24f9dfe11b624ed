"""The page that stays open for days, and the state it asks for every few seconds."""

from django.contrib.auth.decorators import user_passes_test
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from citybrain.desk.accounts.models import User
from citybrain.desk.answered import unchanged_or_json
from citybrain.desk.cases.person import person_of
from citybrain.desk.command.state import state_for
from citybrain.desk.map_pages import draws_a_map


def _watches(user: User | AnonymousUser) -> bool:
    """Who looks after cases and devices of a county or the city; sending has a permission of its own."""
    if not user.has_perms(["events.view_case", "events.view_devicehealth"]):
        raise PermissionDenied
    if not isinstance(user, User) or user.row_scope.width not in ("county", "city"):
        raise PermissionDenied
    return True


may_watch = user_passes_test(_watches)


@require_GET
@may_watch
@draws_a_map
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
