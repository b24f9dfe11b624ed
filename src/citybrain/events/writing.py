"""What the people of a case write to each other: beside its steps, so nobody's open page grows stale by it.

The text stands in one append-only row under the case's own row security. The ledger keeps the text's hash
and not the text: an entry can never be taken back, and people write names and telephone numbers.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.utils import timezone

from citybrain import ledger
from citybrain.events.acting import CaseRefusedError
from citybrain.events.models import Case, CaseMessage, Evidence, ReadMark
from citybrain.events.outbox import recipients, tell_one
from citybrain.events.people import Actor, Organisation
from citybrain.events.photos import MOST_AT_ONCE, PhotoRefusedError, add_photo
from citybrain.events.rules import load_rules
from citybrain.events.scope import as_system

LONGEST = 1000  # characters
ENTRY = "case_message"  # kind of the ledger's entries
_LINES = "\n\t"


@transaction.atomic
def write(
    case: Case, text: str, actor: Actor, role: str, *, key: str, photos: Sequence[BinaryIO] = ()
) -> CaseMessage:
    """Put a message on a case, tell the others, record it; sent twice under one `key` it counts once.

    `role` is the id of the role under which the person writes. Whoever sees the case reads it and sees its
    photos, which are judged and stripped as all others are. Words may be missing where a photo says it.
    Raises CaseRefusedError, PhotoRefusedError.
    """
    held = Case.objects.select_for_update(of=("self",)).filter(pk=case.pk).first()
    if held is None:
        raise CaseRefusedError("没有这个案件，或您无权查看。")
    if not actor.has_perm("events.write_case"):
        raise CaseRefusedError("您的岗位不能在案件上留言。")
    known = held.messages.filter(author_id=actor.pk, key=key).first()
    if known is not None:
        return known
    if not held.is_open:
        raise CaseRefusedError(f"案件现在是“{held.get_state_display()}”，不能再留言。")
    if len(photos) > MOST_AT_ONCE:
        raise PhotoRefusedError(f"一次最多 {MOST_AT_ONCE} 张照片。")
    words = legible(text, may_be_empty=bool(photos))
    pictures = [add_photo(held, photo, Evidence.Kind.MESSAGE, actor) for photo in photos]
    written = CaseMessage.objects.create(
        case=held,
        author_id=actor.pk,
        organisation_id=actor.organisation_id,
        role=role,
        text=words,
        key=key,
        at=timezone.now(),
    )
    written.pictures.set(pictures)
    with as_system(actor.pk):
        _tell(held, written)
        connection.ensure_connection()
        ledger.append(
            connection.connection, ENTRY, f"case:{held.number}", entry_of(written, actor.get_username())
        )
    return written


def legible(text: str, *, may_be_empty: bool = False) -> str:
    """The text as it is kept: without characters that show nothing or turn the others around.

    Raises CaseRefusedError for none that is left, and for more than `LONGEST` characters.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(
        one for one in lines if one in _LINES or unicodedata.category(one) not in ("Cc", "Cf", "Cs")
    )
    kept = kept.strip()
    if not kept and not may_be_empty:
        raise CaseRefusedError("请写明内容，或附上照片。")
    if len(kept) > LONGEST:
        raise CaseRefusedError(f"留言不能超过 {LONGEST} 字。")
    return kept


def entry_of(message: CaseMessage, author: str) -> dict[str, object]:
    """What the ledger holds of a message. `author` is the account's name; photos by their SHA-256."""
    entry: dict[str, object] = {
        "message": message.pk,
        "author": author,
        "organisation_id": message.organisation_id,
        "role": message.role,
        "at": message.at.isoformat(),
        "text_sha256": hashlib.sha256(message.text.encode()).hexdigest(),
    }
    if pictures := [one.sha256 for one in message.pictures.all()]:
        entry["pictures"] = pictures
    return entry


def unread(person: Actor, cases: Sequence[Case]) -> dict[int, int]:
    """How many messages of others the person has not seen, by case id; cases without any are left out."""
    mark = ReadMark.objects.filter(person_id=person.pk, case=OuterRef("case")).values("message_id")
    waiting = (
        CaseMessage.objects.filter(case_id__in=[case.pk for case in cases])
        .exclude(author_id=person.pk)
        .annotate(seen=Subquery(mark))
        .filter(Q(seen=None) | Q(pk__gt=F("seen")))
    )
    return dict(waiting.order_by().values("case").annotate(count=Count("pk")).values_list("case", "count"))


def mark_read(person: Actor, case: Case, messages: Iterable[CaseMessage]) -> None:
    """The person has these messages of the case before them. Nothing is written when nothing is new."""
    newest = max((message.pk for message in messages), default=0)
    known = (
        ReadMark.objects.filter(person_id=person.pk, case=case).values_list("message_id", flat=True).first()
    )
    if newest <= (known or 0):
        return
    ReadMark.objects.bulk_create(
        [ReadMark(person_id=person.pk, case=case, message_id=newest)],
        update_conflicts=True,
        unique_fields=["case", "person"],
        update_fields=["message_id"],
    )


def _tell(case: Case, message: CaseMessage) -> None:
    """Whom the rules name and whoever wrote before, but for the writer's own organisation, each once."""
    rule = load_rules().written
    wrote = apps.get_model("accounts.Organisation").objects.filter(
        pk__in=case.messages.order_by().values("organisation_id"), is_active=True
    )
    told: dict[int, Organisation] = {one.pk: one for one in (*recipients(case, rule.to), *wrote)}
    told.pop(message.organisation_id or 0, None)
    writer = str(message.organisation or message.author)
    for organisation in told.values():
        tell_one(case, f"message:{message.pk}", organisation, rule, message.at, writer)
