"""How a dataset's bytes reach the lake: one model for each kind of connector."""

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AwareDatetime, Field, field_validator, model_validator

from citybrain.catalogue.content_file import ContentModel
from citybrain.catalogue.mqtt_topic import MqttTopic
from citybrain.catalogue.request_template import asks_for_a_day, check_template

Pointer = Annotated[
    str, Field(pattern=r"^(/.*)?$", description="JSON pointer (RFC 6901); empty: the whole document")
]
SecretName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class DropFolder(ContentModel):
    """Files that a department drops below `CITYBRAIN_DROP_FOLDER`."""

    kind: Literal["drop_folder"]
    path: str = Field(description="folder below the drop folder")
    pattern: str = Field(default="*", description="file name pattern, e.g. *.csv")


class S3Prefix(ContentModel):
    """Objects that another system puts below a prefix of a bucket."""

    kind: Literal["s3_prefix"]
    bucket: str = Field(
        default="inbox", description="bucket zone; CITYBRAIN_S3_BUCKET_PREFIX stands before it"
    )
    prefix: str
    pattern: str = "*"


class NextLink(ContentModel):
    """Each answer names the next one: in its Link header (RFC 8288), or in the document (STAC and others)."""

    kind: Literal["next_link"]
    pointer: Pointer | None = Field(
        default=None,
        description="where the document holds the next URL, or a list of links of which the one with rel"
        " `next` counts; unset: the Link header says it",
    )


class PageNumber(ContentModel):
    """Pages are asked for by number or by offset, until one has no records."""

    kind: Literal["page"]
    parameter: str = Field(description="query parameter that takes the number, e.g. page or offset")
    counts: Literal["pages", "records"] = Field(
        default="pages", description="pages: 1, 2, 3 …; records: an offset, grown by what the page held"
    )
    first: int = Field(default=1, ge=0, description="the first number; an offset usually starts with 0")


class CursorToken(ContentModel):
    """Each answer holds a token that asks for the next page; null, empty or absent on the last one."""

    kind: Literal["cursor"]
    parameter: str = Field(description="query parameter that takes the token")
    pointer: Pointer = Field(description="where the document holds the token")


Paging = Annotated[NextLink | PageNumber | CursorToken, Field(discriminator="kind")]


class RecordWatermark(ContentModel):
    """How far a source was read: the latest time of the records that landed."""

    pointer: Pointer = Field(description="where a record holds its time (ISO 8601 with a zone)")
    start: AwareDatetime = Field(description="how far it counts as read before the first pull")
    overlap: timedelta = Field(
        default=timedelta(0), ge=timedelta(0), description="read again before it, for records that come late"
    )


class HttpPull(ContentModel):
    """A document pulled by GET; a server that answers 304 to our ETag or Last-Modified has nothing new.

    Address and query may hold `{logical_date}`, `{logical_date-N}`, `{logical_date+N}` and `{watermark}`.
    """

    kind: Literal["http"]
    url: str = Field(description="absolute, or a path below CITYBRAIN_FEEDS_URL")
    query: dict[str, str] = Field(default_factory=dict, description="query parameters")
    secret_query: dict[str, SecretName] = Field(
        default_factory=dict, description="query parameter -> name of a secret in CITYBRAIN_SOURCE_SECRETS"
    )
    secret_headers: dict[str, SecretName] = Field(
        default_factory=dict, description="header -> name of a secret in CITYBRAIN_SOURCE_SECRETS"
    )
    paging: Paging | None = Field(
        default=None, description="unset: one document; JSON only, all pages of a pull land as one object"
    )
    max_pages: int = Field(default=200, ge=1, description="a pull with more pages lands nothing")
    watermark: RecordWatermark | None = None
    timeout_seconds: float = Field(default=30, gt=0, le=600)

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        return check_template(value)

    @field_validator("query")
    @classmethod
    def _query(cls, value: dict[str, str]) -> dict[str, str]:
        for text in value.values():
            check_template(text)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "HttpPull":
        texts = [self.url, *self.query.values()]
        if self.watermark is None and any("{watermark}" in text for text in texts):
            raise ValueError("{watermark} is used, but `watermark` does not say where records hold it")
        twice = sorted(set(self.query) & set(self.secret_query))
        if twice:
            raise ValueError(f"named in query and in secret_query: {', '.join(twice)}")
        return self

    @property
    def asks_for_a_day(self) -> bool:
        """Whether a past logical date can be asked for."""
        return asks_for_a_day([self.url, *self.query.values()])

    @property
    def public_host(self) -> str | None:
        """`host:port` of an absolute https address; None for every other."""
        parts = urlsplit(self.url)
        if parts.scheme != "https" or parts.hostname is None:
            return None
        return f"{parts.hostname}:{parts.port or 443}"


class PostgresPull(ContentModel):
    """Rows of a table or view in another department's PostgreSQL, by the time of their last change."""

    kind: Literal["postgres"]
    connection: SecretName = Field(description="name of a connection in CITYBRAIN_SOURCE_DATABASES")
    table: str = Field(pattern=r"^[^.\x00]{1,63}\.[^.\x00]{1,63}$", description="schema.table or schema.view")
    watermark: str = Field(description="column of the dataset that grows with every change of a row")
    overlap: timedelta = Field(
        default=timedelta(hours=1),
        ge=timedelta(0),
        description="read again before the watermark, for rows whose transaction ended late",
    )
    rows_per_pull: int = Field(
        default=100_000, ge=1, description="new rows of one object, and those changed at the same moment"
    )
    timeout_seconds: float = Field(default=300, gt=0, le=3600, description="of one statement")


Connector = Annotated[
    DropFolder | S3Prefix | HttpPull | PostgresPull | MqttTopic, Field(discriminator="kind")
]
