"""Waking the wardens of a place: one after the other, each so many times, until one answers.

The class says whether and how (`wake` in the case classes), the rules what is told. A ring is a message of
the outbox like any other, so it survives a worker and an address that is down. Its link is signed with the
desk's key: whoever has the message may answer, and nobody else.
"""

from datetime import datetime, timedelta

from django.core.signing import BadSignature, Signer
from django.utils import timezone

from citybrain.events.editions import filing_of_case
from citybrain.events.models import ENDED, Case, WakeUp, Warden
from citybrain.events.outbox import tell, tell_warden
from citybrain.events.rules import load_rules
from citybrain.events.scope import as_system
from citybrain.settings import get_settings


def begin(case: Case, now: datetime) -> int:
    """Line up the wardens of the case's place and let the first one ring; how many there are.

    A case that was filed before keeps its line.
    """
    wake = filing_of_case(case).rule.wake
    if wake is None or not case.place_id or case.wake_ups.exists():
        return 0
    wardens = list(Warden.objects.filter(place_id=case.place_id, is_active=True).order_by("ordinal", "id"))
    WakeUp.objects.bulk_create(
        WakeUp(
            case=case,
            warden=warden,
            ordinal=ordinal,
            state=WakeUp.State.RINGING if ordinal == 1 else WakeUp.State.WAITING,
            next_at=now if ordinal == 1 else None,
        )
        for ordinal, warden in enumerate(wardens, 1)
    )
    return len(wardens)


def ring_due(most: int = 200) -> int:
    """Ring whoever is to be woken now; how many rings or turns there were. Safe for several workers."""
    with as_system():
        due = WakeUp.objects.filter(state=WakeUp.State.RINGING, next_at__lte=timezone.now())
        cases = list(due.order_by("next_at").values_list("case_id", flat=True)[:most])
    return sum(_turn(case_id) for case_id in cases)


def _turn(case_id: int) -> bool:
    """The next ring of a case's line, its row held."""
    with as_system():
        now = timezone.now()
        case = Case.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=case_id).first()
        line = list(WakeUp.objects.filter(case_id=case_id).select_related("warden"))
        ringing = next((one for one in line if one.state == WakeUp.State.RINGING), None)
        if case is None or ringing is None or ringing.next_at is None or ringing.next_at > now:
            return False
        if case.state in ENDED:
            end(case)
            return True
        wake = filing_of_case(case).rule.wake
        if wake is None:
            end(case)
            return True
        following: WakeUp | None = ringing
        if ringing.rings >= wake.rings:
            following = _next_after(ringing, line)
        if following is not None:
            _ring(case, following, now, timedelta(seconds=wake.every_seconds))
        else:
            tell(case, "wake:silent", [load_rules().wake.silent], now)
        return True


def _ring(case: Case, one: WakeUp, now: datetime, pause: timedelta) -> None:
    one.rings += 1
    one.next_at = now + pause
    one.save(update_fields=["state", "rings", "next_at"])
    link = f"{get_settings().desk_url}/answer/{_signer().sign(str(one.pk))}/"
    occasion = f"wake:{one.ordinal}:{one.rings}"
    tell_warden(case, one.warden, occasion, load_rules().wake.ring, now, link)


def _next_after(one: WakeUp, line: list[WakeUp]) -> WakeUp | None:
    """Nobody answered there: whose turn it is now; None when the whole line stayed silent."""
    one.state, one.next_at = WakeUp.State.SILENT, None
    one.save(update_fields=["state", "next_at"])
    following = next((other for other in line if other.state == WakeUp.State.WAITING), None)
    if following is not None:
        following.state = WakeUp.State.RINGING
    return following


def woken_by(token: str) -> WakeUp | None:
    """The wake-up that a message's link belongs to; None where it was not signed here."""
    try:
        pk = int(_signer().unsign(token))
    except (BadSignature, ValueError):
        return None
    return WakeUp.objects.select_related("case", "warden").filter(pk=pk).first()


def _signer() -> Signer:
    return Signer(salt="citybrain.events.waking")


def answer(token: str) -> WakeUp | None:
    """Whoever was woken answers: nobody else is, and the lead is told. None where nothing rings any more."""
    with as_system():
        found = woken_by(token)
        return None if found is None else _answer(found)


def answer_as(warden_code: str, wake_up_id: int) -> WakeUp | None:
    """The same by a warden who has signed in: only their own wake-ups are theirs to answer."""
    with as_system():
        own = WakeUp.objects.select_related("case", "warden").filter(pk=wake_up_id)
        found = own.filter(warden__code=warden_code).first() if warden_code else None
        return None if found is None else _answer(found)


def _answer(found: WakeUp) -> WakeUp | None:
    """Within the platform's scope."""
    with as_system():
        case = Case.objects.select_for_update(of=("self",)).get(pk=found.case_id)
        found.refresh_from_db()
        if found.state == WakeUp.State.ANSWERED:
            return found
        if case.state in ENDED or found.state not in (WakeUp.State.RINGING, WakeUp.State.SILENT):
            return None
        now = timezone.now()
        found.state, found.next_at, found.answered_at = WakeUp.State.ANSWERED, None, now
        end(case, but=found)
        found.save(update_fields=["state", "next_at", "answered_at"])
        tell(case, f"answered:{found.ordinal}", [load_rules().wake.answered], now, limit=found.warden.code)
    return found


def end(case: Case, but: WakeUp | None = None) -> None:
    """Nobody has to be woken about the case any more."""
    still = case.wake_ups.filter(state__in=[WakeUp.State.WAITING, WakeUp.State.RINGING])
    if but is not None:
        still = still.exclude(pk=but.pk)
    still.update(state=WakeUp.State.ENDED, next_at=None)
