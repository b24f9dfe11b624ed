"""Answers to scripts: JSON for a page that asks again and again, and that a kept form arrived."""

import hashlib
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified


def unchanged_or_json(request: HttpRequest, told: Any) -> HttpResponse:
    """`told` as JSON with an ETag of its text; 304 when the browser has the same one."""
    text = orjson.dumps(told)
    tag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
    same = request.headers.get("If-None-Match") == tag
    answer = HttpResponseNotModified() if same else HttpResponse(text, content_type="application/json")
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, no-cache"
    return answer


def arrived(request: HttpRequest, onwards: HttpResponse) -> HttpResponse:
    """`onwards`; for a form that waited on the phone only that it arrived: a redirect would look like the one
    to the sign-in.
    """
    return HttpResponse(status=204) if "X-Kept-Form" in request.headers else onwards
