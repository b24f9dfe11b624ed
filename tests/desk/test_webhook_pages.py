"""The system administrator's pages of webhooks: register, pause, try, another secret, what was sent."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from desk_city import City, form_of
from standardwebhooks import Webhook as Receiver
from test_webhooks import Endpoint, endpoint, send

pytestmark = pytest.mark.integration
__all__ = ["endpoint"]  # a fixture
Client = Callable[[Any], Any]


@pytest.fixture
def system() -> Any:
    import uuid

    from citybrain.desk.systems.keys import register

    return register(f"page-{uuid.uuid4().hex[:8]}", "物业系统", "DESK-PM-1", 100, ["property_company"]).system


@pytest.fixture
def admin(desk_city: City, signed_in: Client) -> Any:
    return signed_in(desk_city.people["system_admin"])


def press(client: Any, address: str, form_id: str, **more: Any) -> Any:
    form = form_of(client.get(address).content.decode(), form_id)
    return client.post(form.pop("action"), {**form, **more})


def records(system: Any) -> list[dict[str, Any]]:
    """What the ledger holds of the system's webhooks, the oldest first."""
    import json

    from django.db import connection

    entries = "SELECT payload::text FROM ledger.entry WHERE subject = %s AND kind = %s ORDER BY entry_id"
    with connection.cursor() as cursor:
        cursor.execute(entries, [f"system:{system.code}", "webhook"])
        return [json.loads(payload) for (payload,) in cursor.fetchall()]


def secret_on(answer: Any) -> str:
    return re.findall(r"<code>(whsec_[^<]+)</code>", answer.content.decode())[0]


def test_a_webhook_from_registration_to_removal(
    admin: Any, system: Any, endpoint: Endpoint, desk_city: City
) -> None:
    from citybrain.desk.systems.models import Webhook

    page = f"/systems/{system.code}/"
    assert system.name in admin.get("/systems/").content.decode()
    made = press(admin, page, "form-add", url=endpoint.url, events=["case.dispatched", "case.closed"])
    secret, hook = secret_on(made), Webhook.objects.get(system=system)
    assert made.status_code == 200 and "no-store" in made["Cache-Control"]
    own = f"{page}webhooks/{hook.pk}/"
    assert secret not in admin.get(own).content.decode()

    desk_city.dispatched()
    press(admin, own, "form-test")
    send(2)
    assert sorted(endpoint.events) == ["case.dispatched", "webhook.test"]
    headers, body = endpoint.taken[0]
    Receiver(secret).verify(body, headers)
    listed = admin.get(own).content.decode()
    assert listed.count('data-state="sent"') == 2 and "待接单" in listed and "试发" in listed

    delivery = re.findall(r'data-delivery="(\d+)"', listed)[0]
    assert admin.post(f"{own}sent/{delivery}/again/").status_code == 302
    assert admin.post(f"{own}sent/{2**30}/again/").status_code == 404
    send()
    assert len(endpoint.taken) == 3

    press(admin, own, "form-pause")
    assert "恢复推送" in admin.get(own).content.decode()
    desk_city.dispatched()
    send(2)
    assert len(endpoint.taken) == 3, "while it is paused nothing is kept for it"
    press(admin, own, "form-resume")
    rotated = press(admin, own, "form-rotate")
    press(admin, own, "form-test")
    send()
    headers, body = endpoint.taken[-1]
    for word in (secret, secret_on(rotated)):
        Receiver(word).verify(body, headers)
    press(admin, own, "form-change", url=endpoint.url, events=["case.closed"])
    assert Webhook.objects.get(pk=hook.pk).events == ["case.closed"]
    assert press(admin, own, "form-remove").url == page
    assert admin.get(own).status_code == 404

    told = records(system)
    assert [one["action"] for one in told] == [
        *("add", "test", "replay", "change", "change", "rotate_secret", "test", "change", "remove")
    ]
    assert {one["actor"] for one in told} == {desk_city.people["system_admin"].username}
    assert "whsec_" not in str(told) and secret not in str(told)
    page_now = admin.get(page).content.decode()
    assert page_now.count("更换密钥") == 1 and page_now.count("<td>移除</td>") == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:5432/",
        "http://2130706433/",
        "http://user:word@127.0.0.1/",  # pragma: allowlist secret
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://" + "a" * 600,
        "http://例子.中国/",
    ],
)
def test_no_address_but_a_listed_one(admin: Any, system: Any, endpoint: Endpoint, url: str) -> None:
    from citybrain.desk.systems.models import Webhook

    refused = press(admin, f"/systems/{system.code}/", "form-add", url=url, events=["case.closed"])
    assert refused.status_code == 422 and 'role="alert"' in refused.content.decode()
    assert not Webhook.objects.filter(system=system).exists() and records(system) == []


def test_what_is_no_event_and_what_is_too_much(admin: Any, system: Any, endpoint: Endpoint) -> None:
    from citybrain.desk.systems.models import Webhook

    page = f"/systems/{system.code}/"
    for events in ([], ["case.exploded"]):
        assert press(admin, page, "form-add", url=endpoint.url, events=events).status_code == 422
    for _ in range(10):
        assert press(admin, page, "form-add", url=endpoint.url, events=["case.closed"]).status_code == 200
    refused = press(admin, page, "form-add", url=endpoint.url, events=["case.closed"])
    assert refused.status_code == 422 and "最多登记 10 个" in refused.content.decode()
    hook = Webhook.objects.filter(system=system).first()
    assert admin.post(f"{page}webhooks/{hook.pk}/do/explode/").status_code == 404
    assert admin.get(f"/systems/another/webhooks/{hook.pk}/").status_code == 404


def test_what_a_system_does_itself_is_recorded_too(
    endpoint: Endpoint, signed_in: Client, desk_city: City
) -> None:
    from api_calls import caller

    by = caller(signed_in(None), "DESK-PM-1", "property_company")
    made = by.post("/webhooks", {"url": endpoint.url, "events": ["case.closed"]}).json()
    by.delete(f"/webhooks/{made['id']}")
    told = records(by.system)
    assert [one["action"] for one in told] == ["add", "remove"]
    assert {one["actor"] for one in told} == {f"system-{by.system.code}"}
    assert made["secret"] not in str(told)
