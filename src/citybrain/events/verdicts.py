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
}
_REASONS = {"occupied": "处置后照片上通道仍被占用。", "doubtful": "处置后照片与巡查画面不一致，请核实现场。"}
_NO_MACHINE = Verdict("", "no_machine", {})


def follow_verdicts() -> Counter[str]:
    """Move every case in check whose verdict has come, each in its own transaction; counted by step."""
    with as_system():
        waiting = _waiting()
        found = verdicts([key for key in waiting.values() if key])
    done: Counter[str] = Counter()
    for case_id, key in waiting.items():
        verdict = found.get(key) if key else _NO_MACHINE
        if verdict is not None and _follow(case_id, key, verdict):
            done[_STEPS[verdict.word]] += 1
    return done


def _waiting() -> dict[int, str]:
    """Cases in check that no person was asked about yet, and the key of their request ("" for none)."""
    waiting = {}
    for case in Case.objects.filter(state=State.CHECKING).order_by("id"):
        last = case.transitions.last()
        if last is not None and last.action == "request_check":
            waiting[case.pk] = str(last.data.get("recheck_key", ""))
    return waiting


def _follow(case_id: int, key: str, verdict: Verdict) -> bool:
    """Take the verdict's step; False when the case has moved on meanwhile."""
    with as_system():
        case = Case.objects.select_for_update(of=("self",)).get(pk=case_id)
        last = case.transitions.last()
        if case.state != State.CHECKING or last is None or last.data.get("recheck_key") != key:
            return False
        data = {"verdict": verdict.word, "recheck_key": key, "detail": verdict.detail}
        try:
            apply(case, _STEPS[verdict.word], reason=_REASONS.get(verdict.word, ""), data=data)
        except CaseRefusedError:
            return False
    return True
