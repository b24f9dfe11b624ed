"""What a system does on a case: steps and remarks, by the rules and rights of its department's people."""

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel, ConfigDict, Field

from citybrain.desk.accounts.models import Organisation, User
from citybrain.desk.api.acting import require
from citybrain.desk.api.cases import VIEW, case_seen
from citybrain.desk.api.once import Made, once
from citybrain.desk.api.problems import ProblemError
from citybrain.desk.api.words import CaseNumber, Code, IdempotencyKey, OrganisationCode, Text500
from citybrain.events.acting import CaseRefusedError, apply
from citybrain.events.guards import may
from citybrain.events.models import Case
from citybrain.events.rules import Step, load_rules

router = Router(tags=["cases"])
REMARK = "remark"


class StepIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    action: Code
    version: int = Field(ge=1, le=2**31 - 1, description="of the case as the system knows it")
    reason: Text500 = ""
    handler: OrganisationCode | None = Field(default=None, description="code, for steps that name a handler")


class RemarkIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1, le=2**31 - 1, description="of the case as the system knows it")
    text: Text500 = Field(min_length=1)


class StepTaken(BaseModel):
    """The case after the step. A case that went to somebody else is out of view from then on."""

    number: str
    version: int
    state: str
    state_name: str
    in_view: bool


@router.post(
    "/cases/{number}/steps", response={201: StepTaken}, operation_id="take_step", summary="Take a step"
)
def take_step(
    request: HttpRequest, number: CaseNumber, step: StepIn, idempotency_key: IdempotencyKey = None
) -> HttpResponse:
    """One of the case's `actions`. A step on a version that is gone is refused with 409, changing nothing."""
    account = require(request, VIEW)
    return once(request, idempotency_key, lambda: _step(account, number, step))


@router.post(
    "/cases/{number}/remarks", response={201: StepTaken}, operation_id="add_remark", summary="Add a remark"
)
def add_remark(
    request: HttpRequest, number: CaseNumber, remark: RemarkIn, idempotency_key: IdempotencyKey = None
) -> HttpResponse:
    """A remark stands in the history of the case, for everybody who sees the case."""
    account = require(request, VIEW)
    wanted = StepIn(action=REMARK, version=remark.version, reason=remark.text)
    return once(request, idempotency_key, lambda: _step(account, number, wanted, "text"))


def _step(account: User, number: str, wanted: StepIn, reason_field: str = "reason") -> Made:
    case = case_seen(account, number)
    rule = _rule(case, wanted)
    if not may(account, rule):
        raise ProblemError(403, f"您的岗位不办理“{rule.zh}”。")
    if wanted.version != case.version:
        raise ProblemError(409, "案件已有变化。", ("version", f"the case is at version {case.version}"))
    if "reason_given" in rule.guards and not wanted.reason.strip():
        raise ProblemError(422, "请写明理由。", (reason_field, "is needed for this step"))
    handler = _handler(wanted.handler)
    try:
        taken = apply(
            case,
            wanted.action,
            account,
            reason=wanted.reason,
            organisation=handler,
            version=wanted.version,
        )
    except CaseRefusedError as refused:
        raise ProblemError(409, str(refused)) from refused
    body = StepTaken(
        number=taken.number,
        version=taken.version,
        state=taken.state,
        state_name=taken.get_state_display(),
        in_view=Case.objects.filter(pk=taken.pk).exists(),
    )
    return Made(201, body, f"/api/v1/cases/{taken.number}")


def _rule(case: Case, wanted: StepIn) -> Step:
    rules = load_rules()
    named = [step for step in rules.transitions if step.action == wanted.action]
    if not named or (named[0].own_form and wanted.action != REMARK):
        raise ProblemError(422, "there is no such step", ("action", "is no step that a system may name"))
    rule = rules.step(wanted.action, case.state)
    if rule is None:
        raise ProblemError(409, f"案件现在是“{case.get_state_display()}”，不能这样办理。")
    return rule


def _handler(code: str | None) -> Organisation | None:
    if code is None:
        return None
    found = Organisation.objects.filter(code=code, is_active=True).first()
    if found is None:
        raise ProblemError(422, "there is no such organisation", ("handler", "is no active organisation"))
    return found
