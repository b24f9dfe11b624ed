"""Administrators show a second factor: enrolled at the first sign-in, asked for at every one after it."""

import re
import time
from typing import Any

import pytest
from desk_city import City
from django_otp.oath import TOTP

pytestmark = pytest.mark.integration
PAGE = "/sign-in/second-factor/"


@pytest.fixture
def admin(desk_city: City) -> Any:
    return desk_city.person("system_admin", desk_city.people["system_admin"].organisation, password=True)


def signed_in_by_password(city: City, person: Any) -> Any:
    from django.test import Client

    client = Client(headers={"host": "127.0.0.1"})
    words = {"username": person.username, "password": city.settings.secret(f"desk_{person.username}")}
    assert client.post("/sign-in/", words).status_code == 302
    return client


def code_of(person: Any, steps: int = 0) -> str:
    """What the person's authenticator shows, so many steps of 30 s from now."""
    from django_otp.plugins.otp_totp.models import TOTPDevice

    device = TOTPDevice.objects.get(user=person)
    shown = TOTP(device.bin_key, device.step, device.t0, device.digits)
    shown.time = time.time() + steps * device.step
    return f"{shown.token():06d}"


def forget_wrong_codes(person: Any) -> None:
    """As if the time had passed that each wrong code makes everybody wait, and no code had been used."""
    from django_otp.plugins.otp_static.models import StaticDevice
    from django_otp.plugins.otp_totp.models import TOTPDevice

    still = {"throttling_failure_count": 0, "throttling_failure_timestamp": None}
    TOTPDevice.objects.filter(user=person).update(last_t=-1, **still)
    StaticDevice.objects.filter(user=person).update(**still)


def test_an_administrator_enrols_and_then_shows_codes(desk_city: City, admin: Any) -> None:
    client = signed_in_by_password(desk_city, admin)
    for address in ("/systems/", "/admin/", "/"):
        led = client.get(address)
        assert led.status_code == 302 and led.url.startswith(PAGE), address
    page = client.get(f"{PAGE}?next=/systems/").content.decode()
    assert "data:image/svg+xml" in page and re.search(r'id="letters">[A-Z2-7]{32}<', page)

    wrong = client.post(PAGE, {"code": "000000", "next": "/systems/"})
    assert wrong.status_code == 422 and "验证码不正确" in wrong.content.decode()
    assert client.get("/systems/").status_code == 302
    forget_wrong_codes(admin)
    enrolled = client.post(PAGE, {"code": code_of(admin), "next": "/systems/"}).content.decode()
    recovery = re.findall(r"<li><code>([a-z2-7]+)</code>", enrolled)
    assert len(set(recovery)) == 8 and 'href="/systems/"' in enrolled
    assert client.get("/systems/").status_code == 200

    again = signed_in_by_password(desk_city, admin)
    page = again.get(PAGE).content.decode()
    assert "data:image/svg" not in page, "the key is shown once"
    used = code_of(admin)
    assert again.post(PAGE, {"code": used}).status_code == 422, "a code that was used is used"
    forget_wrong_codes(admin)
    assert again.post(PAGE, {"code": code_of(admin), "next": "//evil.example/"}).url == "/"
    assert again.get("/admin/").status_code == 200

    lost = signed_in_by_password(desk_city, admin)
    assert lost.post(PAGE, {"code": recovery[0]}).status_code == 302
    assert lost.get("/systems/").status_code == 200
    twice = signed_in_by_password(desk_city, admin)
    assert twice.post(PAGE, {"code": recovery[0]}).status_code == 422


def test_wrong_codes_slow_down(desk_city: City, admin: Any) -> None:
    client = signed_in_by_password(desk_city, admin)
    client.get(PAGE)
    for _ in range(3):
        assert client.post(PAGE, {"code": "000000"}).status_code == 422
    assert client.post(PAGE, {"code": code_of(admin)}).status_code == 422, "the right one has to wait, too"


def test_who_needs_one(desk_city: City, monkeypatch: pytest.MonkeyPatch, admin: Any) -> None:
    from citybrain.desk.accounts.second_factor import needs
    from citybrain.settings import get_settings

    asked = {role for role, person in desk_city.people.items() if needs(person)}
    assert asked == {"system_admin", "security_admin", "auditor"}
    auditor = desk_city.person("auditor", desk_city.people["auditor"].organisation, password=True)
    assert signed_in_by_password(desk_city, auditor).get("/cases/").url.startswith(PAGE)
    handler = desk_city.person("property_company", desk_city.company, password=True)
    client = signed_in_by_password(desk_city, handler)
    assert client.get("/phone/").status_code == 200 and client.get(PAGE).status_code == 302
    monkeypatch.setattr(get_settings(), "desk_second_factor", False)
    assert signed_in_by_password(desk_city, admin).get("/systems/").status_code == 200


def test_a_lost_telephone_is_unlocked_by_the_security_administrator(
    desk_city: City, admin: Any, signed_in: Any
) -> None:
    from django_otp.plugins.otp_totp.models import TOTPDevice

    device = TOTPDevice.objects.create(user=admin, confirmed=True)
    security = signed_in(desk_city.people["security_admin"])
    address = f"/admin/otp_totp/totpdevice/{device.pk}"
    assert device.key not in security.get(f"{address}/change/").content.decode()
    assert security.post(f"{address}/delete/", {"post": "yes"}).status_code == 302
    assert not TOTPDevice.objects.filter(pk=device.pk).exists()
    assert signed_in(desk_city.people["system_admin"]).get(f"{address}/change/").status_code == 403
