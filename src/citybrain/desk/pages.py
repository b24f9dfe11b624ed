"""The front page and the health page."""

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from citybrain.desk.navigation import entries_for


def home(request: HttpRequest) -> HttpResponse:
    """Leads to the first page the person may open; says so when there is none."""
    entries = entries_for(request)
    return redirect(entries[0]["url"]) if entries else render(request, "desk/home.html")


@login_not_required
def health(_request: HttpRequest) -> HttpResponse:
    """`ok` while the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")
