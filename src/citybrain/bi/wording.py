"""Names and texts: what an identifier is, and that what people read is in Chinese."""

import re
from typing import Annotated

from pydantic import Field, field_validator

from citybrain.catalogue import ContentModel

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def chinese(value: str) -> str:
    """`value`, which people read on a screen. Raises ValueError when it has no Chinese character."""
    if not CHINESE.search(value):
        raise ValueError(f"{value!r} is read by people: it needs a Chinese text")
    return value


class ScreenText(ContentModel):
    """A base for whatever has a `title` that people read."""

    title: str = Field(min_length=1)

    _chinese_title = field_validator("title")(chinese)
