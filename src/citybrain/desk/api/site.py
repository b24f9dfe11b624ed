"""The API put together: its operations, its refusals, and the document that tells of them."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI, Swagger
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.renderers import JSONRenderer

from citybrain.desk.api import cases, media, reports, steps, webhooks
from citybrain.desk.api.acting import SystemKey, in_its_scope
from citybrain.desk.api.parsing import StrictParser
from citybrain.desk.api.problems import PROBLEM_TYPE, Problem, ProblemError, problem

_ABOUT = """
Cases, reports, pictures and webhooks for systems of departments. A system sees and does what the roles of its
account allow, within its department or county. Faults are `application/problem+json`; a day's calls above the
system's limit are answered with 429 and `Retry-After`. How to connect: `docs/how-to/connect-a-system.md`.
"""
# What every operation may answer besides what it is for, and what only those that change something may.
_ALWAYS = (400, 401, 403, 404, 422, 429, 503)
_WRITES = (409, 413, 415)


class Readable(JSONRenderer):
    """Chinese as it is written."""

    json_dumps_params = {"ensure_ascii": False}


class DeskApi(NinjaAPI):
    """Its document tells of refusals as they are sent."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"] |= {**schema.pop("$defs"), "Problem": schema}
        for operations in document["paths"].values():
            for method, operation in operations.items():
                statuses = (*_ALWAYS, *(_WRITES if method != "get" else ()))
                operation["responses"] |= {status: _refusal(status) for status in statuses}
        return document


def _refusal(status: int) -> dict[str, Any]:
    said: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in (429, 503):
        said["headers"] = {
            "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}}
        }
    return said


api = DeskApi(
    title="城市大脑 · 部门系统接口",
    version="1.0.0",
    description=_ABOUT.strip(),
    urls_namespace="api",
    docs=Swagger({"validatorUrl": None, "defaultModelsExpandDepth": 0, "tryItOutEnabled": False}),
    docs_url="/docs/",
    auth=SystemKey(),
    parser=StrictParser(),
    renderer=Readable(),
)
api.add_decorator(in_its_scope)
for _router in (cases.router, steps.router, reports.router, media.router, webhooks.router):
    api.add_router("", _router)


@api.exception_handler(ProblemError)
def _refused(_request: HttpRequest, error: ProblemError) -> HttpResponse:
    return problem(error.status, error.detail, error.faults, error.headers)


@api.exception_handler(ValidationError)
def _invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    """The fields by the names they are sent with: where they came from says the operation itself."""
    faults = [(_field(one["loc"]), str(one["msg"])) for one in error.errors]
    return problem(422, "fields are wrong", faults)


def _field(place: tuple[str | int, ...]) -> str:
    """`("body", "step", "version")` is the member `version`: its source comes first, then its argument."""
    source, *rest = place
    named = rest[1:] if source in ("body", "form", "query") and len(rest) > 1 else rest
    return ".".join(str(part) for part in named) or str(source)


@api.exception_handler(HttpError)
def _ninja_refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    cause = error.__cause__  # ninja wraps what its parser raises
    if isinstance(cause, ProblemError):
        return _refused(request, cause)
    return problem(error.status_code, error.message)


@api.exception_handler(Http404)
def _nothing(_request: HttpRequest, _error: Http404) -> HttpResponse:
    return problem(404, "there is nothing here")


@api.exception_handler(RequestDataTooBig)
def _too_big(_request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem(413, str(error))


@api.exception_handler(SuspiciousOperation)
def _suspicious(_request: HttpRequest, _error: SuspiciousOperation) -> HttpResponse:
    return problem(400, "the request cannot be read")


@api.exception_handler(MultiPartParserError)
def _broken_form(_request: HttpRequest, error: MultiPartParserError) -> HttpResponse:
    return problem(400, f"the form cannot be read: {error}")


@api.exception_handler(OperationalError)
def _busy(_request: HttpRequest, _error: OperationalError) -> HttpResponse:
    """A lock or a statement took too long, or the database restarts: nothing of the call stands."""
    return problem(503, "busy; nothing of the call stands", headers={"Retry-After": "5"})


def patterns() -> list[URLPattern | URLResolver]:
    """The addresses; the key is their sign-in."""
    found, _, _ = api.urls
    for one in found:
        callback: Callable[..., Any] | None = getattr(one, "callback", None)
        if callback is not None:
            login_not_required(callback)
    return found
