"""Why a case waits, in one sentence: for whom, for what, since when."""

from django.utils import timezone

from citybrain.desk.cases.time_left import duration
from citybrain.events.models import Case, Petition, State

_FOR: dict[str, str] = {
    State.DETECTED: "等受理员核实",
    State.CONFIRMED: "等受理员立案",
    State.FILED: "等派遣员选择承办单位",
    State.DISPATCHED: "等{handler}接单",
    State.ACCEPTED: "{handler}已接单，等到场处置",
    State.HANDLING: "{handler}正在处置，等处置后的照片",
    State.HANDLED: "等系统送核查",
    State.CHECKING: "等机器核查处置后的照片",
    State.REWORK: "核查未通过，等{handler}返工",
    State.SUSPENDED: "挂账中，时限暂停，等派遣员恢复",
}
_ASKED_A_PERSON = "机器无法判断，等派遣员人工核查"
_ANSWERS: dict[str, str] = {
    Petition.EXTENSION: "另有延期申请等指挥中心审批",
    Petition.SUSPENSION: "另有挂账申请等指挥中心审批",
    Petition.APPEAL: "另有超时申诉等初审",
    Petition.SECOND_REVIEW: "另有超时申诉等另一人复审",
}


def why_waiting(case: Case) -> str:
    """Of a case of `queued_cases`; empty for one that is over and of which nothing is asked."""
    waits = []
    if case.is_open:
        told = _ASKED_A_PERSON if getattr(case, "asked", False) else _FOR[case.state]
        handler = case.handler.name if case.handler else "承办单位"
        since = getattr(case, "since", None)
        waits.append(told.format(handler=handler))
        if since is not None:
            waits.append(f"已等 {duration(int((timezone.now() - since).total_seconds()))}")
    if case.petition:
        waits.append(_ANSWERS[case.petition])
    return "，".join(waits)
