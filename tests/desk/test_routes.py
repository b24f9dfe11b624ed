"""Every address of the desk for every role: the resolver says which there are, the table what they answer."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from desk_city import City

from citybrain.desk.accounts.roles import load_roles

pytestmark = pytest.mark.integration

EVERYBODY = tuple(load_roles())
HANDLERS = ("department_handler", "property_company", "grid_worker")
REPORTERS = ("acceptor", "collector", "flood_warden", *HANDLERS)
# The case of the table lies in the county of `county_admin`, is led by the department of `department_handler`
# and handled by the company of `property_company`; the community of `grid_worker` and
# the office of `collector` have no part in it.
SEE_THE_CASE = ("acceptor", "dispatcher", "command_centre", "county_admin", "auditor", *HANDLERS[:2])
NOT_THEIRS = {"grid_worker": 404, "collector": 404}
VIEWERS = (*SEE_THE_CASE, *NOT_THEIRS)
ENGINEERS = ("acceptor", "dispatcher", "command_centre", "county_admin", "auditor")
WATCHERS = ("acceptor", "dispatcher", "command_centre", "county_admin", "auditor")
SENDERS = ("dispatcher", "command_centre")
GRANTS = ("policy_officer", "policy_checker", "treasury", "auditor")
EXPORTERS = ("policy_officer", "policy_checker")
STAFF = ("system_admin", "security_admin")


@dataclass(frozen=True)
class Row:
    """`answers` by role, `otherwise` for every other role, `nobody` without a sign-in."""

    method: str
    answers: dict[str, int]
    otherwise: int = 403
    nobody: int | str = "/sign-in/"


def only(status: int, *roles: str) -> dict[str, int]:
    return dict.fromkeys(roles, status)


def get(status: int, *roles: str, **more: int) -> Row:
    return Row("GET", only(status, *roles) | more)


def post(status: int, *roles: str, **more: int) -> Row:
    return Row("POST", only(status, *roles) | more)


TABLE: dict[str, Row] = {
    "home": Row("GET", only(302, *VIEWERS, *GRANTS, "flood_warden", "system_admin"), otherwise=200),
    "sign-in": Row("GET", {}, otherwise=302, nobody=200),
    "single-sign-on": Row("GET", {}, otherwise=404, nobody=404),  # no provider is named
    "single-sign-on-back": Row("GET", {}, otherwise=404, nobody=404),
    "second-factor": Row("GET", {}, otherwise=302),  # nobody's session waits for one
    "sign-out": Row("GET", {}, otherwise=405),
    "health": Row("GET", {}, otherwise=200, nobody=200),
    "cases:queue": get(200, *VIEWERS),
    "cases:counts": get(200, *VIEWERS),
    "cases:map": get(200, *VIEWERS),
    "cases:map-points": get(200, *VIEWERS),
    "cases:export": get(200, *VIEWERS),
    "cases:keep-view": post(302, *VIEWERS),
    "cases:forget-view": post(302, *VIEWERS),
    "cases:devices": get(200, *ENGINEERS),
    "devices:register": get(200, *ENGINEERS, "department_handler"),
    "devices:export": get(200, *ENGINEERS, "department_handler"),
    "cases:bulk": post(302, "acceptor"),
    "cases:case": get(200, *SEE_THE_CASE, **NOT_THEIRS),
    "cases:take": post(422, *SEE_THE_CASE, **NOT_THEIRS),  # a form without a key
    # A form without a key; who only looks on writes nothing.
    "cases:say": post(422, "acceptor", "dispatcher", "command_centre", *HANDLERS[:2], **NOT_THEIRS),
    "cases:join": post(302, "acceptor"),
    "cases:split": post(302, "acceptor"),
    "cases:picture": get(200, *SEE_THE_CASE, **NOT_THEIRS),
    "command:page": get(200, *WATCHERS),
    "command:state": get(200, *WATCHERS),
    "command:send": post(404, *SENDERS),  # a case that is not named
    "systems:index": get(200, "system_admin"),
    "systems:one": get(200, "system_admin"),
    "systems:add-webhook": post(422, "system_admin"),  # a form without an address
    "systems:webhook": get(404, "system_admin"),  # no webhook of theirs
    "systems:act": post(404, "system_admin"),
    "systems:send-again": post(404, "system_admin"),
    "county-outlines": Row("GET", {}, otherwise=200),
    "phone:lanes": get(200, *HANDLERS),
    "phone:flood": get(200, "flood_warden"),
    "phone:flood-answer": post(302, "flood_warden"),
    "phone:flood-ask": post(404, "flood_warden"),  # no place of theirs
    "phone:manifest": Row("GET", {}, otherwise=200, nobody=200),
    "phone:worker": Row("GET", {}, otherwise=200, nobody=200),
    "phone:without-network": Row("GET", {}, otherwise=200, nobody=200),
    # Who has no tasks is led to the first page of theirs.
    "phone:tasks": Row("GET", only(200, *HANDLERS) | only(302, *ENGINEERS, "collector", "flood_warden")),
    "phone:find": get(200, *VIEWERS),
    "phone:me": get(200, *VIEWERS, "flood_warden"),
    "phone:report": get(200, *REPORTERS),
    "phone:reported": get(404, *REPORTERS),  # a report of nobody's
    "phone:task": get(200, *SEE_THE_CASE, **NOT_THEIRS),
    "phone:say": post(422, "acceptor", "dispatcher", "command_centre", *HANDLERS[:2], **NOT_THEIRS),
    "phone:take": post(422, *SEE_THE_CASE, **NOT_THEIRS),
    # No list is there: who may open lists is told so, who may not learns nothing.
    "grants:lists": get(200, *GRANTS),
    "grants:list": get(404, *GRANTS),
    "grants:take": post(302, *GRANTS),
    "grants:export": get(404, *EXPORTERS),
    "grants:open-ends": get(404, *GRANTS),
    "grants:line": get(404, *GRANTS),
    "grants:take-on-line": post(302, *GRANTS),
    "grants:settle": post(404, *GRANTS),
    "grants:download": get(404, "treasury"),
    "grants:payment": get(404, *GRANTS),
    "grants:take-receipts": post(404, "treasury"),
    "grants:trials": get(200, *GRANTS),
    "grants:trial": get(404, *GRANTS),
    "grants:recoveries": get(200, *GRANTS),
    "grants:claim": post(404, "treasury"),
    "grants:settle-claim": post(404, "policy_checker"),
    "grants:find-firm": get(302, *GRANTS),
    "grants:firm": get(200, *GRANTS),
    "grants:why": get(200, *GRANTS),
    # A session opens nothing here: the key of a system does, for which `test_api` has a table of its own.
    **{
        f"api:{name}": Row("GET", {}, otherwise=401, nobody=401)
        for name in (
            *("list_cases", "list_changes", "read_case", "list_classes", "read_report", "read_media"),
            *("list_webhooks", "read_webhook", "list_deliveries"),
        )
    },
    **{
        f"api:{name}": Row("POST", {}, otherwise=401, nobody=401)
        for name in (
            *("take_step", "add_remark", "file_report", "add_media", "add_webhook"),
            *("rotate_secret", "test_webhook", "replay_delivery"),
        )
    },
    "api:change_webhook": Row("PATCH", {}, otherwise=401, nobody=401),
    "api:remove_webhook": Row("DELETE", {}, otherwise=401, nobody=401),
    "api:openapi-json": Row("GET", {}, otherwise=200, nobody=200),
    "api:openapi-view": Row("GET", {}, otherwise=200, nobody=200),
    "api:api-root": Row("GET", {}, otherwise=404, nobody=404),
    "open311-discovery": Row("GET", {}, otherwise=200, nobody=200),
    "open311-services": Row("GET", {}, otherwise=200, nobody=200),
    "open311-service": Row("GET", {}, otherwise=200, nobody=200),
    "open311-requests": Row("GET", {}, otherwise=200, nobody=200),
    "open311-request": Row("GET", {}, otherwise=200, nobody=200),
    "open311-token": Row("GET", {}, otherwise=404, nobody=404),
    "policies": Row("GET", {}, otherwise=200, nobody=200),
    "policy-document": Row("GET", {}, otherwise=404, nobody=404),
    "answer": Row("GET", {}, otherwise=404, nobody=404),  # a link that was not signed here
    "grants-own": Row("GET", {}, otherwise=404, nobody=404),  # a link that was not signed here
    "grants-notices": Row("GET", {}, otherwise=200, nobody=200),
    "grants-notice": Row("GET", {}, otherwise=404, nobody=404),
    "grants-notice-objection-filed": Row("GET", {}, otherwise=404, nobody=404),
    "grants-notice-objection": Row("GET", {}, otherwise=404, nobody=404),
}


def admin(status: int, *roles: str) -> Row:
    """A page of the administration: others who are staff are refused, who is not is sent to its sign-in."""
    return Row("GET", only(403, *STAFF) | only(status, *roles), otherwise=302)


TABLE |= {
    "admin:index": admin(200, *STAFF),
    "admin:login": Row("GET", only(302, *STAFF), otherwise=200, nobody=200),
    "admin:logout": Row("GET", only(405, *STAFF), otherwise=302),
    "admin:password_change": admin(200, *STAFF),
    "admin:password_change_done": admin(200, *STAFF),
    "admin:autocomplete": admin(403),
    "admin:jsi18n": admin(200, *STAFF),
    "admin:view_on_site": admin(404, *STAFF),
    "admin:app_list": admin(200, *STAFF),
    "admin:auth_user_password_change": admin(200, "security_admin"),
    "admin/(?P<url>.*)$": admin(404, *STAFF),
}
_SEEN = ("changelist", "history", "change")
# By model: what each administration may open of it. A page that only shows counts as `change`.
for _model, _opens in {
    "auth_group": {},
    "procrastinate_procrastinatejob": {},
    "axes_accessattempt": {"security_admin": ("changelist", "history", "change", "delete")},
    "axes_accesslog": {},
    "axes_accessfailurelog": {},
    "accounts_organisation": {"system_admin": (*_SEEN, "add"), "security_admin": _SEEN},
    "accounts_user": {"security_admin": (*_SEEN, "add")},
    "systems_system": {"system_admin": _SEEN},
    "otp_totp_totpdevice": {"security_admin": (*_SEEN, "delete")},
    "otp_static_staticdevice": {},
}.items():
    for _page in ("changelist", "add", "history", "delete", "change"):
        _who = [role for role, pages in _opens.items() if _page in pages]
        TABLE[f"admin:{_model}_{_page}"] = admin(200, *_who)
    if not _opens and _model != "auth_group":  # the history of nothing leads back to the front page
        TABLE[f"admin:{_model}_history"] = admin(302, *STAFF)
    _app, _, _name = _model.rpartition("_")
    TABLE[f"admin/{_app}/{_name}/<path:object_id>/"] = Row("GET", only(302, *STAFF), otherwise=302)


# A device's key and its picture are shown to nobody.
TABLE |= {f"admin:otp_totp_totpdevice_{page}": admin(403) for page in ("config", "qrcode")}


def patterns(resolver: Any, prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """Name (or, for one without, the address's pattern) and pattern of every address below a resolver."""
    for one in resolver.url_patterns:
        if hasattr(one, "url_patterns"):
            inner = f"{space}{one.namespace}:" if one.namespace else space
            yield from patterns(one, prefix + str(one.pattern), inner)
        else:
            pattern = prefix + str(one.pattern)
            yield (f"{space}{one.name}" if one.name else pattern), pattern


@pytest.fixture(scope="module")
def addresses(desk_city: City) -> dict[str, str]:
    """An address for each name, with the words of a case, an organisation and a person that exist."""
    from axes.models import AccessAttempt
    from django.contrib.auth.models import Group
    from django.urls import get_resolver
    from django_otp.plugins.otp_totp.models import TOTPDevice

    from citybrain.desk.systems.keys import register

    case = desk_city.dispatched()
    attempt = AccessAttempt.objects.create(username="x", ip_address="192.0.2.1", failures_since_start=1)
    words = {
        "number": case.number,
        "evidence_id": desk_city.pictures(case)[0].pk,
        "action": "confirm",
        "key": "00000000-none",
        "uscc": "91341602MA0000000X",
        "id": desk_city.people["auditor"].pk,
        "app_label": "accounts",
        "url": "nowhere/",
        "form": "json",
        "code": "exposed_rubbish",
        "webhook_id": 2**30,
        "delivery_id": 1,
        "token": "0" * 32,
        "report": "0" * 32,
    }
    group = Group.objects.get(name="auditor")
    device = TOTPDevice.objects.create(user=desk_city.people["acceptor"], confirmed=False)
    system = register("routes", "接入系统", "urban_management", 10).system
    objects = {
        "/group/": group.pk,
        "organisation": desk_city.company.pk,
        "/user/": words["id"],
        "/systems/system/": system.pk,
        "accessattempt": attempt.pk,
        "totpdevice": device.pk,
    }
    found = {}
    for name, pattern in patterns(get_resolver()):
        object_id = next((pk for part, pk in objects.items() if part in pattern), 0)
        step = "exclude" if "/line/" in pattern else "approve"
        given = {"object_id": object_id, "content_type_id": 1, "step": step, **words}
        if pattern.startswith("systems/"):
            given["code"] = system.code

        def filled(match: "re.Match[str]", given: dict[str, Any] = given) -> str:
            return str(given.get(match["name"] or match["group"], "1"))

        address = re.sub(r"<(?:\w+:)?(?P<name>\w+)>(?!\[|\.|auth)", filled, _plain(pattern))
        found[name] = f"/{address}".replace("\\.", ".")
    return found


def _plain(pattern: str) -> str:
    """A pattern without regular expressions: their groups written as a path's."""
    return re.sub(r"\(\?P(?P<name><\w+>)[^)]*\)", r"\g<name>", pattern).replace("^", "").replace("$", "")


def test_the_table_knows_every_address(addresses: dict[str, str]) -> None:
    assert set(addresses) == set(TABLE)


@pytest.mark.parametrize("role", [*EVERYBODY, None], ids=str)
def test_what_a_role_may_open(
    role: str | None, addresses: dict[str, str], desk_city: City, signed_in: Callable[[Any], Any]
) -> None:
    client = signed_in(desk_city.people[role] if role else None)
    wrong = {}
    for name, row in TABLE.items():
        answer = client.generic(row.method, addresses[name])
        if role is None:
            expected = row.nobody
            got: int | str = answer.status_code
            if isinstance(expected, str):
                got = expected if answer.status_code == 302 and "/login/" in answer.url else got
                got = expected if answer.status_code == 302 and answer.url.startswith(expected) else got
        else:
            expected, got = row.answers.get(role, row.otherwise), answer.status_code
        if got != expected:
            wrong[f"{row.method} {name} {addresses[name]}"] = f"{got}, not {expected}"
    assert wrong == {}


def test_a_page_that_is_not_there_says_so_in_chinese(
    desk_city: City, signed_in: Callable[[Any], Any]
) -> None:
    client = signed_in(desk_city.people["dispatcher"])
    missing = client.get("/cases/BZ-20200101-000001/")
    assert missing.status_code == 404 and "没有这一页，或您无权查看" in missing.content.decode()
    refused = client.get("/grants/")
    assert refused.status_code == 403 and "您的岗位不能打开这一页" in refused.content.decode()
