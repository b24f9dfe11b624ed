"""The pages a person may open, in the order of the bar. A room adds its entry here."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from citybrain.desk.accounts import single_sign_on


@dataclass(frozen=True)
class Entry:
    """One link of the bar: `permission` or `or_permission` opens it, `route` is the URL's name, `small` marks
    phone pages.
    """

    zh: str
    route: str
    permission: str
    small: bool = False
    or_permission: str = ""


# The first one that opens is where a person arrives: who handles cases starts with their tasks.
ENTRIES: tuple[Entry, ...] = (
    Entry("任务", "phone:tasks", "events.handle_case", small=True),
    Entry("案件", "cases:queue", "events.view_case"),
    Entry("指挥", "command:page", "events.send_resource"),
    Entry("防汛", "phone:flood", "events.ask_resource", small=True),
    Entry("上报", "phone:report", "events.report_case", small=True),
    Entry("设备", "cases:devices", "events.view_devicehealth"),
    Entry("设备台账", "devices:register", "systems.view_devices"),
    Entry("接入系统", "systems:index", "systems.change_webhook"),
    Entry("惠企名单", "grants:lists", "grants.view_grantlist"),
)
# The phone's own bar below. Here, too, the first one that opens is where a person arrives.
PHONE_ENTRIES: tuple[Entry, ...] = (
    Entry("任务", "phone:tasks", "events.handle_case", small=True),
    Entry("防汛", "phone:flood", "events.ask_resource", small=True),
    Entry("查找", "phone:find", "events.view_case", small=True),
    Entry("上报", "phone:report", "events.report_case", small=True),
    Entry("我的", "phone:me", "events.report_case", small=True, or_permission="events.view_case"),
)


def entries_for(request: HttpRequest, entries: tuple[Entry, ...] = ENTRIES) -> list[dict[str, str]]:
    """The bar of the signed-in person: titles and addresses."""
    return [
        {"zh": entry.zh, "url": reverse(entry.route)}
        for entry in entries
        if any(request.user.has_perm(one) for one in (entry.permission, entry.or_permission) if one)
    ]


def navigation(request: HttpRequest) -> dict[str, object]:
    """Template context: `entries` for the bar, `phone_entries` for the phone's; for whoever has not signed in
    whether there is a provider to do it by.
    """
    # A request that is refused before anybody is known, for its Host header for one, has no user at all.
    if not hasattr(request, "user") or not request.user.is_authenticated:
        return {"entries": [], "phone_entries": [], "single_sign_on": single_sign_on.stands()}
    return {"entries": entries_for(request), "phone_entries": entries_for(request, PHONE_ENTRIES)}
