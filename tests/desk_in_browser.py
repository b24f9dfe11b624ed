"""The desk as the stack runs it, and a browser, for tests of its pages in several rooms."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from citybrain.bi.render import CHROMIUM, NO_GRAPHICS_CARD
from citybrain.settings import Settings
from citybrain.stack import desk as desk_processes

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@contextmanager
def running_desk(desk: Settings) -> Iterator[str]:
    """The site under gunicorn on the session's free port; its address."""
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


@contextmanager
def open_browser() -> "Iterator[Browser]":
    """A headless Chromium, with Django usable beside it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        # Playwright keeps an event loop in this thread; the test's own steps are not part of it.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        opened = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", *NO_GRAPHICS_CARD],
        )
        yield opened
        opened.close()
