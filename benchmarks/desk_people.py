"""The people of `benchmarks/desk.py` as Locust plays them, in the environment of the benchmarks."""

import itertools
import json
import os
import random
import re
from pathlib import Path

from locust import HttpUser, between, constant, task

if "BENCH_PEOPLE" not in os.environ:
    raise SystemExit("this file is played by benchmarks/desk.py")
TOLD = json.loads(Path(os.environ["BENCH_PEOPLE"]).read_text(encoding="utf-8"))
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_turns = {kind: itertools.count() for kind in ("dispatchers", "handlers", "commanders")}


def _place() -> str:
    """One of the places that the benchmark made."""
    return f"示范路{random.randrange(20_000)}号"


class Person(HttpUser):
    """Signs in once; what that takes is told apart, in parentheses."""

    abstract = True
    kind = ""

    def on_start(self) -> None:
        names = TOLD[self.kind]
        name = names[next(_turns[self.kind]) % len(names)]
        page = self.client.get("/sign-in/", name="(sign-in page)")
        words = {
            "username": name,
            "password": TOLD["password"],
            "csrfmiddlewaretoken": _TOKEN.search(page.text)[1],
        }
        with self.client.post("/sign-in/", words, name="(sign-in)", catch_response=True) as answer:
            if "/sign-in/" in answer.url:
                answer.failure("not let in")


class Dispatcher(Person):
    """Works through the whole city's cases."""

    kind = "dispatchers"
    weight = 10
    wait_time = between(1, 3)

    @task(5)
    def queue(self) -> None:
        self.client.get("/cases/?show=open", name="queue")

    @task(2)
    def late(self) -> None:
        self.client.get("/cases/?show=open&overdue=yes", name="queue, late")

    @task(2)
    def every_case(self) -> None:
        self.client.get("/cases/?show=all", name="queue, all")

    @task(1)
    def county(self) -> None:
        self.client.get("/cases/?show=all&county=341621", name="queue, county")

    @task(6)
    def case(self) -> None:
        self.client.get(f"/cases/{random.choice(TOLD['numbers'])}/", name="case")

    @task(1)
    def looked_up(self) -> None:
        self.client.get(f"/cases/?q={_place()}", name="queue, looked up")

    @task(1)
    def looked_up_by_number(self) -> None:
        number = random.choice(TOLD["numbers"])
        self.client.get(f"/phone/find/?q={number[-7:]}", name="looked up on the phone")

    @task(2)
    def case_on_the_phone(self) -> None:
        self.client.get(f"/phone/{random.choice(TOLD['numbers'])}/", name="case on the phone")

    @task(2)
    def map(self) -> None:
        self.client.get("/cases/map/?show=open", name="map")
        self.client.get("/cases/map/points/?show=open", name="map points")

    @task(3)
    def counts(self) -> None:
        self.client.get("/cases/counts/", name="counts")


class Handler(Person):
    """Sees one organisation's cases."""

    kind = "handlers"
    weight = 10
    wait_time = between(1, 3)

    @task(4)
    def queue(self) -> None:
        self.client.get("/cases/", name="queue of a handler")

    @task(2)
    def map(self) -> None:
        self.client.get("/cases/map/points/?show=open", name="map points of a handler")

    @task(4)
    def phone_tasks(self) -> None:
        self.client.get("/phone/", name="tasks on the phone")


class Commander(Person):
    """The command page, as its script asks."""

    kind = "commanders"
    fixed_count = 1
    wait_time = constant(5)
    tag = ""

    @task
    def state(self) -> None:
        answer = self.client.get("/command/state/", name="command state", headers={"If-None-Match": self.tag})
        self.tag = answer.headers.get("ETag", "")
