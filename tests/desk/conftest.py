"""A desk with two companies in two counties, a person of every role, and cases of theirs."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from desk_city import City, open_city

from citybrain.settings import Settings
from desk_in_browser import open_browser, running_desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def desk_city(desk: Settings) -> City:
    return open_city(desk)


@pytest.fixture
def signed_in(desk_city: City) -> "Callable[[Any], Any]":
    """A test client of the desk in which a person has signed in; None for nobody."""
    from django.test import Client

    def client(person: Any) -> Any:
        made = Client(headers={"host": "127.0.0.1"})
        if person is not None:
            made.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
            _show_second_factor(made, person)
        return made

    return client


def _show_second_factor(client: Any, person: Any) -> None:
    """The session of whoever needs a second factor has had it."""
    from django_otp import DEVICE_ID_SESSION_KEY
    from django_otp.plugins.otp_totp.models import TOTPDevice

    from citybrain.desk.accounts.second_factor import needs

    if not needs(person):
        return
    device, _ = TOTPDevice.objects.get_or_create(user=person, confirmed=True)
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()


@pytest.fixture(scope="module")
def server(desk: Settings, desk_city: City) -> Iterator[str]:
    with running_desk(desk) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with open_browser() as opened:
        yield opened
