"""Webhooks of a system: where it is told of its cases as they move. The secret is shown once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from citybrain.desk.api.acting import account_of, require, system_in
from citybrain.desk.api.cases import VIEW
from citybrain.desk.api.once import Made, once
from citybrain.desk.api.problems import ProblemError
from citybrain.desk.api.words import IdempotencyKey, Watermark, not_found
from citybrain.desk.systems import hooks
from citybrain.desk.systems.announcing import Event
from citybrain.desk.systems.hook_address import HookAddressError
from citybrain.desk.systems.models import Webhook
from citybrain.desk.systems.replaying import deliveries_of
from citybrain.events.models import Notification
from citybrain.events.scope import as_system

router = Router(tags=["webhooks"])
HookId = Annotated[int, Path(..., ge=1, le=2**63 - 1)]
Url = Annotated[
    str, StringConstraints(min_length=10, max_length=hooks.LONGEST_URL, pattern=hooks.URL),
    Field(description="http or https; its host:port stands in CITYBRAIN_HTTP_ALLOW of the platform"),
]  # fmt: skip


class WebhookIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Url
    events: list[Event] = Field(min_length=1, max_length=20, description="what it is told of")


class WebhookChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    events: list[Event] | None = Field(default=None, min_length=1, max_length=20)
    is_active: bool | None = None


class WebhookOut(BaseModel):
    id: int
    url: str
    events: list[str]
    is_active: bool
    made_at: datetime


class NewSecret(WebhookOut):
    secret: str = Field(description="signs every message; shown this once (`whsec_` and base64)")


class DeliveryOut(BaseModel):
    id: int
    message: str = Field(description="the `webhook-id` it is sent with, however often")
    event: str
    state: Literal["pending", "sent", "dead"]
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    next_at: datetime | None = Field(description="when it is tried next, none once it is sent or given up")
    last_error: str


class Deliveries(BaseModel):
    deliveries: list[DeliveryOut]
    next: str | None = Field(description="`cursor` of the next page; none on the last one")


@router.get("/webhooks", response=list[WebhookOut], operation_id="list_webhooks", summary="Webhooks")
def list_webhooks(request: HttpRequest) -> list[WebhookOut]:
    """Those of the system."""
    require(request, VIEW)
    return [_out(one) for one in Webhook.objects.filter(system=system_in(request)).order_by("pk")]


@router.post("/webhooks", response={201: NewSecret}, operation_id="add_webhook", summary="Be told of cases")
def add_webhook(
    request: HttpRequest, wanted: WebhookIn, idempotency_key: IdempotencyKey = None
) -> HttpResponse:
    """Messages are signed as Standard Webhooks has it. Kept under an Idempotency-Key without its secret."""
    account = require(request, VIEW)
    system = system_in(request)

    def add() -> Made:
        try:
            with _allowed():
                made, secret = hooks.add_hook(system, wanted.url, wanted.events, account)
        except hooks.TooManyHooksError as refused:
            raise ProblemError(409, str(refused)) from refused
        return Made(201, _with_secret(made, secret), f"/api/v1/webhooks/{made.pk}", private=True)

    return once(request, idempotency_key, add)


@router.get("/webhooks/{webhook_id}", response=WebhookOut, operation_id="read_webhook", summary="One webhook")
def read_webhook(request: HttpRequest, webhook_id: HookId) -> WebhookOut:
    """Never with its secret."""
    return _out(_mine(request, webhook_id))


@router.patch(
    "/webhooks/{webhook_id}", response=WebhookOut, operation_id="change_webhook", summary="Change a webhook"
)
def change_webhook(request: HttpRequest, webhook_id: HookId, change: WebhookChange) -> WebhookOut:
    """What is left out stays. While it is off nothing is kept for it; what waits is sent when it is back."""
    hook = _mine(request, webhook_id)
    with _allowed():
        hooks.change_hook(
            hook, account_of(request), url=change.url, events=change.events, is_active=change.is_active
        )
    return _out(hook)


@router.delete(
    "/webhooks/{webhook_id}", response={204: None}, operation_id="remove_webhook", summary="Remove a webhook"
)
def remove_webhook(request: HttpRequest, webhook_id: HookId) -> HttpResponse:
    """What waits for it is given up."""
    hooks.remove_hook(_mine(request, webhook_id), account_of(request))
    return HttpResponse(status=204)


@router.post(
    "/webhooks/{webhook_id}/secret",
    response={201: NewSecret},
    operation_id="rotate_secret",
    summary="Another secret",
)
def rotate_secret(
    request: HttpRequest, webhook_id: HookId, idempotency_key: IdempotencyKey = None
) -> HttpResponse:
    """For a day messages carry a signature of each, so that the receiver may change over at leisure."""
    hook = _mine(request, webhook_id)

    def change() -> Made:
        return Made(201, _with_secret(hook, hooks.rotate_secret(hook, account_of(request))), private=True)

    return once(request, idempotency_key, change)


@router.post(
    "/webhooks/{webhook_id}/test", response={202: DeliveryOut}, operation_id="test_webhook", summary="Try it"
)
def test_webhook(
    request: HttpRequest, webhook_id: HookId, idempotency_key: IdempotencyKey = None
) -> HttpResponse:
    """Sends a message `webhook.test` that is about no case."""
    hook = _mine(request, webhook_id)

    def send() -> Made:
        return Made(202, _delivery(hooks.try_hook(hook, account_of(request))))

    return once(request, idempotency_key, send)


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    response=Deliveries,
    operation_id="list_deliveries",
    summary="What was sent",
)
def list_deliveries(
    request: HttpRequest,
    webhook_id: HookId,
    cursor: Watermark | None = None,
    limit: Annotated[int, Query(50, ge=1, le=200)] = 50,
) -> Deliveries:
    """The newest first, with what the receiver answered last when it took nothing."""
    hook = _mine(request, webhook_id)
    with as_system():
        page = deliveries_of(hook, int(cursor) if cursor is not None else None, limit + 1)
    last = str(page[limit - 1].pk) if len(page) > limit else None
    return Deliveries(deliveries=[_delivery(one) for one in page[:limit]], next=last)


@router.post(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
    response={202: DeliveryOut},
    operation_id="replay_delivery",
    summary="Send again",
)
def replay_delivery(
    request: HttpRequest, webhook_id: HookId, delivery_id: HookId, idempotency_key: IdempotencyKey = None
) -> HttpResponse:
    """The same message under the same `webhook-id`, signed anew, whether it was taken or given up."""
    hook = _mine(request, webhook_id)

    def again() -> Made:
        sent = hooks.send_again(hook, delivery_id, account_of(request))
        if sent is None:
            raise not_found()
        return Made(202, _delivery(sent))

    return once(request, idempotency_key, again)


def _mine(request: HttpRequest, webhook_id: int) -> Webhook:
    require(request, VIEW)
    hook = Webhook.objects.filter(system=system_in(request), pk=webhook_id).first()
    if hook is None:
        raise not_found()
    return hook


@contextmanager
def _allowed() -> Iterator[None]:
    try:
        yield
    except HookAddressError as refused:
        raise ProblemError(422, "this address is not allowed", ("url", str(refused))) from refused


def _out(hook: Webhook) -> WebhookOut:
    return WebhookOut(
        id=hook.pk, url=hook.url, events=hook.events, is_active=hook.is_active, made_at=hook.made_at
    )


def _with_secret(hook: Webhook, secret: str) -> NewSecret:
    return NewSecret(**_out(hook).model_dump(), secret=secret)


def _delivery(one: Notification) -> DeliveryOut:
    return DeliveryOut(
        id=one.pk,
        message=one.key,
        event=one.reason,
        state=one.state,  # type: ignore[arg-type]  # its choices are these three
        attempts=one.attempts,
        created_at=one.created_at,
        sent_at=one.sent_at,
        next_at=one.next_at if one.state == Notification.State.PENDING else None,
        last_error=one.last_error,
    )
