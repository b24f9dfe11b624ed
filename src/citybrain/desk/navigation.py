"""The pages a person may open, in the order of the bar. A room adds its entry here."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True)
class Entry:
    """One link of the bar: `permission` opens it, `route` is the URL's name, `small` marks phone pages."""

    zh: str
    route: str
    permission: str
    small: bool = False


ENTRIES: tuple[Entry, ...] = (Entry("惠企名单", "grants:lists", "grants.view_grantlist"),)


def entries_for(request: HttpRequest) -> list[dict[str, str]]:
    """The bar of the signed-in person: titles and addresses."""
    return [
        {"zh": entry.zh, "url": reverse(entry.route)}
        for entry in ENTRIES
        if request.user.has_perm(entry.permission)
    ]


def navigation(request: HttpRequest) -> dict[str, object]:
    """Template context: `entries` for the bar."""
    if not request.user.is_authenticated:
        return {"entries": []}
    return {"entries": entries_for(request)}
