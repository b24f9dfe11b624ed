"""Types that fields of the API share. Texts hold no NUL, which PostgreSQL cannot keep."""

import re
from typing import Annotated

from ninja import Header, Path
from pydantic import AwareDatetime, BeforeValidator, StringConstraints

from citybrain.desk.api.problems import ProblemError

_NO_NUL = r"^[^\x00]*$"
Text1000 = Annotated[str, StringConstraints(max_length=1000, pattern=_NO_NUL)]
Text500 = Annotated[str, StringConstraints(max_length=500, pattern=_NO_NUL)]
Text200 = Annotated[str, StringConstraints(max_length=200, pattern=_NO_NUL)]
Text64 = Annotated[str, StringConstraints(max_length=64, pattern=_NO_NUL)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
OrganisationCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_.-]{1,64}$")]
County = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Watermark = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")]


def _as_written(value: object) -> object:
    """A bare number is no time, though it could be read as seconds since 1970."""
    if isinstance(value, str) and not re.match(r"\d{4}-\d{2}-\d{2}[Tt ]", value):
        raise ValueError("a time is written like 2026-11-26T08:00:00+08:00")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_as_written)]
CaseNumber = Annotated[str, Path(..., pattern=r"^[0-9A-Z-]{1,24}$", description="like BZ-20261126-000123")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        None,
        alias="Idempotency-Key",
        pattern=r"^[0-9A-Za-z_:.-]{8,64}$",
        description="the same key with the same content is carried out once and answered alike for a week",
    ),
]


def not_found() -> ProblemError:
    """The same for what is not there and what the system may not see."""
    return ProblemError(404, "there is no such thing, or it is out of the system's view")
