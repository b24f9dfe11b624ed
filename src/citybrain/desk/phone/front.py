"""Where the phone's app starts: the first of its pages that the person may open."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from citybrain.desk.navigation import PHONE_ENTRIES, entries_for
from citybrain.desk.phone import tasks


@require_GET
def open_app(request: HttpRequest) -> HttpResponse:
    """The tasks of who handles cases; others are led to their own first page. Raises PermissionDenied."""
    if request.user.has_perm("events.handle_case"):
        return tasks.index(request)
    entries = entries_for(request, PHONE_ENTRIES)
    if not entries:
        raise PermissionDenied
    return redirect(entries[0]["url"])
