"""What all dashboards share: metrics, maps, theme tokens and roles."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from citybrain.bi.wording import Identifier, ScreenText, chinese
from citybrain.catalogue import ContentModel

Colour = Annotated[str, Field(pattern=r"^#[0-9A-F]{6}$", description="#RRGGBB, upper case")]


AMOUNT, AMOUNT_ON_DARK = "amount", "amount_on_dark"  # scales of tokens.yml


class Metric(ContentModel):
    """One definition, used by every chart that shows the figure."""

    mart: Identifier
    sql: str = Field(min_length=1, description="an aggregate over columns of the mart")
    zh: str = Field(min_length=1)
    unit: str | None = None
    format: str = Field(default=",d", description="d3 number format, or a d3 time format for times")
    note: str | None = None

    @property
    def label(self) -> str:
        return f"{self.zh}（{self.unit}）" if self.unit else self.zh


class Metrics(ContentModel):
    metrics: dict[Identifier, Metric]


class Band(ContentModel):
    """One step of a colour scale: values from the last band's `upto` to this one's."""

    upto: float
    colour: str = Field(description="a token, e.g. aqi.good")
    label: str


class Outlines(ContentModel):
    """County outlines: real boundaries, one GeoJSON geometry a row."""

    mart: Identifier
    key: Identifier
    geometry: Identifier


class Places(ContentModel):
    """Points drawn as discs over quiet outlines."""

    longitude: Identifier
    latitude: Identifier
    only: Identifier | None = Field(default=None, description="a yes/no column: rows that are drawn")
    radius_km: float = Field(gt=0, le=20)


class MapView(ScreenText):
    """What one map draws, a dataset of its own: the rows of a mart beside the outlines, no tiles."""

    values: Identifier = Field(description="the dbt mart whose rows are drawn")
    key: Identifier = Field(description="column of that mart that names the outline")
    label: Identifier | None = Field(
        default=None, description="column that names a row; default its station, enterprise or county"
    )
    outlines: Outlines
    places: Places | None = None
    named: bool = Field(default=False, description="bands are states; their numbers mean nothing to people")
    bands: list[Band] = Field(default_factory=list, max_length=8, description="where limits have a meaning")
    steps: int | None = Field(
        default=None, ge=2, le=8, description="of an amount: equal steps between the least and the most"
    )

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        if (self.steps is None) == (len(self.bands) < 2):
            raise ValueError("a map has two bands or more, or steps")
        if self.steps is not None and self.places is not None:
            raise ValueError("places are drawn in bands: outlines below them would take the lowest step")
        return self

    @model_validator(mode="after")
    def _rising(self) -> Self:
        limits = [band.upto for band in self.bands]
        if limits != sorted(set(limits)):
            raise ValueError("bands rise: each upto is above the last")
        return self


class Viewport(ContentModel):
    longitude: float
    latitude: float
    zoom: float


class Maps(ContentModel):
    viewport: Viewport
    maps: dict[Identifier, MapView]


class Palette(ContentModel):
    """The colours of one appearance."""

    surface: Colour
    raised: Colour
    line: Colour
    text: Colour
    quiet: Colour
    brand: Colour
    good: Colour
    watch: Colour
    late: Colour
    alarm: Colour
    series: list[Colour] = Field(min_length=6, max_length=6, description="series 1 is the brand")


class Tokens(ContentModel):
    """One look for desk, phone, wall and dashboards."""

    light: Palette
    dark: Palette
    scales: dict[Identifier, dict[Identifier, Colour]] = Field(
        description="scales of meaning, e.g. aqi.good; of amounts on either ground, from little to much"
    )
    labels: dict[str, str] = Field(
        default_factory=dict, description="a category that keeps its colour on every dashboard, and its token"
    )
    font_family: str
    font_sizes: dict[Literal["note", "body", "lead", "title", "figure", "wall"], int]
    radius: int
    space: int

    @model_validator(mode="after")
    def _amounts(self) -> Self:
        missing = {AMOUNT, AMOUNT_ON_DARK} - self.scales.keys()
        if missing:
            raise ValueError(f"maps of amounts need the scales {', '.join(sorted(missing))}")
        return self


class Link(ScreenText):
    """Where a row leads. `url` may name {desk} and {pages}, and {key}: the row's value in column `key`."""

    key: Identifier
    url: str = Field(pattern=r"^\{(desk|pages)\}/[A-Za-z0-9/_{}#!.?=&-]*$")

    @field_validator("url")
    @classmethod
    def _one_key(cls, value: str) -> str:
        if value.count("{key}") != 1:
            raise ValueError("a link names {key} once")
        return value


class Links(ContentModel):
    links: dict[Identifier, Link]


class Role(ContentModel):
    """A Superset role that is ours; people get it beside Superset's own Gamma."""

    title: str
    schemas: list[Identifier]
    sql_lab: bool = Field(default=False, description="may write SQL, on its schemas only")

    _chinese_title = field_validator("title")(chinese)


class Roles(ContentModel):
    roles: dict[Annotated[str, Field(pattern=r"^cb_[a-z0-9_]+$")], Role]


class CountyRows(ContentModel):
    """A role for every county, which sees the rows that carry its code."""

    column: Identifier
    schemas: list[Identifier]
    names: dict[Annotated[str, Field(pattern=r"^\d{6}$")], str] = Field(min_length=1)


class DepartmentRows(ContentModel):
    """A role for every department: its own dashboards whole, and its own rows on others."""

    columns: list[Identifier] = Field(min_length=1, description="the first that a dataset has is asked")
    dashboards: list[Identifier] = Field(description="not its own, where it sees the rows that name it")


class RowSecurity(ContentModel):
    """Who sees which rows; what is not named sees none."""

    whole_city: list[Identifier] = Field(description="roles of roles.yml that see every row")
    counties: CountyRows
    departments: DepartmentRows
