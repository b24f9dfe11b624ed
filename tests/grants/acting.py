"""Steps as people take them: each in a transaction of that person's scope. Import after Django is loaded."""

from typing import Any

from citybrain.policy.grants import notices, payment, review
from citybrain.policy.grants.acts import scope
from citybrain.policy.grants.models import GrantLine, GrantList
from citybrain.settings import Settings

Person = Any


def act(person: Person, step: Any, *arguments: Any) -> Any:
    with scope(person.row_scope):
        return step(*arguments)


def list_of(item_id: str, number: int | None = None) -> GrantList:
    """The newest list of the item (or the one of that number) as it stands now."""
    with scope():
        lists = GrantList.objects.filter(item_id=item_id).order_by("number")
        found = lists.last() if number is None else lists.get(number=number)
        assert found is not None
        return found


def lines_of(grant_list: GrantList) -> dict[str, GrantLine]:
    with scope():
        return {line.uscc: line for line in grant_list.lines.order_by("id")}


def approve(grant_list: GrantList, person: Person) -> None:
    act(person, review.approve, grant_list.pk, person, list_of_pk(grant_list).version)


def countersign(grant_list: GrantList, person: Person) -> None:
    act(person, review.countersign, grant_list.pk, person, list_of_pk(grant_list).version)


def open_notice(grant_list: GrantList, person: Person) -> None:
    act(person, notices.open_notice, grant_list.pk, person, list_of_pk(grant_list).version)


def pay(settings: Settings, grant_list: GrantList, person: Person) -> payment.Paid:
    version = list_of_pk(grant_list).version
    return act(person, payment.make_payment_file, settings, grant_list.pk, person, version)


def list_of_pk(grant_list: GrantList) -> GrantList:
    with scope():
        return GrantList.objects.get(pk=grant_list.pk)
