"""The second factor of administrators: a code of an authenticator besides the password (TOTP, RFC 6238).

Without it an administrator's session opens nothing but the page that asks for the code. At the first sign-in
that page shows the key to scan. Codes are tried one a second and slower with each wrong one, by django-otp.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import segno
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_otp import login, match_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from citybrain.desk.accounts.models import User
from citybrain.desk.accounts.roles import load_roles
from citybrain.desk.cases.person import person_of
from citybrain.settings import get_settings

NEEDED = "second_factor_needed"  # in the session
RECOVERY_CODES = 8
_OPEN_WITHOUT = ("second-factor", "sign-out")
_ISSUER = "城市大脑"


class SecondFactorMiddleware:
    """Leads whoever needs a second factor to the page that asks for it, whatever they asked for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _words: Any, _more: Any
    ) -> HttpResponse | None:
        if not getattr(view, "login_required", True) or not waits(request):
            return None
        if request.resolver_match and request.resolver_match.view_name in _OPEN_WITHOUT:
            return None
        return redirect(f"{reverse('second-factor')}?next={request.path}")


@dataclass(frozen=True)
class Key:
    """What an authenticator takes: a picture to scan (SVG as a data URI), or letters to type."""

    picture: str
    letters: str


def note_need(request: HttpRequest | None, user: User, **_more: Any) -> None:
    """At the sign-in: whether one of the person's roles asks for a second factor."""
    if request is not None and needs(user):
        request.session[NEEDED] = True


def needs(user: User) -> bool:
    roles = load_roles()
    names = user.groups.values_list("name", flat=True)
    return user.is_staff or any(roles[name].second_factor for name in names if name in roles)


def waits(request: HttpRequest) -> bool:
    """Whether the session has a password behind it and still lacks the code that it needs."""
    if not get_settings().desk_second_factor or not request.user.is_authenticated:
        return False
    needed = request.user.is_staff or request.session.get(NEEDED, False)
    return bool(needed) and not cast("Any", request.user).is_verified()


@never_cache
@require_http_methods(["GET", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Asks for the code; the first time it shows the key, and after it the codes for a lost telephone."""
    person = person_of(request)
    if not waits(request):
        return redirect(_after(request))
    known = TOTPDevice.objects.filter(user=person, confirmed=True).exists()
    if request.method == "POST":
        code = request.POST.get("code", "").replace(" ", "")[:16]
        device = match_token(person, code) if known else _confirmed(person, code)
        if device is not None:
            login(request, device)
            if known:
                return redirect(_after(request))
            told = {"recovery": _recovery_codes(person), "after": _after(request)}
            return render(request, "registration/recovery_codes.html", told)
    words = {
        "key": None if known else _key(_unconfirmed(person)),
        "wrong": request.method == "POST",
        "next": _after(request),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "registration/second_factor.html", words, status=status)


def _after(request: HttpRequest) -> str:
    """Where the person had been going; only within the desk."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    own = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return wanted if own else reverse("home")


def _unconfirmed(person: User) -> TOTPDevice:
    made, _ = TOTPDevice.objects.get_or_create(
        user=person, confirmed=False, defaults={"name": "authenticator"}
    )
    return made


@transaction.atomic
def _confirmed(person: User, code: str) -> TOTPDevice | None:
    """The device whose key was shown, once a code of it came back."""
    device = TOTPDevice.objects.select_for_update().filter(user=person, confirmed=False).first()
    if device is None or not device.verify_is_allowed()[0] or not device.verify_token(code):
        return None
    device.confirmed = True
    device.save()
    return device


def _key(device: TOTPDevice) -> Key:
    address = device.config_url.replace("otpauth://totp/", f"otpauth://totp/{_ISSUER}:", 1)
    picture = segno.make(address, error="m").svg_data_uri(scale=5, border=2, light="white")
    return Key(picture, base64.b32encode(device.bin_key).decode().rstrip("="))


@transaction.atomic
def _recovery_codes(person: User) -> list[str]:
    """New ones, each good once, in place of those that were."""
    StaticDevice.objects.filter(user=person).delete()
    device = StaticDevice.objects.create(user=person, name="recovery", confirmed=True)
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create([StaticToken(device=device, token=code) for code in codes])
    return codes
