"""What rules are put together from: conditions, inputs, registers, limits, outlines, tracks."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from citybrain.catalogue.content_file import ContentModel

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
Column = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
AnyColumn = Annotated[str, Field(pattern=r"^(place\.)?[a-z_][a-z0-9_]{0,62}$")]
PlaceColumn = Annotated[str, Field(pattern=r"^place\.[a-z_][a-z0-9_]{0,62}$")]
Relation = Annotated[str, Field(pattern=r"^(marts|meta|sensing)\.[a-z][a-z0-9_]{0,62}$")]
Limit = float | PlaceColumn
Scalar = bool | float | str


class Condition(ContentModel):
    """One test of one column; a list of them holds when every one does. An empty column passes no test but
    `empty: true`.
    """

    column: AnyColumn
    is_: Scalar | None = Field(default=None, alias="is")
    one_of: list[Scalar] | None = Field(default=None, min_length=1)
    none_of: list[Scalar] | None = Field(default=None, min_length=1)
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    empty: bool | None = None
    outside_hours: tuple[AnyColumn, AnyColumn] | None = Field(
        default=None, description="two columns of times of the day; holds from the second to the first"
    )
    hours_old_at_most: float | None = Field(default=None, gt=0, description="against the rule's clock")
    hours_old_at_least: float | None = Field(default=None, ge=0, description="against the rule's clock")

    @model_validator(mode="after")
    def _one_test(self) -> "Condition":
        if len(self.model_fields_set - {"column"}) != 1:
            raise ValueError("give exactly one test of the column, e.g. `is` or `at_least`")
        return self


class Input(ContentModel):
    """Rows that arrive: one for a subject and a moment. `arrived` is stamped when a row is written, so rows
    that come later than others still have a later one.
    """

    relation: Relation
    subject: Column
    at: Column
    value: Column
    arrived: Column
    longitude: Column | None = None
    latitude: Column | None = None
    where: list[Condition] = Field(default=[], description="rows that count at all; of the input's columns")


class Place(ContentModel):
    """The register that knows the subjects: where they are, and what limits they have."""

    relation: Relation
    subject: Column
    name: list[Column] = Field(min_length=1, description="joined by a blank")
    area: Column
    id: Column | None = None
    longitude: Column | None = None
    latitude: Column | None = None
    where: list[Condition] = Field(default=[])


class Level(ContentModel):
    """From which value on a class stands; it ends when the value has gone back by `hysteresis` and more."""

    class_: Name = Field(alias="class")
    raise_at: Limit
    hysteresis: Limit = 0.0


class Over(ContentModel):
    """The readings of the last minutes taken as one value; none when there are fewer than `readings`."""

    minutes: float = Field(gt=0)
    take: Literal["mean", "sum", "rise"]
    readings: int = Field(default=1, ge=1)


class Compare(ContentModel):
    """The value as a share of the nearest reference's newest reading; 0 while it is below `least_value`."""

    relation: Relation
    subject: Column
    at: Column
    value: Column
    arrived: Column
    longitude: Column
    latitude: Column
    minutes: float = Field(gt=0, description="an older reading of the reference says nothing")
    least_value: float = 0.0
    as_: Literal["ratio", "condition"] = Field(
        default="ratio",
        alias="as",
        description="ratio: of value to reference; condition: only `while` asks for `reference`",
    )


class Peers(ContentModel):
    """What moves all subjects together (the temperature of a day) is taken out: the value less the median of
    all at that moment, plus `nominal`, the value at rest.
    """

    nominal: float
    least: int = Field(default=5, ge=3, description="fewer at that moment: the value stays as it is")


class Profile(ContentModel):
    """The value as a share of the subject's own: the median at this time of this weekday in earlier weeks."""

    weeks: int = Field(ge=2, le=12)
    least: int = Field(ge=1, description="of those weeks there must be so many")


class Persist(ContentModel):
    """How long a value has to stay before anybody is told: minutes from the first to the last of so many."""

    minutes: float = Field(default=0, ge=0)
    readings: int = Field(default=1, ge=1)


class Within(ContentModel):
    """Rows whose outline lies inside, or outside, of the outlines of another relation."""

    geometry: Column = Field(description="of the rule's rows, GeoJSON in WGS84")
    relation: Relation
    against: Column = Field(description="of that relation, GeoJSON in WGS84")
    must: Literal["inside", "outside"]
    share: float = Field(default=0.5, gt=0, le=1, description="of the row's area that has to lie inside")
    where: list[Condition] = Field(default=[], description="outlines that count; of that relation's columns")


class Tracks(ContentModel):
    """Points of vehicles whose distances are measured when they are loaded, into sensing.track_point.

    `lines` are what a vehicle may drive along (by the code its register names), `places` where any may stop.
    """

    dataset: Name = Field(description="of the catalogue; its raw table is read")
    subject: Column
    at: Column
    longitude: Column
    latitude: Column
    speed: Column
    engine_on: Column
    relation: Relation = Field(description="of the approved lines and places")
    code: Column
    geometry: Column = Field(description="GeoJSON in WGS84")
    lines: list[Condition] = Field(min_length=1)
    places: list[Condition] = Field(min_length=1)
    line_of_vehicle: Column = Field(description="of the register in `place`: the code of its line")
    keep_days: float = Field(default=10, gt=0)
