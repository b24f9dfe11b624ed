"""The demo city's people at work: they act through the desk's pages alone, as anybody with a phone does.

A property company's guard opens the task list, accepts, starts, drives the car away and hands in a photo of
the empty lane. Nothing here reads or writes the database.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

from citybrain.settings import Settings
from citybrain.simulate.ledger import SimulationError

EmptyYard = Callable[[str, int], bytes]
"""The lane of a camera (id, seed) with nothing in it, as a JPEG; another seed, another picture."""

STEPS = ("accept", "start", "handle")  # in the order they are taken; those a page does not offer are left out
MOST_PAGES = 50
_TIMEOUT = httpx.Timeout(60, connect=10)


@dataclass
class Page(HTMLParser):
    """What a person sees of a page: forms with what they carry, cases of a list, the task itself."""

    forms: dict[str, dict[str, str]] = field(default_factory=dict)
    cases: dict[str, str] = field(default_factory=dict)
    task: dict[str, str] = field(default_factory=dict)
    next_page: str = ""
    _list: str = ""
    _form: dict[str, str] | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        match tag:
            case "form":
                self._form = {"action": found.get("action", "")}
                self.forms[found.get("id", found.get("action", ""))] = self._form
            case "input" if self._form is not None and found.get("type") == "hidden":
                self._form[found["name"]] = found.get("value", "")
            case "ul":
                self._list = found.get("id", "")
            case "li" if self._list == "tasks" and "data-case" in found:
                self.cases[found["data-case"]] = found.get("data-state", "")
            case "section" if found.get("id") == "task":
                self.task = found
            case "a" if found.get("rel") == "next":
                self.next_page = found.get("href", "")


def work_once(settings: Settings, empty_yard: EmptyYard, username: str) -> Counter[str]:
    """Do what waits for one account of a property company, and count the steps by name.

    Also counted: `refused` steps, and cases with `no_camera` of which no photo can be made. With nothing to
    do nothing is done. Raises SimulationError when the desk does not answer or lets the account not in.
    """
    done: Counter[str] = Counter()
    try:
        with _signed_in(settings, username) as desk:
            for number in _tasks(desk):
                _work_on(desk, number, empty_yard, done)
    except httpx.HTTPError as error:
        raise SimulationError(f"{settings.desk_url}: {error}") from error
    return done


def photo_seed(number: str, reworks: int) -> int:
    """A seed of its own for each round of a case: a photo that was sent back is not sent again."""
    return zlib.crc32(f"{number}:{reworks}".encode())


def _work_on(desk: httpx.Client, number: str, empty_yard: EmptyYard, done: Counter[str]) -> None:
    """Take the steps that a task offers, one page after the other."""
    for _ in STEPS:
        page = _read(desk, f"/phone/{number}/")
        action = next((step for step in STEPS if f"form-{step}" in page.forms), None)
        if action is None:
            return
        form = dict(page.forms[f"form-{action}"])
        files = None
        if action == "handle":
            camera = page.task.get("data-camera", "")
            if not camera:
                done["no_camera"] += 1
                return
            photo = empty_yard(camera, photo_seed(number, int(page.task.get("data-reworks") or 0)))
            files = {"photo": ("photo.jpg", photo, "image/jpeg")}
        answer = desk.post(form.pop("action"), data=form, files=files)
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            done["refused"] += 1
            return
        answer.raise_for_status()
        done[action] += 1


def _tasks(desk: httpx.Client) -> list[str]:
    """The numbers of all tasks, read through every page of the list before any is worked on."""
    found: dict[str, str] = {}
    address = "/phone/"
    for _ in range(MOST_PAGES):
        page = _read(desk, address)
        found |= page.cases
        if not page.next_page:
            break
        address = f"/phone/{page.next_page}"
    return list(found)


@contextmanager
def _signed_in(settings: Settings, username: str) -> Iterator[httpx.Client]:
    """A session of the account, signed out afterwards."""
    with httpx.Client(
        base_url=settings.desk_url,
        headers={"Referer": f"{settings.desk_url}/"},
        follow_redirects=True,
        timeout=_TIMEOUT,
        trust_env=False,
    ) as desk:
        form = next(iter(_read(desk, "/sign-in/").forms.values()))
        words = {"username": username, "password": settings.secret(f"desk_{username}")}
        answer = desk.post("/sign-in/", data={"csrfmiddlewaretoken": form["csrfmiddlewaretoken"], **words})
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise SimulationError(f"the account {username} is locked after wrong passwords; wait 15 minutes")
        if answer.url.path == "/sign-in/":
            raise SimulationError(f"the desk does not let {username} in; run `citybrain desk sync`")
        answer.raise_for_status()
        try:
            yield desk
        finally:
            leave = _read(desk, "/phone/me/").forms.get("/sign-out/")
            if leave is not None:
                desk.post("/sign-out/", data={"csrfmiddlewaretoken": leave["csrfmiddlewaretoken"]})


def _read(desk: httpx.Client, address: str) -> Page:
    """Raises httpx.HTTPStatusError."""
    answer = desk.get(address).raise_for_status()
    page = Page()
    page.feed(answer.text)
    return page
