"""Datasets of the lake: one YAML file each in `dags/sources/`, named after the dataset.

A file says who owns the data, how and when it arrives, how its bytes are read, which columns it has, and what
makes a row unique. Tables, DAGs, gates and documentation follow from it.
"""

import logging
import re
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Literal

from croniter import croniter
from pydantic import Field, field_validator, model_validator

from citybrain.catalogue.connector import Connector, HttpPull, Pointer, PostgresPull
from citybrain.catalogue.content_file import ContentError, ContentModel, load_content
from citybrain.catalogue.mqtt_topic import MqttTopic
from citybrain.settings import Settings

log = logging.getLogger(__name__)
IDENTIFIER_ROOT = "1.2.156.3008.1.0"
IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]{0,47}$")


class Family(StrEnum):
    """The six families of the lake."""

    GOVERNMENT = "government"
    INDUSTRY = "industry"
    INTERNET = "internet"
    SATELLITE = "satellite"
    VIDEO = "video"
    IOT = "iot"


class Label(ContentModel):
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class FileFormat(ContentModel):
    """How the bytes are read. Missing markers become NULL in every format.

    `json` is a nested document, or one on each line: the `headers` of a column are then paths into a record,
    `properties.datetime` or as JSON pointer `/properties/datetime`. A step that ends in `[]` walks along a
    list and gives a row for each place in it (`hourly.time[]`, `values.0.value[].dateTime`); the lists that
    a record's columns walk along are equally long.
    """

    kind: Literal["csv", "jsonl", "json", "geojson", "parquet", "excel", "geotiff"]
    encoding: Literal["utf-8", "gb18030"] = Field(
        default="utf-8", description="CSV, JSON lines and GeoJSON only; a byte-order mark is accepted"
    )
    delimiter: str = Field(default=",", min_length=1, max_length=1, description="CSV only")
    sheet: str | None = Field(default=None, description="Excel only; the first sheet when unset")
    records: Pointer = Field(
        default="", description="JSON only: where the document holds its list of records, or the one record"
    )
    missing: list[str] = Field(default_factory=lambda: [""], description="texts that mean: no value")


class Column(ContentModel):
    """One column of the raw table. `headers`: names it may have in a delivery, matched exactly."""

    name: str
    type: Literal["text", "integer", "bigint", "numeric", "boolean", "date", "timestamp", "timestamptz"]
    label: Label
    headers: list[str] = Field(default_factory=list, description="default: the column's own name")
    required: bool = Field(default=True, description="a delivery without this column is rejected")
    unit: str | None = None
    epoch: Literal["s", "ms"] | None = Field(
        default=None,
        description="JSON lines: a whole number here counts seconds or milliseconds since 1970, UTC",
    )

    @field_validator("name")
    @classmethod
    def _identifier(cls, value: str) -> str:
        if not IDENTIFIER.match(value):
            raise ValueError(
                f"{value!r} is not a name: lower-case letters, digits and underscores, at most 48"
            )
        return value

    @model_validator(mode="after")
    def _epoch_of_a_moment(self) -> "Column":
        if self.epoch is not None and self.type != "timestamptz":
            raise ValueError("epoch: only a timestamptz counts from 1970")
        return self

    @property
    def accepted_headers(self) -> list[str]:
        return self.headers or [self.name]


class Dataset(ContentModel):
    """One dataset; its raw table is `raw.<id>`."""

    id: str
    code: str = Field(
        pattern=r"^20\d\dUN\d{4}$",
        description="year, UN and a number of its own: the source-system part of the GB/T 36625.2 identifier",
    )
    title: Label
    description: str
    owner: str = Field(description="department id of the catalogue")
    family: Family
    origin: Literal["real", "synthetic"]
    source_note: str = Field(description="where the data comes from and under which licence")
    personal_data: Literal["none", "low", "high"]
    enabled: bool = Field(default=True, description="CITYBRAIN_ENABLE_SOURCES switches a disabled one on")
    schedule: str | None = Field(
        default=None, description="cron expression in Asia/Shanghai; none: only when asked"
    )
    arrival_sla: timedelta | None = Field(
        default=None, description="ISO 8601 duration within which a delivery must follow the last"
    )
    connector: Connector
    format: FileFormat
    columns: list[Column] = Field(min_length=1)
    key: list[str] = Field(
        min_length=1, description="what makes a row unique after re-statements are resolved"
    )
    delivers: Literal["snapshot", "increment"] = Field(
        description="snapshot: a delivery is the whole truth of its logical date; "
        "increment: rows add to or re-state earlier ones"
    )
    ignored_headers: list[str] = Field(
        default_factory=list,
        description="headers a delivery may carry that no column keeps; the lake keeps them",
    )
    src_crs: Literal["EPSG:4326", "GCJ-02"] | None = Field(
        default=None, description="reference system of coordinates as delivered"
    )
    geometry_column: str | None = Field(
        default=None, description="GeoJSON: the text column that takes the geometry"
    )

    @field_validator("schedule")
    @classmethod
    def _cron(cls, value: str | None) -> str | None:
        if value is not None and not croniter.is_valid(value):
            raise ValueError(f"{value!r} is not a cron expression")
        return value

    @field_validator("id")
    @classmethod
    def _identifier(cls, value: str) -> str:
        if not IDENTIFIER.match(value):
            raise ValueError(
                f"{value!r} is not an id: lower-case letters, digits and underscores, at most 48"
            )
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Dataset":
        names = [column.name for column in self.columns]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"columns named twice: {', '.join(doubled)}")
        unknown = sorted(set(self.key) - set(names))
        if unknown:
            raise ValueError(f"key names no column: {', '.join(unknown)}")
        if self.geometry_column is not None and self.geometry_column not in names:
            raise ValueError(f"geometry_column names no column: {self.geometry_column}")
        headers = [header for column in self.columns for header in column.accepted_headers]
        headers += self.ignored_headers
        clash = sorted({header for header in headers if headers.count(header) > 1})
        if clash:
            raise ValueError(f"headers claimed twice: {', '.join(clash)}")
        if isinstance(self.connector, MqttTopic):
            self._fit_for_messages(self.connector, set(headers))
        return self

    def _fit_for_messages(self, connector: MqttTopic, headers: set[str]) -> None:
        """The bridge writes JSON lines, a few thousand messages each: no delivery is the whole truth."""
        if self.format.kind != "jsonl" or self.format.encoding != "utf-8" or self.delivers != "increment":
            raise ValueError("messages arrive as increments of JSON lines in UTF-8")
        unknown = sorted(set(connector.headers) - headers)
        if unknown:
            raise ValueError(f"the topic fills headers that no column takes: {', '.join(unknown)}")

    @model_validator(mode="after")
    def _format_fits_connector(self) -> "Dataset":
        connector = self.connector
        in_records = isinstance(connector, HttpPull) and (connector.paging or connector.watermark)
        if in_records and self.format.kind != "json":
            raise ValueError("paging and watermark need the records of format json")
        if isinstance(connector, PostgresPull):
            if self.format.kind != "csv" or self.format.encoding != "utf-8" or self.format.delimiter != ",":
                raise ValueError("a postgres connector delivers format csv in utf-8")
            if self.delivers != "increment":
                raise ValueError("a postgres connector delivers what changed: an increment")
            kinds = {column.name: column.type for column in self.columns}
            if kinds.get(connector.watermark) not in ("timestamp", "timestamptz"):
                raise ValueError(f"watermark names no column of time: {connector.watermark}")
        return self

    def identifier(self, provider: str) -> str:
        """The data identifier of GB/T 36625.2 for the owner's credit code; N says: original data."""
        return f"{IDENTIFIER_ROOT}.{provider}.{self.code}N"

    def column(self, name: str) -> Column:
        """The column called `name`. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def dataset_files(settings: Settings) -> list[Path]:
    return sorted(settings.sources_dir.glob("*.yml"))


def load_dataset(path: Path) -> Dataset:
    """One source file. Raises ContentError, also when the file is not named after its dataset."""
    if not path.exists():
        raise ContentError(path, [(1, f"there is no dataset {path.stem!r}: write {path}")])
    state = path.stat()
    return _load_dataset(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1024)
def _load_dataset(path: Path, _modified: int, _size: int) -> Dataset:
    """A file is read once for as long as it is unchanged: a gate asks for every dataset at every batch."""
    dataset = load_content(path, Dataset)
    if dataset.id != path.stem:
        raise ContentError(path, [(1, f"id is {dataset.id!r}, but the file is called {path.name}")])
    return dataset


def load_datasets(settings: Settings) -> dict[str, Dataset]:
    """Every dataset by id, in order of id. Raises ContentError on the first file that is wrong."""
    return {path.stem: load_dataset(path) for path in dataset_files(settings)}


def usable_datasets(settings: Settings) -> dict[str, Dataset]:
    """Every dataset whose file can be used. A wrong file is logged and costs its own dataset only."""
    found: dict[str, Dataset] = {}
    for path in dataset_files(settings):
        try:
            found[path.stem] = load_dataset(path)
        except ContentError as error:
            log.warning("left out: %s", error)
    return found


def active_datasets(settings: Settings) -> dict[str, Dataset]:
    """The datasets that are landed: enabled in their file or by CITYBRAIN_ENABLE_SOURCES."""
    return {
        name: dataset
        for name, dataset in usable_datasets(settings).items()
        if dataset.enabled or name in settings.enable_sources
    }
