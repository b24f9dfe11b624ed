"""What was sent to a webhook, sending it again, and giving the webhook another secret."""

from datetime import timedelta

from django.utils import timezone

from citybrain.desk.systems.hook_secrets import new_secret, sealed
from citybrain.desk.systems.models import Webhook
from citybrain.events.models import Notification
from citybrain.events.sending import HOOK

OVERLAP = timedelta(days=1)  # both secrets sign this long


def deliveries_of(hook: Webhook, before: int | None, most: int) -> list[Notification]:
    """Messages to the webhook, the newest first, from below an id on. Asked in the platform's own view."""
    found = Notification.objects.filter(channel=f"{HOOK}{hook.pk}")
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found.order_by("-pk")[:most])


def replay(hook: Webhook, delivery_id: int) -> Notification | None:
    """Let a message go out again; None for one that is not the webhook's. In the platform's own view."""
    message = (
        Notification.objects.select_for_update().filter(pk=delivery_id, channel=f"{HOOK}{hook.pk}").first()
    )
    if message is None:
        return None
    message.state, message.attempts = Notification.State.PENDING, 0
    message.next_at, message.sent_at, message.last_error = timezone.now(), None, ""
    message.save(update_fields=["state", "attempts", "next_at", "sent_at", "last_error"])
    return message


def rotate(hook: Webhook) -> str:
    """Another secret, to be shown once; the former one signs beside it for a day."""
    secret = new_secret()
    hook.former_sealed, hook.former_until = hook.sealed_secret, timezone.now() + OVERLAP
    hook.sealed_secret = sealed(secret)
    hook.save(update_fields=["former_sealed", "former_until", "sealed_secret"])
    return secret
