"""How a dataset's bytes reach the lake: one model for each kind of connector."""

from typing import Annotated, Literal

from pydantic import Field

from citybrain.catalogue.content_file import ContentModel
from citybrain.catalogue.mqtt_topic import MqttTopic


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


class HttpPull(ContentModel):
    """A document pulled by GET; a server that answers 304 to our ETag or Last-Modified has nothing new."""

    kind: Literal["http"]
    url: str = Field(description="absolute, or a path below CITYBRAIN_FEEDS_URL")
    timeout_seconds: float = Field(default=30, gt=0, le=600)


Connector = Annotated[DropFolder | S3Prefix | HttpPull | MqttTopic, Field(discriminator="kind")]
