"""What a case beside a detector or a rule expects of it: the signals that have to come, and no others."""

from typing import Annotated, Literal

from pydantic import Field

from citybrain.catalogue.content_file import ContentModel


class ExpectedSignal(ContentModel):
    """`minute` counts from the beginning of the case."""

    minute: float
    kind: Literal["detected", "cleared"]
    class_: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")] = Field(alias="class")

    def __str__(self) -> str:
        return f"{self.kind} {self.class_} at minute {self.minute:g}"
