"""The page behind a warden's message: one button that says "I am on it". The link is the key, no sign-in."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from citybrain.events.scope import as_system
from citybrain.events.waking import answer, woken_by


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def answer_page(request: HttpRequest, token: str) -> HttpResponse:
    """Opening the link changes nothing, since messengers open links by themselves; the button answers."""
    with as_system():
        woken = woken_by(token)
        case = woken.case if woken else None
    if woken is None or case is None:
        raise Http404
    if request.method == "POST":
        answered = answer(token)
        state = "answered" if answered is not None else "over"
    else:
        state = "answered" if woken.state == woken.State.ANSWERED else "open"
    return render(request, "answer/answer.html", {"case": case, "woken": woken, "state": state})
