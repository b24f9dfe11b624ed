"""Refusals as the standard words them: a list of code and description, with the status of the code."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse

from citybrain.desk.open311.formats import Value, answer


class RefusedError(Exception):
    """`status` is the HTTP status, the text what was wrong, for the person at the application."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def refusals_in_its_format(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that raises RefusedError answers in the format that was asked for."""

    @wraps(view)
    def answering(request: HttpRequest, *words: str, form: str, **more: str) -> HttpResponse:
        try:
            return view(request, *words, form=form, **more)
        except RefusedError as refused:
            errors: Value = [{"code": refused.status, "description": str(refused)}]
            return answer(form, "errors", errors, refused.status)

    return answering
