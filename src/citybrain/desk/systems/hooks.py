"""Webhooks of systems: registered, changed, tried and removed, by the system itself through the API or by a
system administrator on the desk. Whoever it was, the ledger has an entry of it, never with a secret.
"""

import re
from collections.abc import Iterable

from django.db import connection
from django.utils import timezone

from citybrain import ledger
from citybrain.desk.accounts.models import User
from citybrain.desk.systems.announcing import enqueue_test
from citybrain.desk.systems.hook_address import HookAddressError, check_address
from citybrain.desk.systems.hook_secrets import new_secret, sealed
from citybrain.desk.systems.models import System, Webhook
from citybrain.desk.systems.replaying import OVERLAP, again
from citybrain.events.models import Notification
from citybrain.events.scope import as_system
from citybrain.settings import get_settings

MOST = 10  # of one system
ENTRY = "webhook"  # kind of the ledger's entries
URL = r"^https?://[\x21-\x7e]+$"
LONGEST_URL = 500


class TooManyHooksError(ValueError):
    """The system has as many webhooks as a system may have."""


def add_hook(system: System, url: str, events: Iterable[str], actor: User) -> tuple[Webhook, str]:
    """A webhook and its secret, which is readable this once. Raises HookAddressError, TooManyHooksError."""
    _require_address(url)
    System.objects.select_for_update().get(pk=system.pk)  # two at once are counted one after the other
    if Webhook.objects.filter(system=system).count() >= MOST:
        raise TooManyHooksError(f"a system has at most {MOST} webhooks")
    secret = new_secret()
    made = Webhook.objects.create(
        system=system, url=url, events=sorted(set(events)), sealed_secret=sealed(secret)
    )
    _record(made, "add", actor)
    return made, secret


def change_hook(
    hook: Webhook,
    actor: User,
    *,
    url: str | None = None,
    events: Iterable[str] | None = None,
    is_active: bool | None = None,
) -> None:
    """What is left out stays. While it is off nothing is kept for it. Raises HookAddressError."""
    if url is not None:
        _require_address(url)
        hook.url = url
    if events is not None:
        hook.events = sorted(set(events))
    if is_active is not None:
        hook.is_active = is_active
    hook.save(update_fields=["url", "events", "is_active"])
    _record(hook, "change", actor)


def rotate_secret(hook: Webhook, actor: User) -> str:
    """Another secret, to be shown once; the former one signs beside it for a day."""
    secret = new_secret()
    hook.former_sealed, hook.former_until = hook.sealed_secret, timezone.now() + OVERLAP
    hook.sealed_secret = sealed(secret)
    hook.save(update_fields=["former_sealed", "former_until", "sealed_secret"])
    _record(hook, "rotate_secret", actor)
    return secret


def try_hook(hook: Webhook, actor: User) -> Notification:
    """Send a message `webhook.test` that is about no case."""
    with as_system():
        sent = enqueue_test(hook)
    _record(hook, "test", actor, delivery=sent.pk)
    return sent


def send_again(hook: Webhook, delivery_id: int, actor: User) -> Notification | None:
    """Let a message go out again under its `webhook-id`; None for one that is not the webhook's."""
    with as_system():
        sent = again(hook, delivery_id)
    if sent is not None:
        _record(hook, "replay", actor, delivery=sent.pk)
    return sent


def remove_hook(hook: Webhook, actor: User) -> None:
    """What waits for it is given up."""
    _record(hook, "remove", actor)
    hook.delete()


def _require_address(url: str) -> None:
    if len(url) > LONGEST_URL or not re.fullmatch(URL, url):
        raise HookAddressError("this is no address of http or https")
    check_address(get_settings(), url)


def _record(hook: Webhook, action: str, actor: User, **more: object) -> None:
    connection.ensure_connection()
    ledger.append(
        connection.connection,
        ENTRY,
        f"system:{hook.system.code}",
        {
            "webhook": hook.pk,
            "action": action,
            "actor": actor.get_username(),
            "url": hook.url,
            "events": hook.events,
            "is_active": hook.is_active,
            **more,
        },
    )
