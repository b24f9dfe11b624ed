"""How long data of a personal-data class is kept."""

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from citybrain.catalogue.content_file import ContentModel, load_content

RETENTION_FILE = Path(__file__).with_name("retention.yml")


class Retention(ContentModel):
    """A limit for each class; None: kept for good."""

    classes: dict[Literal["none", "low", "high"], timedelta | None]


@cache
def load_retention(path: Path = RETENTION_FILE) -> Retention:
    """Raises ContentError."""
    return load_content(path, Retention)
