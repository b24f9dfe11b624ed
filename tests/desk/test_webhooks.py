"""Webhooks against a real receiver: signed, in order, tried again, sent again, never led astray."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from api_calls import Caller, caller, faults
from desk_city import City
from standardwebhooks import Webhook as Receiver
from standardwebhooks import WebhookVerificationError

from citybrain.settings import get_settings
from citybrain.stack.ports import free_ports

pytestmark = pytest.mark.integration
COMPANY = "DESK-PM-1"
ALL = ["case.dispatched", "case.accepted", "case.handling", "case.remarked", "case.closed"]


@dataclass
class Endpoint:
    """A receiver on its own port that can be taken down and put up again; `status` is what it answers."""

    port: int
    status: int = 204
    delay: float = 0
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?from=city"

    @property
    def events(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.taken]

    def up(self) -> None:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(endpoint.delay)
                endpoint.taken.append(({name.lower(): text for name, text in self.headers.items()}, body))
                with suppress(OSError):
                    self.send_response(endpoint.status)
                    self.send_header("Location", "http://127.0.0.1:1/")
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_words: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def down(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    (port,) = free_ports(1)
    made = Endpoint(port)
    monkeypatch.setattr(get_settings(), "http_allow", [f"127.0.0.1:{port}", f"localhost:{port}"])
    made.up()
    yield made
    made.down()
    from citybrain.desk.systems.models import Webhook

    Webhook.objects.all().delete()  # what waits for one is given up by the next round


@pytest.fixture
def company(signed_in: Callable[[Any], Any], desk_city: City) -> Caller:
    return caller(signed_in(None), COMPANY, "property_company")


def subscribed(by: Caller, endpoint: Endpoint, *events: str) -> dict[str, Any]:
    made = by.post("/webhooks", {"url": endpoint.url, "events": list(events or ALL)})
    assert made.status_code == 201, made.content
    told: dict[str, Any] = made.json()
    return told


def send(again: int = 1) -> None:
    """Rounds of the worker; what waits for its next try is due at once."""
    from citybrain.desk.systems.delivering import deliver_due
    from citybrain.events.models import Notification
    from citybrain.events.scope import as_system

    for _ in range(again):
        with as_system():
            Notification.objects.filter(channel__startswith="hook:", state="pending").update(
                next_at=datetime.now(UTC) - timedelta(seconds=1)
            )
        deliver_due()


def step(by: Caller, number: str, action: str) -> None:
    version = by.get(f"/cases/{number}").json()["version"]
    done = by.post(f"/cases/{number}/steps", {"action": action, "version": version})
    assert done.status_code == 201, done.content


def test_messages_are_signed_and_in_order(company: Caller, endpoint: Endpoint, desk_city: City) -> None:
    hook = subscribed(company, endpoint)
    assert (
        hook["secret"].startswith("whsec_") and "secret" not in company.get(f"/webhooks/{hook['id']}").json()
    )
    case = desk_city.dispatched()
    desk_city.dispatched(desk_city.other_company)  # none of this system's
    step(company, case.number, "accept")
    step(company, case.number, "start")
    send(4)
    assert endpoint.events == ["case.dispatched", "case.accepted", "case.handling"]
    receiver = Receiver(hook["secret"])
    for headers, body in endpoint.taken:
        told = receiver.verify(body, headers)
        assert told["data"]["case"] == case.number and told["data"]["path"] == f"/api/v1/cases/{case.number}"
    headers, body = endpoint.taken[-1]
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body.decode()}".encode()
    key = base64.b64decode(hook["secret"].removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{signature}"
    assert headers["host"] == f"127.0.0.1:{endpoint.port}"
    with pytest.raises(WebhookVerificationError):
        receiver.verify(body.replace(b"handling", b"finished"), headers)
    with pytest.raises(
        WebhookVerificationError, match="old"
    ):  # caught and sent again by somebody else, later
        receiver.verify(body, headers | {"webhook-timestamp": str(int(time.time()) - 600)})
    assert len({headers["webhook-id"] for headers, _ in endpoint.taken}) == 3


def test_down_then_up_nothing_is_lost_or_out_of_order(
    company: Caller, endpoint: Endpoint, desk_city: City
) -> None:
    hook = subscribed(company, endpoint)
    endpoint.down()
    first, second = desk_city.dispatched(), desk_city.dispatched()
    step(company, first.number, "accept")
    send(2)
    listed = company.get(f"/webhooks/{hook['id']}/deliveries").json()["deliveries"]
    assert {one["state"] for one in listed} == {"pending"} and len(listed) == 3
    assert "ConnectError" in listed[-1]["last_error"] and listed[-1]["next_at"]
    assert listed[-2]["attempts"] <= 1  # an endpoint that does not answer is asked once a round
    endpoint.up()
    endpoint.status = 503
    send()
    endpoint.status = 200
    endpoint.taken.clear()
    send(4)
    by_case = [
        (json.loads(body)["data"]["case"], event)
        for (_, body), event in zip(endpoint.taken, endpoint.events, strict=True)
    ]
    assert [event for number, event in by_case if number == first.number] == [
        "case.dispatched",
        "case.accepted",
    ]
    assert (second.number, "case.dispatched") in by_case and len(by_case) == 3
    states = {one["state"] for one in company.get(f"/webhooks/{hook['id']}/deliveries").json()["deliveries"]}
    assert states == {"sent"}


def test_sent_again_under_the_same_id(company: Caller, endpoint: Endpoint, desk_city: City) -> None:
    hook = subscribed(company, endpoint)
    desk_city.dispatched()
    send()
    (sent,) = company.get(f"/webhooks/{hook['id']}/deliveries").json()["deliveries"]
    path = f"/webhooks/{hook['id']}/deliveries/{sent['id']}/replay"
    assert company.post(path, None, "replay-0001").status_code == 202
    assert company.post(path, None, "replay-0001")["Idempotency-Replayed"] == "true"
    time.sleep(1)
    send()
    (first, body), (again, same) = endpoint.taken
    assert first["webhook-id"] == again["webhook-id"] == sent["message"] and body == same
    assert int(again["webhook-timestamp"]) > int(first["webhook-timestamp"])
    Receiver(hook["secret"]).verify(same, again)
    assert company.post(f"/webhooks/{hook['id']}/deliveries/{2**40}/replay").status_code == 404


def test_another_secret_and_both_sign_for_a_day(company: Caller, endpoint: Endpoint, desk_city: City) -> None:
    from citybrain.desk.systems.models import Webhook

    hook = subscribed(company, endpoint)
    rotated = company.post(f"/webhooks/{hook['id']}/secret", None, "rotate-0001")
    assert rotated.status_code == 201
    shown_once = company.post(f"/webhooks/{hook['id']}/secret", None, "rotate-0001")
    assert shown_once.status_code == 409 and "secret" not in shown_once.json()
    row = Webhook.objects.get(pk=hook["id"])
    assert hook["secret"] not in row.former_sealed and rotated.json()["secret"] not in row.sealed_secret
    assert company.post(f"/webhooks/{hook['id']}/test").status_code == 202
    send()
    headers, body = endpoint.taken[-1]
    assert endpoint.events == ["webhook.test"] and len(headers["webhook-signature"].split()) == 2
    for secret in (hook["secret"], rotated.json()["secret"]):
        Receiver(secret).verify(body, headers)
    Webhook.objects.filter(pk=hook["id"]).update(former_until=datetime.now(UTC) - timedelta(seconds=1))
    company.post(f"/webhooks/{hook['id']}/test")
    send()
    headers, body = endpoint.taken[-1]
    Receiver(rotated.json()["secret"]).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Receiver(hook["secret"]).verify(body, headers)


def test_switched_off_removed_and_gone(company: Caller, endpoint: Endpoint, desk_city: City) -> None:
    hook = subscribed(company, endpoint)
    path = f"/webhooks/{hook['id']}"
    company.post(f"{path}/test")
    assert company.patch(path, {"is_active": False}).json()["is_active"] is False
    desk_city.dispatched()
    send(2)
    assert endpoint.taken == []  # nothing is sent, and nothing is kept of what happens meanwhile
    company.patch(path, {"is_active": True, "events": ["case.closed"]})
    send()
    assert endpoint.events == ["webhook.test"]
    endpoint.status = 410
    company.post(f"{path}/test")
    send()
    assert company.get(path).json()["is_active"] is False
    (gone, _) = company.get(f"{path}/deliveries").json()["deliveries"]
    assert gone["state"] == "dead" and "410" in gone["last_error"]
    company.patch(path, {"is_active": True})
    company.post(f"{path}/test")
    assert company.delete(path).status_code == 204 and company.get(path).status_code == 404
    send()
    assert len(endpoint.taken) == 2


def test_a_redirect_is_no_receipt_and_is_not_followed(company: Caller, endpoint: Endpoint) -> None:
    hook = subscribed(company, endpoint)
    endpoint.status = 307
    company.post(f"/webhooks/{hook['id']}/test")
    send()
    (told,) = company.get(f"/webhooks/{hook['id']}/deliveries").json()["deliveries"]
    assert told["state"] == "pending" and told["last_error"] == "HTTP 307"


def test_who_answers_slowly_holds_nobody_up(
    company: Caller, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citybrain.desk.systems.delivering.MOST_SECONDS", 0.3)
    hook = subscribed(company, endpoint)
    endpoint.delay = 1
    for _ in range(5):
        company.post(f"/webhooks/{hook['id']}/test")
    begun = time.monotonic()
    send()
    assert time.monotonic() - begun < 5
    told = company.get(f"/webhooks/{hook['id']}/deliveries").json()["deliveries"]
    assert sorted(one["attempts"] for one in told) == [0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:5432/",
        "http://10.0.0.8/hook",
        "http://[::1]:8080/",
        "http://2130706433/",
        "http://user:word@127.0.0.1/",  # pragma: allowlist secret
        "https://example.org:99999/",
        "https://example.org/ hook",
        "ftp://example.org/hook",
        "file:///etc/passwd",
    ],
)
def test_no_address_but_a_listed_one(company: Caller, endpoint: Endpoint, url: str) -> None:
    refused = company.post("/webhooks", {"url": url, "events": ["case.filed"]})
    assert refused.status_code == 422 and faults(refused) == {"url"}, refused.content


def test_a_listed_name_that_turns_inward_is_not_called(
    company: Caller, endpoint: Endpoint, desk_city: City
) -> None:
    """`localhost` is listed, and stands for an address that is not public: refused when it is called."""
    made = company.post(
        "/webhooks", {"url": f"http://localhost:{endpoint.port}/", "events": ["case.dispatched"]}
    ).json()
    desk_city.dispatched()
    send()
    (told,) = company.get(f"/webhooks/{made['id']}/deliveries").json()["deliveries"]
    assert endpoint.taken == [] and "no public address" in told["last_error"]
    company.delete(f"/webhooks/{made['id']}")


def test_a_step_that_is_taken_back_tells_nobody(company: Caller, endpoint: Endpoint, desk_city: City) -> None:
    from django.db import transaction

    class BackError(Exception):
        pass

    subscribed(company, endpoint)
    with pytest.raises(BackError), transaction.atomic():
        desk_city.dispatched()
        raise BackError
    send()
    assert endpoint.taken == []


def test_people_are_not_held_up_and_hooks_are_not_peoples(
    company: Caller, endpoint: Endpoint, desk_city: City
) -> None:
    from citybrain.events.models import Notification
    from citybrain.events.scope import as_system
    from citybrain.events.sending import send_due

    subscribed(company, endpoint)
    case = desk_city.dispatched()
    send_due(1000)
    with as_system():
        rows = {one.channel: one.state for one in Notification.objects.filter(case_id=case.pk)}
    assert rows["log"] == "sent"
    assert [state for name, state in rows.items() if name.startswith("hook:")] == ["pending"]
    send()
    assert endpoint.events == ["case.dispatched"]
