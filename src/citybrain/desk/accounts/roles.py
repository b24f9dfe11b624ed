"""The roles of the desk: `roles.yml`, read and turned into Django groups."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from citybrain.catalogue.content_file import ContentModel, load_content
from citybrain.warehouse.row_scope import Width

ROLES_FILE = Path(__file__).with_name("roles.yml")
_WIDTHS: tuple[Width, ...] = ("none", "organisation", "county", "city")


class Role(ContentModel):
    id: str = Field(pattern=r"^[a-z][a-z_]{0,47}$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    sees: Literal["none", "organisation", "county", "city"] = Field(
        description="how far the view of cases and lists reaches"
    )
    staff: bool = Field(
        default=False, description="may open the administration pages; has a second factor, too"
    )
    second_factor: bool = Field(default=False, description="signs in with a code besides the password")
    may: list[str] = Field(description="Django permissions, app.codename")


class RoleList(ContentModel):
    roles: list[Role] = Field(min_length=1)


@cache
def load_roles(path: Path = ROLES_FILE) -> dict[str, Role]:
    """Every role by id. Raises ContentError."""
    return {role.id: role for role in load_content(path, RoleList).roles}


def widest(widths: Iterable[Width]) -> Width:
    """The one that sees most; `none` for no width at all."""
    return max(widths, key=_WIDTHS.index, default="none")
