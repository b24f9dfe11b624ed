"""A desk with two companies in two counties, a person of every role, and cases of theirs."""

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from desk_city import City, open_city

from citybrain.bi.render import CHROMIUM
from citybrain.settings import Settings
from citybrain.stack import desk as desk_processes

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
        return made

    return client


@pytest.fixture(scope="module")
def server(desk: Settings, desk_city: City) -> Iterator[str]:
    """The desk as the stack runs it, on the session's free port."""
    desk.run_dir.mkdir(exist_ok=True)
    with (desk.log_dir / "desk.log").open("ab") as log:
        process = subprocess.Popen(
            desk_processes.command("desk", desk),
            env=desk_processes.environment(desk),
            cwd="/",
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + 60
            while not _answers(desk.desk_url):
                assert process.poll() is None and time.monotonic() < deadline, "the desk does not answer"
                time.sleep(0.2)
            yield desk.desk_url
        finally:
            process.terminate()
            process.wait(20)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/-/health", timeout=5, trust_env=False).text == "ok"
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        # Playwright keeps an event loop in this thread; the test's own steps are not part of it.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()
