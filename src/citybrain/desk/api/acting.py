"""Each call works as the account of its system: in a savepoint, with the row scope that the account has."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.db import connection, transaction
from django.http import HttpRequest
from ninja.security import APIKeyHeader

from citybrain.desk.accounts.models import User
from citybrain.desk.api.door import HEADER, CalledRequest
from citybrain.desk.api.problems import ProblemError
from citybrain.desk.systems.models import System
from citybrain.warehouse.row_scope import enter


class SystemKey(APIKeyHeader):
    """The key of a registered system (`citybrain desk systems add`)."""

    param_name = HEADER

    def authenticate(self, request: HttpRequest, key: str | None) -> System:
        """Raises ProblemError 401."""
        system = cast("CalledRequest", request).system
        if system is None:
            said = "the key is not valid" if key else "a key is needed"
            raise ProblemError(401, said, (HEADER, said), headers={"WWW-Authenticate": "ApiKey"})
        return system


def account_of(request: HttpRequest) -> User:
    """Whom the call works as."""
    system = cast("CalledRequest", request).system
    if system is None:
        raise ProblemError(401, "a key is needed", (HEADER, "a key is needed"))
    return system.account


def system_in(request: HttpRequest) -> System:
    """The system that calls."""
    account_of(request)
    return cast("System", cast("CalledRequest", request).system)


def require(request: HttpRequest, permission: str) -> User:
    """The account, which has the permission. Raises ProblemError 403."""
    account = account_of(request)
    if not account.has_perm(permission):
        raise ProblemError(403, f"no role of the system has the permission {permission}")
    return account


def in_its_scope(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that sees the rows of its system's account; what it wrote before it refused is taken back."""

    @wraps(view)
    def scoped(request: HttpRequest, *words: Any, **more: Any) -> Any:
        with transaction.atomic():
            with connection.cursor() as cursor:
                enter(cursor, account_of(request).row_scope)
            return view(request, *words, **more)

    return scoped
