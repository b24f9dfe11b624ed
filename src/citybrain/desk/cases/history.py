"""A case's history as people read it: what was done, by whom, why, and whether the ledger proves it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from citybrain.desk.cases.conversation import Said
from citybrain.desk.cases.proof import Proof, proofs
from citybrain.events.models import Case, State
from citybrain.events.rules import load_rules

_PROOFS: dict[Proof, tuple[str, str]] = {
    "proved": ("good", "账本可证"),
    "batch": ("good", "随批次入账"),
    "altered": ("alarm", "与账本不符"),
    "missing": ("alarm", "账本无记录"),
}
_VERDICTS = {
    "clear": "机器判读：通道已清空",
    "occupied": "机器判读：通道仍被占用",
    "doubtful": "机器判读：照片与巡查画面不一致",
    "unreadable": "机器判读：照片看不清",
    "failed": "机器没有给出结论",
    "no_machine": "本类案件由人工核查",
    "disagree": "照片判读与巡查或监测不一致",
}


@dataclass(frozen=True)
class Told:
    """One step: `who` is empty for the platform's own, `proof` the colour and the words of its mark."""

    at: datetime
    zh: str
    to_state: str
    who: str
    organisation: str
    reason: str
    note: str
    proof: tuple[str, str]


def history(case: Case, said: Sequence[Said] = ()) -> list[Told]:
    """Every step of the case and that somebody wrote, the newest first; what, the conversation shows."""
    steps = list(case.transitions.select_related("actor", "organisation"))
    proved = proofs(case, steps)
    names = {step.action: step.zh for step in load_rules().transitions}
    told = [
        Told(
            at=step.at,
            zh=names.get(step.action, step.action),
            to_state=State(step.to_state).label,
            who=str(step.actor) if step.actor else "",
            organisation=str(step.organisation) if step.organisation else "",
            reason=step.reason,
            note=_note(step.data),
            proof=_PROOFS[proved[step.version]],
        )
        for step in reversed(steps)
    ]
    told += [
        Told(
            at=one.message.at,
            zh="留言",
            to_state="",
            who=str(one.message.author),
            organisation=str(one.message.organisation or ""),
            reason="",
            note="内容见对话",
            proof=_PROOFS[one.proof],
        )
        for one in said
    ]
    return sorted(told, key=lambda one: one.at, reverse=True) if said else told


def _note(data: dict[str, object]) -> str:
    """What history kept besides the reason and is worth reading."""
    if (verdict := data.get("verdict")) in _VERDICTS:
        return _VERDICTS[str(verdict)]
    if data.get("seen_by") == "readings":
        return "监测数据连续恢复正常"
    if data.get("seen_by") == "patrol":
        return "巡查画面显示现场已清空"
    return ""
