"""People who take a case from wherever it stands to its end, each in their own name, with a new photo."""

import io
import itertools
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image

from citybrain.warehouse.row_scope import enter

_people = itertools.count(1)
MOST_STEPS = 12


def photo() -> io.BytesIO:
    content = io.BytesIO()
    Image.frombytes("RGB", (320, 240), secrets.token_bytes(320 * 240 * 3)).save(content, "JPEG")
    content.seek(0)
    return content


def person(role: str, organisation: Any) -> Any:
    """Somebody of a role in an organisation."""
    from django.contrib.auth.models import Group

    from citybrain.desk.accounts.models import User

    user = User.objects.create(username=f"closing_{next(_people)}", organisation=organisation)
    user.groups.set(Group.objects.filter(name=role))
    return user


def close(case: Any, after: bytes | None = None) -> list[str]:
    """Confirm, file, dispatch, accept, photograph, report and check, as far as that is still to be done; the
    actions by name. A case that machines check is left with them, in `checking`.
    """
    from citybrain.desk.accounts.models import Organisation, User
    from citybrain.events.acting import apply
    from citybrain.events.editions import filing_of_case
    from citybrain.events.models import Case
    from citybrain.events.photos import Evidence, add_photo
    from citybrain.events.scope import as_system

    def take(who: Any, action: str, **more: Any) -> None:
        with _asked_by(who.row_scope):
            apply(_fresh(case), action, who, reason="现场已处理", **more)
        taken.append(action)

    taken: list[str] = []
    acceptor, dispatcher = (User.objects.get(username=name) for name in ("acceptor", "dispatcher"))
    while _fresh(case).state not in ("closed", "voided") and len(taken) < MOST_STEPS:
        now = _fresh(case)
        with as_system():
            handler = Case.objects.select_related("handler").get(pk=case.pk).handler
            rule = filing_of_case(now).rule
        match now.state:
            case "detected":
                take(acceptor, "confirm")
            case "confirmed":
                take(acceptor, "file")
            case "filed":
                take(dispatcher, "dispatch", organisation=Organisation.objects.get(pk=now.lead_id))
            case "dispatched":
                worker = person("grid_worker", handler)
                take(worker, "accept")
            case "accepted" | "rework":
                with _asked_by(worker.row_scope):
                    picture = io.BytesIO(after) if after is not None else photo()
                    add_photo(_fresh(case), picture, Evidence.Kind.AFTER, worker)
                take(worker, "handle")
            case "checking" if rule.check == "machine":
                break
            case "checking":
                take(dispatcher, "approve")
            case other:
                raise AssertionError(f"nobody closes a case that is {other}")
    return taken


def send_out(case: Any) -> None:
    """What a dispatcher does with a filed case that names no handler: the leading department gets it."""
    from citybrain.desk.accounts.models import Organisation, User
    from citybrain.events.acting import apply

    now, dispatcher = _fresh(case), User.objects.get(username="dispatcher")
    if now.state == "filed":
        with _asked_by(dispatcher.row_scope):
            apply(now, "dispatch", dispatcher, organisation=Organisation.objects.get(pk=now.lead_id))


def _fresh(case: Any) -> Any:
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    with as_system():
        return Case.objects.get(pk=case.pk)


@contextmanager
def _asked_by(scope: Any) -> Iterator[None]:
    """What the desk does around a request: a transaction that knows who asks."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        enter(cursor, scope)
        yield
