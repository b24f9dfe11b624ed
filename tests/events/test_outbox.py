"""Notifications: nothing lost when the endpoint is down or the worker dies, in order, no flood."""

import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fire_lane import COMPANY, Spot
from webhook import Receiver

from citybrain.settings import Settings
from citybrain.stack.desk import environment
from citybrain.stack.ports import free_ports

# Dies as a killed worker does: the message went out, and nobody wrote that down.
KILLED = """
import os, signal, django
django.setup()
from citybrain.events import sending
def deliver_and_die(notification, deliver=sending._deliver):
    error = deliver(notification)
    if notification.channel != "log":
        os.kill(os.getpid(), signal.SIGKILL)
    return error
sending._deliver = deliver_and_die
sending.send_due()
"""


WORKER = """
import django
django.setup()
from citybrain.events.sending import send_due
while send_due(10):
    pass
"""


@pytest.fixture
def receiver(city: Settings) -> Iterator[Receiver]:
    """An endpoint that the property company is told at; the outbox is empty before and after."""
    from citybrain.desk.accounts.models import Organisation
    from citybrain.events.models import Notification
    from citybrain.events.scope import as_system

    (port,) = free_ports(1)
    receiver = Receiver(port)
    with as_system():
        Notification.objects.filter(state="pending").update(state="dead")
    Organisation.objects.filter(code=COMPANY).update(notify_urls=[f"json://127.0.0.1:{port}/cases"])
    yield receiver
    Organisation.objects.filter(code=COMPANY).update(notify_urls=[])
    receiver.close()


def pending() -> dict[str, int]:
    """Keys that wait, with their attempts."""
    from citybrain.events.models import Notification
    from citybrain.events.scope import as_system

    with as_system():
        return dict(Notification.objects.filter(state="pending").values_list("key", "attempts"))


def time_passes() -> None:
    """Waits and leases run out."""
    from django.utils import timezone

    from citybrain.events.models import Notification
    from citybrain.events.scope import as_system

    with as_system():
        past = timezone.now() - timedelta(minutes=1)
        waiting = Notification.objects.filter(state="pending")
        waiting.update(next_at=past)
        waiting.exclude(leased_until=None).update(leased_until=past)


def dispatched(spot: Spot) -> Any:
    from citybrain.events.intake import take_in

    spot.send()
    take_in()
    return spot.case()


def test_an_endpoint_that_is_down_gets_everything_later(receiver: Receiver, spot: Spot) -> None:
    from citybrain.events.models import Notification
    from citybrain.events.scope import as_system
    from citybrain.events.sending import send_due

    receiver.down = True
    case = dispatched(spot)
    assert send_due() == {"sent": 2, "failed": 1}
    assert send_due() == {}  # it waits before the next try
    time_passes()
    assert send_due() == {"failed": 1}
    with as_system():
        waiting = Notification.objects.get(state="pending")
        assert (waiting.attempts, waiting.last_error) == (2, "the address did not take it")
        assert "127.0.0.1" not in waiting.channel  # an address may hold a secret
    receiver.down = False
    time_passes()
    assert send_due() == {"sent": 1}
    assert receiver.keys == [waiting.key] and waiting.key.startswith(case.number)


def test_a_worker_killed_between_sending_and_marking_loses_nothing(receiver: Receiver, spot: Spot) -> None:
    from citybrain.events.sending import send_due

    dispatched(spot)
    for _ in range(2):
        died = subprocess.run([sys.executable, "-c", KILLED], env=environment(spot.settings), check=False)
        assert died.returncode == -signal.SIGKILL
        assert len(pending()) == 1  # sent, and not marked
        assert send_due() == {}  # the dead worker's lease still holds
        time_passes()
    (key,) = pending()
    assert send_due() == {"sent": 1}
    assert not pending()
    assert receiver.keys == [key] * 3  # at least once, told apart by the key


def test_messages_of_a_case_keep_their_order(
    receiver: Receiver, spot: Spot, people: Callable[[str], Any], asked_by: Callable[[Any], Any]
) -> None:
    from citybrain.events.acting import apply
    from citybrain.events.sending import send_due

    receiver.down = True
    case, dispatcher = dispatched(spot), people("dispatcher")
    send_due()
    receiver.down = False
    with asked_by(dispatcher):
        apply(case, "suspend", dispatcher, reason="等待清障车")
    send_due()
    assert receiver.keys == []  # the newer one does not overtake the one that waits
    time_passes()
    while send_due():
        pass
    assert [key.split(":")[2] for key in receiver.keys] == ["dispatch", "suspend"]


def test_what_is_urgent_goes_first_and_what_waits_goes_too(receiver: Receiver, spot: Spot) -> None:
    from django.utils import timezone

    from citybrain.desk.accounts.models import Organisation
    from citybrain.events.models import Notification
    from citybrain.events.outbox import channel_of
    from citybrain.events.scope import as_system
    from citybrain.events.sending import send_due

    company = Organisation.objects.get(code=COMPANY)
    mark, now = uuid.uuid4().hex[:8], timezone.now()
    with as_system():
        Notification.objects.bulk_create(
            Notification(
                **{"key": f"{mark}:{number}", "reason": "queue", "organisation": company, "subject": "x"},
                **{"channel": channel_of(company.notify_urls[0]), "body": "x", "next_at": now},
                created_at=now,
            )
            for number in range(30)
        )
    case = dispatched(spot)
    assert case.urgent
    assert send_due(5) == {"sent": 5}
    assert receiver.keys[0].startswith(case.number)
    while send_due():
        pass
    assert {f"{mark}:{number}" for number in range(30)} < set(receiver.keys)


def test_a_message_is_written_once_and_a_cooldown_holds(receiver: Receiver, spot: Spot) -> None:
    from django.utils import timezone

    from citybrain.events.outbox import tell
    from citybrain.events.rules import Message
    from citybrain.events.scope import as_system

    case = dispatched(spot)
    message = Message(to=["lead"], subject="{title}", body="{number}", cooldown_minutes=10)
    with as_system():
        now = timezone.now()
        for minute in range(30):
            case.version += 1  # each is another occasion
            tell(case, "trial", [message], now + timedelta(minutes=minute))
        written = list(case.notifications.filter(reason="trial").order_by("id"))
    assert [(one.created_at - now) // timedelta(minutes=1) for one in written] == [0, 10, 20]


def test_time_limits_are_told_once_a_level(receiver: Receiver, spot: Spot) -> None:
    from citybrain.events.overdue import watch_clocks
    from citybrain.events.scope import as_system

    case = dispatched(spot)

    def told_after(minutes: int) -> list[str]:
        with as_system():
            case.clocks.filter(stage="handle").update(consumed_seconds=60 * minutes)
        watch_clocks()
        watch_clocks()
        with as_system():
            late = case.notifications.filter(reason__startswith="late:", channel="log").order_by("id")
            return [f"{one.subject[:3]} {one.organisation.code}" for one in late]

    assert told_after(10) == []
    first = [f"即将超 {COMPANY}"]
    assert told_after(25) == first
    second = sorted(f"超期： {code}" for code in (COMPANY, "fire_rescue", "data_resources"))
    assert sorted(told_after(31)[1:]) == second
    assert sorted(told_after(61)[4:]) == ["严重超 data_resources", "严重超 fire_rescue"]
    with as_system():
        assert case.clocks.get(stage="handle").overdue


@pytest.mark.slow
def test_four_workers_and_six_kills_lose_none_of_three_hundred(receiver: Receiver, spot: Spot) -> None:
    from django.utils import timezone

    from citybrain.desk.accounts.models import Organisation
    from citybrain.events.models import Notification
    from citybrain.events.outbox import channel_of
    from citybrain.events.scope import as_system
    from citybrain.events.sending import send_due

    company = Organisation.objects.get(code=COMPANY)
    with as_system():
        now = timezone.now()
        channel = channel_of(company.notify_urls[0])
        Notification.objects.bulk_create(
            Notification(
                **{"key": f"burst:{number}", "reason": "burst", "organisation": company, "channel": channel},
                **{"subject": "x", "body": "x", "next_at": now, "created_at": now},
            )
            for number in range(300)
        )
    for round_of in range(2):
        workers = [
            subprocess.Popen([sys.executable, "-c", WORKER], env=environment(spot.settings)) for _ in range(4)
        ]
        time.sleep(6 + round_of)
        for worker in workers[:3]:
            worker.kill()
        for worker in workers:
            worker.wait()
        time_passes()
    while send_due():
        pass
    assert not pending()
    assert {f"burst:{number}" for number in range(300)} <= set(receiver.keys)
