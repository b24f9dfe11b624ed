"""Whose rows a transaction of the desk may see and write: the scope that row security reads.

The desk connects as one role for all people, so who asks is told to PostgreSQL at the start of each
transaction and forgotten at its end. A transaction that tells nothing sees nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Width = Literal["none", "organisation", "county", "city", "system"]


class Executes(Protocol):
    """A cursor or connection, psycopg's or Django's."""

    def execute(self, query: Any, params: Any = None, /) -> Any: ...


@dataclass(frozen=True)
class RowScope:
    """`width` says how far the view reaches: one organisation's rows, one county's (6 digits), the city's.

    `system` is the platform's own work (taking in signals, clocks, notifications); `none` sees nothing.
    """

    width: Width = "none"
    user_id: int | None = None
    organisation_id: int | None = None
    county_code: str = ""


NOBODY = RowScope()
SYSTEM = RowScope("system")


def enter(cursor: Executes, scope: RowScope) -> None:
    """Tell the current transaction whose rows it works on; ends with the transaction."""
    cursor.execute(
        "SELECT set_config('citybrain.scope', %s, true), set_config('citybrain.user', %s, true),"
        " set_config('citybrain.organisation', %s, true), set_config('citybrain.county', %s, true)",
        (
            scope.width,
            "" if scope.user_id is None else str(scope.user_id),
            "" if scope.organisation_id is None else str(scope.organisation_id),
            scope.county_code,
        ),
    )


# Reads the settings that `enter` makes. An unknown width, or none, is no view at all.
VISIBLE_FUNCTION = """
CREATE OR REPLACE FUNCTION ops.row_visible(area_code text, organisations bigint[]) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE current_setting('citybrain.scope', true)
    WHEN 'system' THEN true
    WHEN 'city' THEN true
    WHEN 'county' THEN
        coalesce(left(area_code, 6) = nullif(current_setting('citybrain.county', true), ''), false)
    WHEN 'organisation' THEN
        coalesce(
            nullif(current_setting('citybrain.organisation', true), '')::bigint = ANY (organisations), false
        )
    ELSE false
END;
COMMENT ON FUNCTION ops.row_visible(text, bigint[]) IS
    'May the transaction see a row of this area (its code begins with the county''s) and these organisations';
GRANT EXECUTE ON FUNCTION ops.row_visible(text, bigint[]) TO citybrain_desk;
"""


def row_security(table: str, area: str, organisations: Sequence[str]) -> str:
    """The SQL of a migration that puts a table of `ops` under row security, for its owner too.

    `area` and `organisations` are SQL expressions over the table's columns: the area code (NULL for none) and
    the ids of the organisations that may see the row. dbt reads every row. All three are texts of this code
    base, never of a user.
    """
    visible = f"ops.row_visible({area}, ARRAY[{', '.join(organisations)}]::bigint[])"
    return f"""
        ALTER TABLE ops.{table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE ops.{table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY desk_scope ON ops.{table} TO citybrain_desk, citybrain_owner
            USING ({visible}) WITH CHECK ({visible});
        CREATE POLICY warehouse_reads ON ops.{table} FOR SELECT TO citybrain_transformer USING (true);
        GRANT SELECT ON ops.{table} TO citybrain_transformer;
    """  # fragments are constants of migrations
