"""Placeholders in the requests of a source: the logical date and the watermark, and nothing else.

`{logical_date}` is the day the delivery stands for, as 2026-03-18; `{logical_date-30}` and `{logical_date+1}`
are days before and after it; `{watermark}` is how far the source was read, in UTC, as 2026-03-18T02:07:00Z.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_ALLOWED = re.compile(r"(logical_date)([+-]\d{1,3})?|(watermark)")


def check_template(text: str) -> str:
    """The text itself. Raises ValueError when a brace in it is none of the placeholders."""
    for name in _PLACEHOLDER.findall(text):
        if not _ALLOWED.fullmatch(name):
            raise ValueError(
                f"{{{name}}} is no placeholder: {{logical_date}}, {{logical_date-N}}, {{logical_date+N}}"
                " or {watermark}"
            )
    if any(brace in _PLACEHOLDER.sub("", text) for brace in "{}"):
        raise ValueError(f"a brace in {text!r} stands alone")
    return text


def asks_for_a_day(texts: Iterable[str]) -> bool:
    """Whether a request made of these texts differs from one logical date to the next."""
    return any("{logical_date" in text for text in texts)


def fill(text: str, logical_date: date, watermark: datetime | None) -> str:
    """The text with its placeholders replaced. Raises ValueError when it wants a watermark and has none."""

    def value(found: re.Match[str]) -> str:
        named = _ALLOWED.fullmatch(found[1])
        if named is None:
            raise ValueError(f"{found[0]} is no placeholder")
        if named[1]:
            return (logical_date + timedelta(days=int(named[2] or 0))).isoformat()
        if watermark is None:
            raise ValueError("{watermark} stands in a request whose connector keeps none")
        return watermark.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    return _PLACEHOLDER.sub(value, text)
