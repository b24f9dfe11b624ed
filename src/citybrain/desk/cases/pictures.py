"""A case's pictures, straight from the lake and only for who may see the case."""

import logging

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from citybrain.events.models import Evidence
from citybrain.lake import LakeError, TooLargeError, download, spool_folder
from citybrain.settings import Settings, get_settings

log = logging.getLogger(__name__)
ZONES = ("evidence", "frames")  # of the lake; a row that names another bucket leads nowhere
_TYPES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"RIFF": "image/webp"}


@require_GET
@permission_required("events.view_case", raise_exception=True)
def picture(request: HttpRequest, number: str, evidence_id: int) -> HttpResponse:
    """One picture's bytes, checked against their hash. Row security hides the pictures of other people's
    cases.
    """
    return picture_answer(request, get_object_or_404(Evidence, pk=evidence_id, case__number=number), number)


def picture_answer(request: HttpRequest, found: Evidence, number: str) -> HttpResponse:
    """The bytes of a picture that the asker may see, or that they have it already. Raises Http404."""
    tag = f'"{found.sha256}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    content = _bytes(get_settings(), found)
    kind = next((kind for start, kind in _TYPES.items() if content.startswith(start)), None)
    if kind is None:
        raise Http404
    answer = HttpResponse(content, content_type=kind)
    answer["Cache-Control"] = "private, max-age=86400, immutable"
    answer["ETag"] = tag
    answer["Content-Disposition"] = f'inline; filename="{number}-{found.pk}"'
    return answer


def _bytes(settings: Settings, evidence: Evidence) -> bytes:
    """Raises Http404 when the lake does not hold what the row promises; the log says what it holds."""
    zone = next((zone for zone in ZONES if settings.bucket(zone) == evidence.bucket), None)
    if zone is None:
        raise Http404
    try:
        with spool_folder(settings) as folder:
            spooled = download(settings, zone, evidence.object_key, folder / "picture", evidence.sha256)
            return spooled.path.read_bytes()
    except (LakeError, TooLargeError) as error:
        log.error("picture %s of case %s: %s", evidence.pk, evidence.case_id, error)
        raise Http404("照片已损坏或缺失。") from error
