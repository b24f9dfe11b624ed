"""The phone's pages as an app: the manifest that installs it, the worker that keeps its shell, and the page
that stands in for all others while there is no network. All three are the same for everybody.
"""

import hashlib
import json
from functools import cache
from pathlib import Path

from csp.constants import NONE, SELF
from csp.decorators import csp_replace
from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_GET

from citybrain.bi.semantics import Palette, Tokens
from citybrain.catalogue.content_file import load_content
from citybrain.settings import get_settings

# What the pages wear, kept on the phone for the page without a network. Never a page of somebody's own.
SHELL = (
    *("desk/tokens.css", "desk/desk.css", "desk/phone.css"),
    *("desk/photos.js", "desk/kept_photos.js", "desk/phone.js", "desk/field_queue.js", "desk/icon.svg"),
)
WORKER = Path(__file__).with_name("worker.js")


@login_not_required
@require_GET
def manifest(_request: HttpRequest) -> JsonResponse:
    """The web app manifest: what a browser needs to put the phone's pages on the home screen."""
    colours, start = _colours(), reverse("phone:tasks")
    said = {
        "id": start,
        "name": "城市大脑",
        "short_name": "城市大脑",
        "lang": "zh-Hans",
        "start_url": start,
        "scope": start,
        "display": "standalone",
        "theme_color": colours.brand,
        "background_color": colours.surface,
        "icons": [
            {"src": static("desk/icon.svg"), "sizes": "any", "type": "image/svg+xml"},
            *(_icon(side, purpose) for side in (192, 512) for purpose in ("any", "maskable")),
        ],
        "shortcuts": [{"name": "上报", "url": reverse("phone:report")}],
    }
    return JsonResponse(said, content_type="application/manifest+json")


@login_not_required
@require_GET
@csp_replace({"default-src": [NONE], "connect-src": [SELF]})
def worker(_request: HttpRequest) -> HttpResponse:
    """The service worker. It stands below `/phone/`, and so rules nothing else of the desk; browsers ask for
    it anew with each page and take it up once a byte of it or of its shell is another.
    """
    return HttpResponse(
        _worker(), content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )


@login_not_required
@require_GET
def without_network(_request: HttpRequest) -> HttpResponse:
    """Shown in place of a page that the network did not bring; it knows nobody, signed in or not."""
    return HttpResponse(_page())


def _icon(side: int, purpose: str) -> dict[str, str]:
    sizes = f"{side}x{side}"
    return {"src": static(f"desk/icon-{side}.png"), "sizes": sizes, "type": "image/png", "purpose": purpose}


@cache
def _colours() -> Palette:
    return load_content(get_settings().dashboards_dir / "theme" / "tokens.yml", Tokens).light


def _page() -> str:
    return render_to_string("phone/without_network.html")


@cache
def _worker() -> str:
    """The script, told what it keeps: the addresses, and a name for their contents (SHA-256)."""
    script, page = WORKER.read_text(encoding="utf-8"), _page()
    files = b"".join(Path(str(finders.find(name))).read_bytes() for name in SHELL)
    told = {
        "KEPT": "shell-" + hashlib.sha256(script.encode() + page.encode() + files).hexdigest()[:16],
        "WITHOUT_NETWORK": reverse("phone:without-network"),
        "SHELL": [static(name) for name in SHELL],
    }
    return "".join(f"const {name} = {json.dumps(value)};\n" for name, value in told.items()) + script
