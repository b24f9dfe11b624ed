"""The case page's forms that make a case part of another one, and give signals a case of their own."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from desk_city import City
from django.test import Client

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def reported(city: City, place: str, **changes: object) -> str:
    """A report of rubbish at a place; its key."""
    key = uuid.uuid4().hex
    told = {"scenario": "street_order", "class_code": "piled_material", "source_kind": "citizen", "zone": ""}
    city.signal("", **told, key=key, place_id=place, observed_at=AT, **changes)
    return key


def case_of(key: str) -> Any:
    from citybrain.events.models import Signal
    from citybrain.events.scope import as_system

    with as_system():
        return Signal.objects.select_related("case").get(key=key).case


def test_an_acceptor_joins_a_duplicate_and_splits_what_does_not_belong(
    desk_city: City, signed_in: Callable[[Any], Client]
) -> None:
    from citybrain.events.intake import take_in

    places = [f"J{uuid.uuid4().hex[:8]}" for _ in range(2)]
    first, second = (reported(desk_city, place) for place in places)
    take_in()
    target, source = case_of(first), case_of(second)
    acceptor = signed_in(desk_city.people["acceptor"])
    page = acceptor.get(f"/cases/{source.number}/").content.decode()
    assert 'id="form-join"' in page and 'id="form-split"' in page
    dispatcher = signed_in(desk_city.people["dispatcher"])
    assert 'id="form-split"' not in dispatcher.get(f"/cases/{source.number}/").content.decode()

    sent = {"into": target.number, "reason": "同一堆料", "version": source.version}
    assert dispatcher.post(f"/cases/{source.number}/join/", sent).status_code == 403
    unknown = acceptor.post(f"/cases/{source.number}/join/", {**sent, "into": "BZ-1"}, follow=True)
    assert "没有这个编号的案件" in unknown.content.decode()
    joined = acceptor.post(f"/cases/{source.number}/join/", sent, follow=True)
    assert f"已并入案件 {target.number}" in joined.content.decode()
    assert desk_city.now(source).state == "voided" and case_of(second).pk == target.pk

    version = desk_city.now(target).version
    none = acceptor.post(f"/cases/{target.number}/split/", {"reason": "x", "version": version}, follow=True)
    assert "请选择本案的信号" in none.content.decode()
    answer = acceptor.post(
        f"/cases/{target.number}/split/",
        {"signal": [second], "reason": "另一处", "version": version},
        follow=True,
    )
    fresh = case_of(second)
    assert f"已拆分为案件 {fresh.number}" in answer.content.decode()
    assert fresh.pk not in (source.pk, target.pk) and fresh.state == "detected"
