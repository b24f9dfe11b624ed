"""What a draft would change if it held today: who comes in, who falls out, how much money, and the fund.

Nothing is published and nothing is written: the draft's rule runs over today's facts, beside what the newest
run found for the version that stands.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from citybrain.policy.compiler import compile_eligible
from citybrain.policy.facts import load_facts
from citybrain.policy.library import load_policy_file
from citybrain.policy.rule import Rule
from citybrain.policy.run_report import MatchError
from citybrain.policy.sessions import matcher_beside
from citybrain.settings import Settings

Connection = psycopg.Connection[Any]

STANDING = """
SELECT item_version_id FROM policy.item_version
WHERE item_id = %(item)s AND withdrawn_at IS NULL AND valid_from <= %(day)s
    AND (valid_to IS NULL OR valid_to >= %(day)s)
"""
IMPACT = """
WITH drafted AS MATERIALIZED ({draft}), standing AS (
    SELECT uscc, county_code, amount FROM policy.match_row
    WHERE item_version_id = {version} AND until_run IS NULL AND status = 'eligible'
)
SELECT coalesce(d.county_code, s.county_code), count(s.uscc), count(d.uscc),
    count(*) FILTER (WHERE s.uscc IS NULL), count(*) FILTER (WHERE d.uscc IS NULL),
    count(*) FILTER (WHERE s.amount <> d.amount), coalesce(sum(s.amount), 0), coalesce(sum(d.amount), 0)
FROM standing s FULL JOIN drafted d USING (uscc)
GROUP BY 1 ORDER BY 1
"""
SPENT = """
SELECT coalesce(sum(a.amount), 0) FROM policy.award a JOIN policy.item_version v USING (item_version_id)
WHERE v.fund_id = %s AND a.period_year = %s
"""


@dataclass(frozen=True)
class Share:
    """What changes in one county, or in all. Counts are enterprises, before exclusion and budget; yuan."""

    county_code: str | None
    before: int
    after: int
    gained: int
    lost: int
    changed: int
    yuan_before: Decimal
    yuan_after: Decimal


@dataclass(frozen=True)
class Impact:
    """`fund_left`: what the draft's fund still holds this year; `shortfall`: what it lacks for the draft."""

    item_id: str
    as_of: date
    total: Share
    counties: list[Share]
    fund_id: str | None
    fund_left: Decimal | None
    shortfall: Decimal

    @property
    def yuan(self) -> Decimal:
        """More (or less, below zero) than now."""
        return self.total.yuan_after - self.total.yuan_before


def draft_rule(settings: Settings, path: Path, item_id: str, day: date) -> Rule:
    """The rule of a draft. Its file lies in a folder named after its department.

    Raises ContentError, and MatchError when the file holds no such item or none of its versions the day.
    """
    policies = {policy.item.id: policy for policy in load_policy_file(path, load_facts(settings))}
    if item_id not in policies:
        raise MatchError(f"{path} holds no item {item_id}; there are {', '.join(policies)}")
    rule = policies[item_id].rule_on(day)
    if rule is None:
        raise MatchError(f"no version of {item_id} in {path} holds on {day}")
    return rule


def impact(settings: Settings, rule: Rule, item_id: str, day: date) -> Impact:
    """Compare a rule with what the newest run found for the standing version; none stands: with nothing."""
    with matcher_beside(settings) as connection:
        row = connection.execute(STANDING, {"item": item_id, "day": day}).fetchone()
        query = sql.SQL(IMPACT).format(
            draft=sql.SQL(compile_eligible(rule, day)), version=sql.Literal(row[0] if row else None)
        )
        counties = [Share(*found) for found in connection.execute(query).fetchall()]
        total = _summed(counties)
        budget = rule.version.caps.budget
        left: Decimal | None = None
        if budget is not None:
            spent = connection.execute(SPENT, (budget.id, day.year)).fetchone()
            left = max(budget.amount - (spent[0] if spent else Decimal(0)), Decimal(0))
    shortfall = Decimal(0) if left is None else max(total.yuan_after - left, Decimal(0))
    return Impact(item_id, day, total, counties, budget.id if budget else None, left, shortfall)


def _summed(counties: list[Share]) -> Share:
    return Share(
        county_code=None,
        before=sum(county.before for county in counties),
        after=sum(county.after for county in counties),
        gained=sum(county.gained for county in counties),
        lost=sum(county.lost for county in counties),
        changed=sum(county.changed for county in counties),
        yuan_before=sum((county.yuan_before for county in counties), Decimal(0)),
        yuan_after=sum((county.yuan_after for county in counties), Decimal(0)),
    )
