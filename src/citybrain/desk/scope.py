"""Each request works in one transaction that knows whose rows it may see."""

from collections.abc import Callable

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponseBase

from citybrain.warehouse.row_scope import NOBODY, RowScope, enter


class RowScopeMiddleware:
    """Opens the transaction of a request and tells it who asks.

    A view that raises is rolled back by its own savepoint (ATOMIC_REQUESTS).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with transaction.atomic():
            with connection.cursor() as cursor:
                enter(cursor, scope_of(request))
            return self.get_response(request)


def scope_of(request: HttpRequest) -> RowScope:
    """What the signed-in person may see; nothing for anybody else."""
    return request.user.row_scope if request.user.is_authenticated else NOBODY
