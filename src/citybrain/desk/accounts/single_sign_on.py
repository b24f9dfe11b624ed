"""Sign-in by the city's own identity provider (OpenID Connect), where `CITYBRAIN_DESK_OIDC` names one.

The provider says who somebody is; accounts and roles are the desk's own, so an unknown name opens nothing.
"""

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET
from jwt import PyJWTError
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView
from requests import RequestException

from citybrain.desk.accounts.models import User

log = logging.getLogger(__name__)


class KnownPeople(OIDCAuthenticationBackend):  # type: ignore[misc]
    """People whose account stands here already, by the claim that carries its name."""

    def verify_token(self, token: str, **more: Any) -> dict[str, Any]:
        """A token of this provider, made for this desk. Raises SuspiciousOperation."""
        try:
            told: dict[str, Any] = super().verify_token(token, **more)
        except PyJWTError as error:
            raise SuspiciousOperation(f"the token is not valid: {error}") from error
        audience = told.get("aud")
        meant = audience if isinstance(audience, list) else [audience]
        if told.get("iss") != settings.OIDC_ISSUER or settings.OIDC_RP_CLIENT_ID not in meant:
            raise SuspiciousOperation("the token is of another provider, or for somebody else")
        return told

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        return bool(claims.get(settings.OIDC_USERNAME_CLAIM))

    def filter_users_by_claims(self, claims: dict[str, Any]) -> "QuerySet[User]":
        return User.objects.filter(username=claims[settings.OIDC_USERNAME_CLAIM], is_active=True)

    def describe_user_by_claims(self, claims: dict[str, Any]) -> str:
        return str(claims.get(settings.OIDC_USERNAME_CLAIM))


def stands() -> bool:
    """Whether settings name a provider."""
    return bool(getattr(settings, "OIDC_RP_CLIENT_ID", ""))


@login_not_required
@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    """To the provider. Raises Http404 where there is none."""
    if not stands():
        raise Http404
    answer: HttpResponse = OIDCAuthenticationRequestView.as_view()(request)
    return answer


@login_not_required
@require_GET
def come_back(request: HttpRequest) -> HttpResponse:
    """From the provider; back to the sign-in when it does not answer. Raises Http404 where there is none."""
    if not stands():
        raise Http404
    try:
        answer: HttpResponse = OIDCAuthenticationCallbackView.as_view()(request)
    except RequestException as error:
        log.error("the identity provider did not answer: %s", error)
        return redirect(settings.LOGIN_REDIRECT_URL_FAILURE)
    return answer
