"""A bureau on trial: item files it writes, enterprises it knows, and what a match run says of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from ruamel.yaml import YAML

from citybrain.policy.compiler import FACTS_TABLE
from citybrain.policy.facts import FactValue, load_facts
from citybrain.policy.facts_table import mart_columns
from citybrain.policy.matching import match
from citybrain.policy.run_report import MatchReport
from citybrain.settings import DatabaseRole, Settings

DAY = date(2026, 6, 1)
LOADED = datetime(2026, 5, 31, tzinfo=UTC)
REVIEW = {"roles": ["经办", "复核"], "notice_days": 5, "confirm_by_enterprise": True}
ACTIVE = {"id": "active", "fact": "is_active", "op": "is", "value": True, "gate": True}
SALES = {"kind": "rate_of", "of": "revenue", "rate": 0.1}


def code(number: int) -> str:
    return f"91341602MA{number:08d}"


def version(**more: Any) -> dict[str, Any]:
    """A version in force on DAY that asks for an active enterprise and pays a tenth of its revenue."""
    return {
        "valid": {"from": date(2026, 1, 1), "to": date(2026, 12, 31)},
        "clause": "条款",
        "source": "citybrain:test",
        "require": {"all": [ACTIVE]},
        "amount": SALES,
        "review": REVIEW,
        **more,
    }


def item(item_id: str, *versions: dict[str, Any], **more: Any) -> dict[str, Any]:
    case = {"name": "没有事实", "expect": {"status": "needs_data"}}
    return {
        "id": item_id,
        "title": f"事项{item_id}",
        "channel": "confirm",
        "versions": list(versions or [version()]),
        "cases": [case],
        **more,
    }


class Bureau:
    def __init__(
        self, settings: Settings, transformer: psycopg.Connection[Any], department: str = "taxation"
    ) -> None:
        self.settings = settings
        self.transformer = transformer
        self.department = department

    @property
    def file(self) -> Path:
        return self.settings.policies_dir / self.department / "trial.yml"

    def writes(self, *items: Mapping[str, Any], **document: Any) -> Path:
        """The item file of the department."""
        content = {
            "schema": "citybrain/policy-item@1",
            "document": {
                "id": "TRIAL", "title": "试行办法", "department": self.department, "uri": "citybrain:test",
                "origin": "synthetic", **document,
            },
            "items": list(items),
        }  # fmt: skip
        self.file.parent.mkdir(exist_ok=True)
        with self.file.open("w", encoding="utf-8") as file:
            YAML(typ="safe").dump(content, file)
        return self.file

    def knows(self, enterprises: Sequence[Mapping[str, FactValue]], loaded: datetime = LOADED) -> None:
        """The facts table: one row for each, the n-th one's code is `code(n)`; a fact left out is missing."""
        facts = load_facts(self.settings)
        columns = mart_columns(facts)
        loads = sorted({fact.as_of for fact in facts.values()})
        table = sql.Identifier("marts", FACTS_TABLE)
        self.transformer.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
        self.transformer.execute(
            sql.SQL("CREATE TABLE {} ({})").format(
                table,
                sql.SQL(", ").join(
                    sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
                    for name, kind in columns.items()
                ),
            )
        )
        self.transformer.execute(sql.SQL("GRANT SELECT ON {} TO citybrain_matcher").format(table))
        # A county is a fact, too: `region_code` of the catalogue is the column county_code.
        names = ["uscc", "enterprise_name", *(fact.column for fact in facts.values()), *loads]
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
            table, sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with self.transformer.cursor().copy(copy) as target:
            for number, row in enumerate(enterprises):
                values = [row.get(name) for name in facts]
                target.write_row([code(number), f"企业{number}", *values, *[loaded] * len(loads)])

    def matches(self, day: date = DAY, **more: Any) -> MatchReport:
        return match(self.settings, day, **more)

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """As the owner of everything."""
        with psycopg.connect(self.settings.dsn(DatabaseRole.OWNER), row_factory=dict_row) as connection:
            return connection.execute(sql.SQL(query), parameters).fetchall()

    def runs(self, statement: str, *parameters: Any) -> None:
        with psycopg.connect(self.settings.dsn(DatabaseRole.OWNER)) as connection:
            connection.execute(sql.SQL(statement), parameters)

    def lines(self, run_id: int | None = None) -> dict[tuple[str, int], tuple[str, Decimal, str | None]]:
        """(item, number of the enterprise) -> outcome, amount, reason of the newest run's proposal."""
        found = self.rows(
            "SELECT v.item_id, p.uscc, p.outcome, p.amount, p.reason FROM policy.proposal p"
            " JOIN policy.item_version v USING (item_version_id)"
            " WHERE run_id = coalesce(%s, (SELECT max(run_id) FROM policy.match_run))",
            run_id,
        )
        return {
            (row["item_id"], int(row["uscc"][-8:])): (row["outcome"], row["amount"], row["reason"])
            for row in found
        }

    def award(self, number: int, item_id: str, year: int, amount: int = 1) -> None:
        """What the desk writes when officers decided to pay a line of the newest run."""
        with psycopg.connect(self.settings.dsn(DatabaseRole.DESK)) as desk:
            desk.execute(
                "INSERT INTO policy.award (run_id, item_version_id, item_id, uscc, exclusion_group,"
                " period_year, amount)"
                " SELECT (SELECT max(run_id) FROM policy.match_run), item_version_id, item_id, %s,"
                " exclusion_group, %s, %s FROM policy.item_version"
                " WHERE item_id = %s AND withdrawn_at IS NULL",
                (code(number), year, amount, item_id),
            )


def firm(revenue: int | Decimal | None = 1000, **more: FactValue) -> dict[str, FactValue]:
    return {"is_active": True, "revenue": revenue, "region_code": "341602", **more}


def later(days: int) -> date:
    return DAY + timedelta(days=days)
