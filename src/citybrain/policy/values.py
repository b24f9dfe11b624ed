"""Values an item file may hold: plain YAML scalars with exact numbers, and `$name` for a parameter."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer

MOST_DIGITS = 18


def exact(value: Any) -> Any:
    """A YAML scalar as bool, int, Decimal, date, str or None. Raises ValueError for anything else.

    A published version is read back from JSON, where a number or a day is written `{"number": "0.055"}`,
    `{"day": "2025-01-01"}`.
    """
    if value is None or isinstance(value, bool | Decimal):
        return value
    if isinstance(value, datetime):
        raise ValueError("a time of day is not a value: write a day, 2025-01-01")
    if isinstance(value, date):
        return value
    if isinstance(value, int):
        return int(_plausible(Decimal(int(value))))
    if isinstance(value, float):
        return _plausible(Decimal(repr(float(value))))
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError("a text cannot hold a NUL character")
        return str(value)
    if isinstance(value, dict) and len(value) == 1:
        if isinstance(text := value.get("number"), str):
            return _plausible(Decimal(text))
        if isinstance(text := value.get("day"), str):
            return date.fromisoformat(text)
    raise ValueError("a value is a number, a day, true, false, a text, or null while nobody confirmed it")


def _plausible(number: Decimal) -> Decimal:
    if not number.is_finite():
        raise ValueError("a number is finite")
    if abs(number) >= Decimal(10) ** MOST_DIGITS or int(number.as_tuple().exponent) < -MOST_DIGITS:
        raise ValueError(f"a number has at most {MOST_DIGITS} digits on either side of the point")
    return number


def _stored(value: Any) -> Any:
    if isinstance(value, list):  # pydantic asks the first member of `Scalar | list[Scalar]` for both
        return [_stored(each) for each in value]
    if isinstance(value, Decimal):
        return {"number": format(value, "f")}
    return {"day": value.isoformat()} if isinstance(value, date) else value


Scalar = Annotated[
    bool | int | Decimal | date | str | None,
    BeforeValidator(exact, json_schema_input_type=bool | int | float | str | None),
    PlainSerializer(_stored, when_used="json"),
]


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError(f"{value!r} is not a number")
    number = exact(value)
    return Decimal(number) if isinstance(number, int) else number


Number = Annotated[
    Decimal,
    BeforeValidator(_number, json_schema_input_type=float),
    PlainSerializer(_stored, when_used="json"),
]
MOST_YUAN = Decimal(10) ** 12  # more than a city has in years: a slip of the keyboard
Yuan = Annotated[Number, Field(ge=0, lt=MOST_YUAN)]
Rate = Annotated[Number, Field(ge=0, le=1)]
Ratio = Annotated[Number, Field(gt=0, le=10)]
