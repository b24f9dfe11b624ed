"""Bodies as the API takes them: strict JSON, and forms of the declared types only."""

from typing import Any, cast

import orjson
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser

from citybrain.desk.api.problems import ProblemError

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


class StrictParser(Parser):
    """No NaN, no lone surrogates, no body of another type than the operation names."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Raises ProblemError 415, and 400 for what is no JSON."""
        if request.content_type != "application/json":
            raise _wrong_type(request, "application/json")
        try:
            return cast("dict[str, Any]", orjson.loads(request.body))
        except orjson.JSONDecodeError as error:
            raise ProblemError(400, f"the body is no JSON: {error}") from error

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        """Raises ProblemError 415 for a form that is none; 422 for a field given twice that takes one."""
        if data is not request.GET and request.content_type not in _FORMS:
            raise _wrong_type(request, _FORMS[0])
        for name in data:
            if name not in list_fields and len(data.getlist(name)) > 1:
                raise ProblemError(422, "a field is given twice", (name, "takes one value"))
        return super().parse_querydict(data, list_fields, request)


def _wrong_type(request: HttpRequest, wanted: str) -> ProblemError:
    given = (request.content_type or "nothing")[:80]
    return ProblemError(415, f"this address takes {wanted}", ("Content-Type", f"{given} is not taken"))
