"""Time limits as the desk shows them."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from citybrain.desk.cases.time_left import age, duration, time_left, urgency

register = template.Library()


@register.filter
def left(due_at: datetime | None) -> SafeString | str:
    """The time left of a limit as a coloured status; a dash for none."""
    if due_at is None:
        return "—"
    now = timezone.now()
    return format_html(
        '<span class="status {}" title="到期 {}">{}</span>',
        urgency(due_at, now),
        timezone.localtime(due_at).strftime("%Y-%m-%d %H:%M"),
        time_left(due_at, now),
    )


@register.filter
def age_of(found_at: datetime) -> SafeString:
    """How long an open case has been there, as a coloured status."""
    now = timezone.now()
    seconds = int((now - found_at).total_seconds())
    return format_html('<span class="status {}">已 {}</span>', age(found_at, now), duration(seconds))
