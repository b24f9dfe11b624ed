"""The conversation on a case, as its pages show it, and the form that adds to it. Desk and phone share it."""

from dataclasses import dataclass
from typing import BinaryIO, cast

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest

from citybrain.desk.accounts.models import User
from citybrain.desk.accounts.roles import load_roles
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.proof import Proof, message_proofs
from citybrain.desk.cases.steps import key_in, new_key, refusals_said
from citybrain.events.models import Case, CaseMessage, Evidence
from citybrain.events.photos import MOST_AT_ONCE
from citybrain.events.writing import LONGEST, mark_read, write

SHOWN = 100  # messages on a page, the newest
WRITE = "events.write_case"
may_write = permission_required(WRITE, raise_exception=True)


@dataclass(frozen=True)
class Said:
    """One message; `role` is the Chinese name of the writer's post, `mine` one of the person who looks."""

    message: CaseMessage
    pictures: list[Evidence]
    role: str
    mine: bool
    proof: Proof


@dataclass(frozen=True)
class Conversation:
    """What was written, the oldest first, and the form with its key; `refused` with what had been typed."""

    said: list[Said]
    earlier: int
    may_write: bool
    key: str
    longest: int = LONGEST
    most_photos: int = MOST_AT_ONCE
    refused: str = ""
    typed: str = ""


def conversation(case: Case, person: User, refused: str = "", typed: str = "") -> Conversation:
    """The conversation as the person sees it; what is shown counts as read."""
    written = case.messages.select_related("author", "organisation").prefetch_related("pictures")
    found = list(written.order_by("-pk")[: SHOWN + 1])
    shown = found[:SHOWN][::-1]
    proved = message_proofs(case, shown)
    names = load_roles()
    mark_read(person, case, shown)
    return Conversation(
        said=[
            Said(
                message=one,
                pictures=list(one.pictures.all()),
                role=names[one.role].zh if one.role in names else one.role,
                mine=one.author_id == person.pk,
                proof=proved[one.pk],
            )
            for one in shown
        ],
        earlier=case.messages.count() - len(shown) if len(found) > SHOWN else 0,
        may_write=case.is_open and person.has_perm(WRITE),
        key=new_key(),
        refused=refused,
        typed=typed,
    )


def sent_message(request: HttpRequest, case: Case) -> None:
    """Write what the form carries. Raises StepRefusedError."""
    person, key = person_of(request), key_in(request)
    photos = [cast("BinaryIO", file) for file in request.FILES.getlist("photo")]
    with refusals_said(case), transaction.atomic():
        write(case, request.POST.get("text", ""), person, role_of(person), key=key, photos=photos)


def role_of(person: User) -> str:
    """The first of the person's roles, in the order of `roles.yml`, that may write on cases."""
    names = set(person.groups.values_list("name", flat=True))
    return next((role.id for role in load_roles().values() if role.id in names and WRITE in role.may), "")
