"""Pages of the system administrator: connected systems with what they ask, and their webhooks: register,
pause, try, another secret, what was sent. Of cases they tell no more than a number.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import connection
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.steps import version_in
from citybrain.desk.systems import hooks
from citybrain.desk.systems.announcing import TEST, Event
from citybrain.desk.systems.counting import counts
from citybrain.desk.systems.hook_address import HookAddressError
from citybrain.desk.systems.models import System, Webhook
from citybrain.desk.systems.replaying import deliveries_of
from citybrain.events.models import Notification, State
from citybrain.events.scope import as_system
from citybrain.events.sending import HOOK

PAGE = 50  # deliveries
RECORDS = 50  # of the ledger, the newest
EVENTS = {
    **{event: State(event.partition(".")[2]).label for event in get_args(Event) if event[5:] in State.values},
    "case.reopened": "重新打开",
    "case.remarked": "备注",
    "case.updated": "其他变化",
}
_OTHER = {TEST: "试发"}
_ACTIONS = {
    "add": "登记",
    "change": "修改",
    "rotate_secret": "更换密钥",
    "test": "试发",
    "replay": "重发",
    "remove": "移除",
}
_RECORDS = """
SELECT recorded_at, payload::text FROM ledger.entry
WHERE subject = %s AND kind = %s ORDER BY entry_id DESC LIMIT %s
"""
may_manage = permission_required("systems.change_webhook", raise_exception=True)


class HookForm(forms.Form):
    """Where to and of what."""

    url = forms.RegexField(
        hooks.URL,
        max_length=hooks.LONGEST_URL,
        error_messages={
            "required": "请填写接收地址。",
            "invalid": "地址以 http:// 或 https:// 开头，不含空格和中文。",
            "max_length": f"地址不能超过 {hooks.LONGEST_URL} 个字符。",
        },
    )
    events = forms.MultipleChoiceField(
        choices=list(EVENTS.items()),
        error_messages={"required": "请至少选择一类事件。", "invalid_choice": "请选择列表中的事件。"},
    )


@dataclass(frozen=True)
class Record:
    """One entry of the ledger: what somebody did to a webhook."""

    at: datetime
    zh: str
    actor: str
    webhook: int
    url: str


@require_GET
@may_manage
def index(request: HttpRequest) -> HttpResponse:
    """Every system: whose it is, how much it asks, how many webhooks it has."""
    asked = {one.code: one for one in counts()}
    systems = System.objects.select_related("account__organisation").annotate(
        hooks=Count("webhooks"), hooks_on=Count("webhooks", filter=Q(webhooks__is_active=True))
    )
    rows = [(one, asked[one.code]) for one in systems if one.code in asked]
    return render(request, "systems/index.html", {"rows": rows})


@require_GET
@may_manage
def one(request: HttpRequest, code: str) -> HttpResponse:
    """One system with its webhooks, and who changed what of them."""
    return _system_page(request, _system(code), HookForm())


@require_POST
@may_manage
@never_cache
def add(request: HttpRequest, code: str) -> HttpResponse:
    """Register a webhook; its secret is shown on the answer, and never again."""
    system, form = _system(code), HookForm(request.POST)
    if not form.is_valid():
        return _system_page(request, system, form, status=422)
    try:
        made, secret = hooks.add_hook(
            system, form.cleaned_data["url"], form.cleaned_data["events"], person_of(request)
        )
    except HookAddressError as refused:
        form.add_error("url", _not_allowed(refused))
        return _system_page(request, system, form, status=422)
    except hooks.TooManyHooksError:
        form.add_error(None, f"一个系统最多登记 {hooks.MOST} 个推送地址。")
        return _system_page(request, system, form, status=422)
    return _hook_page(request, made, secret=secret)


@require_GET
@may_manage
def webhook(request: HttpRequest, code: str, webhook_id: int) -> HttpResponse:
    """One webhook and what was sent to it, the newest first."""
    return _hook_page(request, _hook(code, webhook_id))


@require_POST
@may_manage
@never_cache
def act(request: HttpRequest, code: str, webhook_id: int, action: str) -> HttpResponse:
    """Pause, resume, change, try, remove it, or give it another secret. Raises Http404 for anything else."""
    hook, person = _hook(code, webhook_id), person_of(request)
    if action == "rotate":
        return _hook_page(request, hook, secret=hooks.rotate_secret(hook, person))
    if action == "change":
        return _changed(request, hook)
    if action in ("pause", "resume"):
        hooks.change_hook(hook, person, is_active=action == "resume")
        messages.success(request, "已恢复推送。" if hook.is_active else "已暂停推送，期间发生的事件不补发。")
    elif action == "test":
        hooks.try_hook(hook, person)
        messages.success(request, "试发消息已排队，几秒后刷新本页可以看到结果。")
    elif action == "remove":
        hooks.remove_hook(hook, person)
        messages.success(request, "推送地址已移除，未送出的消息不再发送。")
        return redirect("systems:one", code)
    else:
        raise Http404
    return redirect("systems:webhook", code, webhook_id)


@require_POST
@may_manage
def again(request: HttpRequest, code: str, webhook_id: int, delivery_id: int) -> HttpResponse:
    """Send one message again under the id that it had."""
    if hooks.send_again(_hook(code, webhook_id), delivery_id, person_of(request)) is None:
        raise Http404
    messages.success(request, "已重新排队发送。")
    return redirect("systems:webhook", code, webhook_id)


def _changed(request: HttpRequest, hook: Webhook) -> HttpResponse:
    form = HookForm(request.POST)
    if form.is_valid():
        try:
            hooks.change_hook(
                hook, person_of(request), url=form.cleaned_data["url"], events=form.cleaned_data["events"]
            )
        except HookAddressError as refused:
            form.add_error("url", _not_allowed(refused))
        else:
            messages.success(request, "已修改。")
            return redirect("systems:webhook", hook.system.code, hook.pk)
    return _hook_page(request, _hook(hook.system.code, hook.pk), form, status=422)


def _not_allowed(refused: HookAddressError) -> str:
    return f"这个地址没有获准。请运维人员核对后写入 CITYBRAIN_HTTP_ALLOW（{refused}）。"


def _system(code: str) -> System:
    return get_object_or_404(System.objects.select_related("account__organisation"), code=code)


def _hook(code: str, webhook_id: int) -> Webhook:
    known = Webhook.objects.select_related("system__account__organisation")
    return get_object_or_404(known, pk=webhook_id, system__code=code)


def _system_page(request: HttpRequest, system: System, form: HookForm, status: int = 200) -> HttpResponse:
    known = list(system.webhooks.order_by("pk"))
    left = _left(known)
    told: dict[str, Any] = {
        "system": system,
        "hooks": [(one, _said(one.events), left[one.pk]) for one in known],
        "form": form,
        "events": EVENTS.items(),
        "chosen": request.POST.getlist("events") if form.is_bound else list(EVENTS),
        "records": _records(system),
        "most": hooks.MOST,
    }
    return render(request, "systems/one.html", told, status=status)


def _hook_page(
    request: HttpRequest, hook: Webhook, form: HookForm | None = None, secret: str = "", status: int = 200
) -> HttpResponse:
    before = version_in(request.GET.get("before", "")) or None
    with as_system():
        page = deliveries_of(hook, before, PAGE + 1)
    bound = form or HookForm(initial={"url": hook.url, "events": hook.events})
    told: dict[str, Any] = {
        "hook": hook,
        "system": hook.system,
        "secret": secret,
        "form": bound,
        "events": EVENTS.items(),
        "chosen": request.POST.getlist("events") if form is not None else hook.events,
        "deliveries": [
            (one, EVENTS.get(one.reason, _OTHER.get(one.reason, one.reason))) for one in page[:PAGE]
        ],
        "older": page[PAGE - 1].pk if len(page) > PAGE else None,
    }
    return render(request, "systems/webhook.html", told, status=status)


def _said(events: list[str]) -> str:
    return "、".join(EVENTS.get(one, one) for one in events)


def _left(hooks_shown: Sequence[Webhook]) -> dict[int, dict[str, int]]:
    """By webhook, how many messages wait (`pending`) and how many were given up (`dead`)."""
    channels = {f"{HOOK}{one.pk}": one.pk for one in hooks_shown}
    found: dict[int, dict[str, int]] = {one.pk: {} for one in hooks_shown}
    with as_system():
        counted = Notification.objects.filter(channel__in=channels).exclude(state=Notification.State.SENT)
        for channel, state, count in (
            counted.order_by()
            .values("channel", "state")
            .annotate(count=Count("pk"))
            .values_list("channel", "state", "count")
        ):
            found[channels[channel]][state] = count
    return found


def _records(system: System) -> list[Record]:
    with connection.cursor() as cursor:
        cursor.execute(_RECORDS, [f"system:{system.code}", hooks.ENTRY, RECORDS])
        found = [(at, json.loads(payload)) for at, payload in cursor.fetchall()]
    return [
        Record(at, _ACTIONS.get(told["action"], told["action"]), told["actor"], told["webhook"], told["url"])
        for at, told in found
    ]
