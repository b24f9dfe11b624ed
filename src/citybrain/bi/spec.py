"""The typed shape of one scenario: questions, filters, tabs, rows and the closed list of tile kinds."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from citybrain.bi.wording import Identifier, ScreenText, chinese
from citybrain.catalogue import ContentModel

Grain = Literal["PT1H", "P1D", "P1M", "P1Y"]
FIGURE_ROW = 20  # a figure grows with its tile: in a higher row it would shout


class Condition(ContentModel):
    """One comparison; all conditions of a tile hold together."""

    column: Identifier
    op: Literal[
        "==", "!=", ">", ">=", "<", "<=", "IN", "NOT IN", "IS NULL", "IS NOT NULL", "IS TRUE", "IS FALSE"
    ]
    value: str | int | float | list[str] | None = None

    @model_validator(mode="after")
    def _operand(self) -> Self:
        if self.op.startswith("IS ") == (self.value is not None):
            raise ValueError(
                f"operator {self.op!r} {'takes no' if self.op.startswith('IS ') else 'needs a'} value"
            )
        if self.op in ("IN", "NOT IN") and not isinstance(self.value, list):
            raise ValueError(f"operator {self.op!r} needs a list of values")
        return self


class Tile(ScreenText):
    """What every tile has. The title is shown; `note` is the small text that tells how to read it."""

    id: Identifier
    width: int = Field(ge=2, le=12, description="columns of the twelve-column grid")
    note: str | None = Field(default=None, description="one sentence on how the figure is made or read")


class DataTile(Tile):
    mart: Identifier = Field(description="the dbt mart, or a map of maps.yml for map tiles")
    where: list[Condition] = Field(default_factory=list)
    empty: str | None = Field(
        default=None, description="shown when there is no row: what would stand here and why it does not"
    )

    @field_validator("empty")
    @classmethod
    def _chinese_empty(cls, value: str | None) -> str | None:
        return value if value is None else chinese(value)


class Kpi(DataTile):
    """One figure."""

    kind: Literal["kpi"]
    metric: Identifier


class KpiTrend(DataTile):
    """One figure with its course below it."""

    kind: Literal["kpi_trend"]
    metric: Identifier
    time: Identifier
    grain: Grain
    span: str = Field(default="No filter", description="a Superset time range, e.g. Last 7 days")


class TrendLine(DataTile):
    """Figures over time, one line for each metric, or one metric with a line for each value of `by`."""

    kind: Literal["trend_line"]
    metrics: list[Identifier] = Field(min_length=1, max_length=6)
    time: Identifier
    grain: Grain
    by: Identifier | None = None
    span: str = "No filter"
    area: bool = False
    markers: bool = Field(default=False, description="a dot at every value: a line of one day shows, too")
    threshold: float | None = Field(default=None, description="a dashed line at this value")
    log: bool = Field(default=False, description="a logarithmic axis, for lines of unlike sizes")
    from_zero: bool = Field(default=True, description="amounts are read against zero; scores where they move")


class TrendBar(DataTile):
    """Bars over time or over a category."""

    kind: Literal["trend_bar"]
    metrics: list[Identifier] = Field(min_length=1, max_length=6)
    x: Identifier
    grain: Grain | None = Field(default=None, description="when x is a time")
    by: Identifier | None = None
    stack: bool = False
    horizontal: bool = False
    order: Literal["x", "value"] = "x"
    limit: int = Field(default=50, ge=1, le=1000)
    span: str = "No filter"
    top: float | None = Field(default=None, description="where the axis of values ends, e.g. 1 for shares")


class Pie(DataTile):
    kind: Literal["pie"]
    metric: Identifier
    by: Identifier
    limit: int = Field(default=8, ge=2, le=12)


class RankTable(DataTile):
    """Rows of the mart as they are, the most urgent first."""

    kind: Literal["rank_table"]
    columns: list[Identifier] = Field(min_length=1, max_length=12)
    order: list[str] = Field(min_length=1, description="columns; a leading minus means descending")
    limit: int = Field(default=50, ge=1, le=1000)
    bars: list[Identifier] = Field(
        default_factory=list, description="number columns drawn with a bar in the cell"
    )
    bands: dict[Identifier, Identifier] = Field(
        default_factory=dict, description="column to map: its cells take the colours of that map's bands"
    )

    @field_validator("order")
    @classmethod
    def _columns(cls, value: list[str]) -> list[str]:
        for name in value:
            if not re.fullmatch(r"-?[a-z][a-z0-9_]{0,62}", name):
                raise ValueError(f"{name!r} is not a column, nor a column after a minus")
        return value


class AttentionTable(RankTable):
    """What somebody has to act on now, the most urgent first; each row leads to its case where it has one.

    With `metrics`, rows are groups of `columns`, and one metric gives the order, shown or not (a clock, for
    example, is read when the board is opened, not when the mart was built).
    """

    kind: Literal["attention_table"]  # type: ignore[assignment]
    metrics: list[Identifier] = Field(default_factory=list, max_length=3)
    link: Identifier | None = Field(default=None, description="a link of links.yml, the table's first column")
    empty: str

    @model_validator(mode="after")
    def _ordered_by_its_metric(self) -> Self:
        if self.metrics and not (len(self.order) == 1 and self.order[0].startswith("-")):
            raise ValueError("with metrics the order is one metric after a minus")
        return self

    @property
    def ordering_metric(self) -> str | None:
        """The metric that gives the order, when rows are groups."""
        return self.order[0].removeprefix("-") if self.metrics else None


class Sources(RankTable):
    """The datasets behind a dashboard: when each last arrived, whether in time, real or synthetic."""

    kind: Literal["sources"]  # type: ignore[assignment]
    datasets: list[Identifier] = Field(min_length=1, max_length=12)
    title: str = "数据时效与性质"
    mart: Identifier = "mart_data_freshness"
    columns: list[Identifier] = Field(
        default=["dataset_title", "last_loaded_at", "freshness_label", "origin_label"]
    )
    order: list[str] = Field(default=["dataset"])
    limit: int = 12

    @model_validator(mode="before")
    @classmethod
    def _its_datasets(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        names = [str(name) for name in value.get("datasets") or []]
        return {**value, "where": [{"column": "dataset", "op": "IN", "value": names}]}


class SummaryTable(DataTile):
    """One row for each group, with its metrics."""

    kind: Literal["summary_table"]
    by: list[Identifier] = Field(min_length=1, max_length=4)
    metrics: list[Identifier] = Field(min_length=1, max_length=8, description="the first gives the order")
    ascending: bool = False
    limit: int = Field(default=50, ge=1, le=1000)


class Heatmap(DataTile):
    kind: Literal["heatmap"]
    metric: Identifier
    x: Identifier = Field(
        description="taken as it is: this chart of Superset cannot sort a time cut to a grain"
    )
    y: Identifier
    span: str = "No filter"
    values: bool = Field(
        default=True, description="every cell tells its number; where cells are narrow, a legend does"
    )


class MapTile(DataTile):
    """Outlines coloured by a metric, or places on quiet outlines: the map of maps.yml says which."""

    kind: Literal["map_regions", "map_points"]
    metric: Identifier
    tooltip: list[Identifier] = Field(default_factory=list, max_length=6)


class Text(Tile):
    """Markdown, for what no figure says: sources, rules, limits."""

    kind: Literal["text"]
    body: str = Field(min_length=1)

    _chinese_body = field_validator("body")(chinese)


class How(Tile):
    """How the figures of this dashboard are computed. The marts they come from are added below the points,
    each with its page in the dbt documentation."""

    kind: Literal["how"]
    title: str = "怎么看"
    points: list[str] = Field(min_length=1, max_length=8)

    @field_validator("points")
    @classmethod
    def _chinese_points(cls, value: list[str]) -> list[str]:
        return [chinese(point) for point in value]


AnyTile = Annotated[
    Kpi
    | KpiTrend
    | TrendLine
    | TrendBar
    | Pie
    | RankTable
    | AttentionTable
    | Sources
    | SummaryTable
    | Heatmap
    | MapTile
    | Text
    | How,
    Field(discriminator="kind"),
]


class Row(ContentModel):
    height: int = Field(ge=10, le=120, description="in units of 8 pixels")
    tiles: list[AnyTile] = Field(min_length=1, max_length=6)

    @model_validator(mode="after")
    def _full(self) -> Self:
        total = sum(tile.width for tile in self.tiles)
        if total != 12:
            raise ValueError(f"the widths of a row sum to 12, these sum to {total}")
        if self.height > FIGURE_ROW and any(isinstance(tile, Kpi) for tile in self.tiles):
            raise ValueError(
                f"a single figure stands in a row at most {FIGURE_ROW} high, this one has {self.height}"
            )
        return self


class Tab(ScreenText):
    id: Identifier
    rows: list[Row] = Field(min_length=1)


class Question(ContentModel):
    """What the owner wants to know, the tile of the first tab that answers, and those that tell more."""

    ask: str
    tile: Identifier
    more: list[Identifier] = Field(default_factory=list)

    _chinese_ask = field_validator("ask")(chinese)


class SelectFilter(ScreenText):
    kind: Literal["select"]
    mart: Identifier
    column: Identifier
    multiple: bool = True


class TimeFilter(ScreenText):
    kind: Literal["time"]
    default: str = Field(default="No filter", description="a Superset time range, e.g. Last 7 days")


AnyFilter = Annotated[SelectFilter | TimeFilter, Field(discriminator="kind")]


class Freshness(ContentModel):
    """Where the age of the data is read, and how old it may be."""

    mart: Identifier
    column: Identifier
    sla: timedelta


class Scenario(ScreenText):
    """One display scenario: one dashboard."""

    slug: Identifier
    domain: Literal[
        "panorama", "digital_government", "industry", "governance", "safety", "ecology", "livelihood"
    ]
    owner: Identifier = Field(description="department id of the catalogue")
    provenance: Literal["source", "public", "completion"]
    summary: str
    questions: list[Question] = Field(min_length=3, max_length=6)
    marts: list[Identifier] = Field(min_length=1, description="every dbt mart that this dashboard reads")
    freshness: Freshness
    refresh: timedelta = Field(description="ISO 8601 duration; the dashboard asks again this often")
    screens: list[Literal["big", "mid"]] = Field(min_length=1)
    theme: Literal["light", "dark"] = "light"
    colours: dict[str, str] = Field(
        default_factory=dict, description="a category or metric label to a token, e.g. 优: aqi.good"
    )
    filters: list[AnyFilter] = Field(default_factory=list, max_length=5)
    tabs: list[Tab] = Field(min_length=1)

    @property
    def tiles(self) -> list[AnyTile]:
        return [tile for tab in self.tabs for row in tab.rows for tile in row.tiles]

    @property
    def data_tiles(self) -> list[DataTile]:
        return [tile for tile in self.tiles if isinstance(tile, DataTile)]

    @model_validator(mode="after")
    def _unique_ids(self) -> Self:
        names = [tile.id for tile in self.tiles] + [tab.id for tab in self.tabs]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"ids used twice: {', '.join(doubled)}")
        return self
