"""What was sent to a webhook, and sending it again."""

from datetime import timedelta

from django.utils import timezone

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


def again(hook: Webhook, delivery_id: int) -> Notification | None:
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
