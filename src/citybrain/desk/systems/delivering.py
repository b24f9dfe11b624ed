"""Sending to webhooks: the outbox's messages, signed as Standard Webhooks has it, in order for a case.

An endpoint that does not answer is left alone for the rest of the round, so that it holds up nobody else.
"""

import asyncio
import logging
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
from django.db.models import F
from django.utils import timezone
from standardwebhooks import Webhook as Signer

from citybrain.desk.systems.hook_address import HookAddressError, way_to
from citybrain.desk.systems.hook_secrets import opened
from citybrain.desk.systems.models import Webhook
from citybrain.events.models import Notification
from citybrain.events.scope import as_system
from citybrain.events.sending import HOOK, LEASE, claim, settle
from citybrain.settings import get_settings

log = logging.getLogger(__name__)
MOST_SECONDS = 10.0  # for one message, from the first byte sent to the last header read
ROUND = (
    LEASE.total_seconds() - 2 * MOST_SECONDS
)  # a claimed message is sent, or given back, before its lease ends
WAIT = timedelta(seconds=5)
SWITCHED_OFF = timedelta(minutes=1)


def deliver_due(most: int = 50) -> Counter[str]:
    """Send what is due to webhooks, at most so many messages. Safe for several workers at once."""
    done: Counter[str] = Counter()
    silent: set[str] = set()
    until = time.monotonic() + ROUND
    for message in claim(most, hooks=True):
        hook = _hook(message)
        if hook is None:
            done[settle(message, "the webhook was removed", final=True)] += 1
        elif not (hook.is_active and hook.system.is_active):
            done[_give_back(message, SWITCHED_OFF)] += 1
        elif message.channel in silent or time.monotonic() > until:
            done[_give_back(message, WAIT)] += 1
        else:
            error, final = _send(hook, message)
            if error:
                silent.add(message.channel)
            done[settle(message, error, final)] += 1
    return done


def _hook(message: Notification) -> Webhook | None:
    number = message.channel.removeprefix(HOOK)
    return Webhook.objects.select_related("system").filter(pk=int(number)).first()


def _give_back(message: Notification, wait: timedelta) -> str:
    """As if it had not been claimed; no try is counted."""
    with as_system():
        Notification.objects.filter(pk=message.pk, state=Notification.State.PENDING).update(
            leased_until=None, attempts=F("attempts") - 1, next_at=timezone.now() + wait
        )
    return "waits"


def _send(hook: Webhook, message: Notification) -> tuple[str, bool]:
    """What went wrong ("" for nothing), and whether trying again is of no use: 410 means gone for good."""
    try:
        way = way_to(get_settings(), hook.url)
        status = asyncio.run(_post(hook.url, way.host, way.address, message.body, signed(hook, message)))
    except HookAddressError as error:
        return str(error), False
    except TimeoutError:
        return f"no answer within {MOST_SECONDS:.0f} s", False
    except (OSError, httpx.HTTPError) as error:
        return f"{type(error).__name__}: {error}", False
    if 200 <= status < 300:
        return "", False
    if status == httpx.codes.GONE:
        log.warning("webhook %s says that it is gone, and is switched off", hook.pk)
        Webhook.objects.filter(pk=hook.pk).update(is_active=False)
        return "HTTP 410: switched off", True
    return f"HTTP {status}", False


def signed(hook: Webhook, message: Notification, now: datetime | None = None) -> dict[str, str]:
    """The headers of one sending. Of two secrets that hold, both sign."""
    at = now or datetime.now(UTC)
    secrets = [hook.sealed_secret]
    if hook.former_until is not None and hook.former_until > at:
        secrets.append(hook.former_sealed)
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "citybrain-webhooks/1",
        "webhook-id": message.key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(
            Signer(opened(secret)).sign(message.key, at, message.body) for secret in secrets
        ),
    }


async def _post(url: str, host: str, address: str, body: str, headers: dict[str, str]) -> int:
    """The status that the receiver answers. Its body is not read, no redirect is followed.

    Raises TimeoutError, OSError, httpx.HTTPError.
    """
    asked = httpx.URL(url).copy_with(host=address, fragment=None)
    async with (
        asyncio.timeout(MOST_SECONDS),
        httpx.AsyncClient(timeout=MOST_SECONDS, follow_redirects=False, trust_env=False) as client,
        client.stream(
            "POST",
            asked,
            content=body.encode(),
            headers={**headers, "Host": urlsplit(url).netloc},
            extensions={"sni_hostname": host},
        ) as answer,
    ):
        return answer.status_code
