"""Refusals as RFC 9457 has them: `application/problem+json` that names the fields at fault."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from django.http import HttpResponse
from pydantic import BaseModel, Field

PROBLEM_TYPE = "application/problem+json"


class Fault(BaseModel):
    """`field` is the name of a parameter, a header or a member of the body; a dot leads into a member."""

    field: str
    message: str


class Problem(BaseModel):
    """Why a call was refused. `detail` is for people, and Chinese where the rules of cases refuse."""

    type: str = Field(default="about:blank", description="always about:blank: the status says it all")
    title: str = Field(description="the words of the status")
    status: int
    detail: str
    faults: list[Fault] = Field(default=[], description="the fields that are wrong, none for other reasons")


class ProblemError(Exception):
    """A call is refused, and nothing of it stands. `faults`: pairs of a field and what is wrong with it."""

    def __init__(
        self,
        status: int,
        detail: str,
        *faults: tuple[str, str],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.faults, self.headers = status, detail, faults, headers or {}


def problem(
    status: int,
    detail: str,
    faults: Sequence[tuple[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The answer that says so."""
    said = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        faults=[Fault(field=field, message=message) for field, message in faults],
    )
    body = json.dumps(said.model_dump(), ensure_ascii=False)
    return HttpResponse(body, status=status, content_type=PROBLEM_TYPE, headers=dict(headers or {}))
