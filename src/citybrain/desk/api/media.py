"""Pictures of a case: read by who sees the case, sent by who handles it."""

from typing import Annotated, Any, BinaryIO, cast

from django.http import Http404, HttpRequest, HttpResponse
from ninja import File, Path, Router, UploadedFile

from citybrain.desk.api.acting import require
from citybrain.desk.api.cases import VIEW, case_seen
from citybrain.desk.api.keeping import refused_by_the_lake
from citybrain.desk.api.once import Made, once
from citybrain.desk.api.problems import ProblemError
from citybrain.desk.api.shapes import MediaOut, media_out
from citybrain.desk.api.words import CaseNumber, IdempotencyKey, not_found
from citybrain.desk.cases.pictures import picture_answer
from citybrain.events.models import Evidence
from citybrain.events.photos import PhotoRefusedError, add_photo

router = Router(tags=["media"])
_PICTURE: dict[str, Any] = {
    "responses": {
        200: {
            "description": "the picture",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ("image/jpeg", "image/png", "image/webp")
            },
        },
        304: {"description": "the picture that If-None-Match names"},
    }
}


@router.get(
    "/cases/{number}/media/{media_id}",
    response={200: None},
    operation_id="read_media",
    summary="One picture",
    openapi_extra=_PICTURE,
)
def read_media(
    request: HttpRequest, number: CaseNumber, media_id: Annotated[int, Path(..., ge=1, le=2**63 - 1)]
) -> HttpResponse:
    """Its bytes, checked against the hash that the history keeps."""
    case = case_seen(require(request, VIEW), number)
    found = Evidence.objects.filter(pk=media_id, case=case).first()
    if found is None:
        raise not_found()
    try:
        with refused_by_the_lake():
            return picture_answer(request, found, number)
    except Http404 as error:
        raise not_found() from error


@router.post(
    "/cases/{number}/media",
    response={201: MediaOut},
    operation_id="add_media",
    summary="Add a photo of after",
)
def add_media(
    request: HttpRequest,
    number: CaseNumber,
    file: Annotated[UploadedFile, File(..., description="JPEG, PNG or WebP")],
    idempotency_key: IdempotencyKey = None,
) -> HttpResponse:
    """Proof of handling, by the organisation that handles the case. What EXIF says moves into fields."""
    require(request, VIEW)
    account = require(request, "events.handle_case")

    def add() -> Made:
        case = case_seen(account, number)
        try:
            with refused_by_the_lake():
                kept = add_photo(case, cast("BinaryIO", file), Evidence.Kind.AFTER, account)
        except PhotoRefusedError as refused:
            raise ProblemError(422, str(refused), ("file", str(refused))) from refused
        said = media_out(number, kept)
        return Made(201, said, said.path)

    return once(request, idempotency_key, add)
