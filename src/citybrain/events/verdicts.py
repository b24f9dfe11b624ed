"""What follows from a check: closed, sent back, or shown to a person."""

from collections import Counter

from citybrain.events.acting import CaseRefusedError, apply
from citybrain.events.models import Case, State
from citybrain.events.rechecking import Verdict, verdicts
from citybrain.events.scope import as_system

_STEPS = {
    "clear": "pass_check",
    "occupied": "fail_check",
    "doubtful": "fail_check",
    "unreadable": "ask_person",
    "failed": "ask_person",
    "no_machine": "ask_person",
    "disagree": "ask_person",
}
_REASONS = {"occupied": "处置后照片上通道仍被占用。", "doubtful": "处置后照片与巡查画面不一致，请核实现场。"}
_OCCUPIED = ("occupied", "doubtful")
_NO_MACHINE = Verdict("", "no_machine", {})


def follow_verdicts() -> Counter[str]:
    """Move every case in check whose verdict has come, each in its own transaction; counted by step."""
    with as_system():
        waiting = _waiting()
        found = verdicts([key for key in waiting.values() if key])
    done: Counter[str] = Counter()
    for case_id, key in waiting.items():
        verdict = found.get(key) if key else _NO_MACHINE
        if verdict is not None and (taken := _follow(case_id, key, verdict)):
            done[taken] += 1
    return done


def _waiting() -> dict[int, str]:
    """Cases in check that no person was asked about yet, and the key of their request ("" for none)."""
    waiting = {}
    for case in Case.objects.filter(state=State.CHECKING).order_by("id"):
        last = case.transitions.last()
        if last is not None and last.action == "request_check":
            waiting[case.pk] = str(last.data.get("recheck_key", ""))
    return waiting


def _follow(case_id: int, key: str, verdict: Verdict) -> str:
    """Take the verdict's step and name it; "" when the case has moved on meanwhile."""
    with as_system():
        case = Case.objects.select_for_update(of=("self",)).get(pk=case_id)
        last = case.transitions.last()
        if case.state != State.CHECKING or last is None or last.data.get("recheck_key") != key:
            return ""
        word = weighed(case, verdict.word)
        data = {"verdict": word, "recheck_key": key, "detail": verdict.detail}
        if word != verdict.word:
            data["photo_verdict"] = verdict.word
        try:
            apply(case, _STEPS[word], reason=_REASONS.get(word, ""), data=data)
        except CaseRefusedError:
            return ""
    return _STEPS[word]


def weighed(case: Case, word: str) -> str:
    """The photo's verdict beside what rounds and readings saw since the handling; two that say different
    things are for a person: `disagree`.
    """
    if case.handled_at is None:
        return word
    seen_again = case.last_seen_at is not None and case.last_seen_at > case.handled_at
    seen_clear = case.cleared_at is not None and case.cleared_at > case.handled_at
    if (word == "clear" and seen_again and not seen_clear) or (word in _OCCUPIED and seen_clear):
        return "disagree"
    return word
