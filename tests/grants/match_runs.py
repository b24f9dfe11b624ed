"""Items and match runs as the matcher writes them: published by the owner, matched by role `matcher`."""

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from citybrain.policy.item_file import Version
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

DAY = date(2026, 11, 24)
FACTS = {"is_active": True, "staff": 12, "layoff_rate": 0.021}
_numbers = itertools.count(1)

CRITERIA = (
    ("active", "存续经营", "存续经营", "is_active", "存续经营", "市场监督管理局", True),
    (
        "layoffs",
        "裁员率",
        "上年度裁员率不高于 5.5%（含）",
        "layoff_rate",
        "上年度裁员率",
        "人力资源和社会保障局",
        False,
    ),
    (
        "amount_positive",
        "测算金额大于 0",
        "测算金额所需的事实齐全，且金额大于 0 元（不含）",
        None,
        None,
        None,
        True,
    ),
)
DEFINITION: dict[str, Any] = {
    "facts": {
        "is_active": {"type": "bool", "label": "存续经营"},
        "layoff_rate": {"type": "decimal", "unit": "比例", "label": "上年度裁员率"},
        "staff": {"type": "int", "unit": "人", "label": "从业人数"},
    }
}


def definition(
    pay: Sequence[Mapping[str, Any]] = (), share: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """As published, with a whole version behind it where it is paid in parts."""
    if not pay and not share:
        return DEFINITION
    catalogue = {
        name: {**fact, "column": name, "source": "taxation", "as_of": "seen_at", "fresh_within": "P400D"}
        for name, fact in DEFINITION["facts"].items()
    }
    version = {
        "valid": {"from": "2026-01-01"},
        "clause": "条款",
        "source": "citybrain:trial",
        "require": {"id": "active", "fact": "is_active", "op": "is", "value": True, "gate": True},
        "amount": {"kind": "flat", "value": 1},
        "pay": list(pay),
        "share": dict(share or {}),
        "review": {"roles": ["经办"], "notice_days": 0, "confirm_by_enterprise": False},
    }
    model = Version.model_validate(version)
    return {"version": model.model_dump(mode="json", by_alias=True), "facts": catalogue}


@dataclass(frozen=True)
class Item:
    item_id: str
    version_id: int


@dataclass(frozen=True)
class Found:
    """What a run finds for one enterprise: eligible lines are proposed, the others wait for something."""

    uscc: str
    amount: Decimal | None
    status: str = "eligible"
    facts: Mapping[str, Any] = field(default_factory=lambda: FACTS)
    name: str = ""
    unmet: int = 0
    unknown: int = 0
    county: str = "341602"


def uscc(number: int, kind: str = "91") -> str:
    return f"{kind}341600MA{number:08d}"


def publish(
    settings: Settings,
    *,
    channel: str = "auto",
    notice_days: int = 5,
    confirm: bool | None = None,
    escalate: Sequence[Mapping[str, Any]] = (),
    group: str | None = None,
    fund: tuple[str, Decimal] | None = None,
    recheck: Sequence[str] = (),
    payable: bool = True,
    title: str = "",
    replaces: Item | None = None,
    pay: Sequence[Mapping[str, Any]] = (),
    share: Mapping[str, Any] | None = None,
    rule: str = "once_a_year",
) -> Item:
    """A new item of its own (or a new version of `replaces`), in force since the first of the year."""
    number = next(_numbers)
    item_id = replaces.item_id if replaces else f"TRIAL-{number}"
    review = {
        "level": 2,
        "roles": ["人社经办", "人社复核"],
        "notice_days": notice_days,
        "confirm_by_enterprise": channel == "confirm" if confirm is None else confirm,
        "escalate": list(escalate),
    }
    with connect(settings, DatabaseRole.OWNER) as owner:
        owner.execute(
            "INSERT INTO policy.document (document_id, title, department, uri, origin)"
            " VALUES ('TRIAL', '稳岗返还办法', 'human_resources', 'citybrain:trial', 'synthetic')"
            " ON CONFLICT DO NOTHING"
        )
        owner.execute(
            "INSERT INTO policy.item"
            " (item_id, document_id, title, department, department_zh, channel, origin) VALUES"
            " (%s, 'TRIAL', %s, 'human_resources', '人力资源和社会保障局', %s, 'synthetic')"
            " ON CONFLICT DO NOTHING",
            (item_id, title or f"稳岗返还 {number}", channel),
        )
        owner.execute(
            "UPDATE policy.item_version SET withdrawn_at = now() WHERE item_id = %s AND withdrawn_at IS NULL",
            (item_id,),
        )
        row = owner.execute(
            "INSERT INTO policy.item_version (item_id, valid_from, sha256, definition, clause, source_url,"
            " amount_words, payable, unconfirmed, exclusion_group, exclusion_rule, fund_id, fund_amount,"
            " review, recheck_before_pay) VALUES"
            " (%s, '2026-01-01', %s, %s, '裁员率不高于 5.5%% 的企业', 'citybrain:trial',"
            " '上年度实缴失业保险费的 60%%', %s, %s, %s, %s, %s, %s, %s, %s) RETURNING item_version_id",
            (
                item_id,
                hashlib.sha256(f"{item_id} {number}".encode()).hexdigest(),
                Jsonb(definition(pay, share)),
                payable,
                [] if payable else ["返还比例"],
                group,
                rule if group else None,
                *(fund or (None, None)),
                Jsonb(review),
                list(recheck),
            ),
        ).fetchone()
        assert row is not None
        for bit, (criterion, label, sentence, fact, fact_label, department, gate) in enumerate(CRITERIA):
            owner.execute(
                "INSERT INTO policy.criterion VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (row[0], bit, criterion, label, sentence, fact, fact_label, department, gate),
            )
    return Item(item_id, row[0])


def run(settings: Settings, found: Mapping[Item, Sequence[Found]], day: date = DAY) -> int:
    """One match run over `found`; its number."""
    lines = [line for lines in found.values() for line in lines if line.status == "eligible"]
    proposed = sum((line.amount or Decimal(0) for line in lines), Decimal(0))
    with connect(settings, DatabaseRole.MATCHER) as matcher:
        row = matcher.execute(
            "INSERT INTO policy.match_run (as_of, started_at, finished_at, rules_sha256, sql_sha256,"
            " facts_sha256, facts_object_key, awards_seen, code_version, items, enterprises, eligible,"
            " needs_data, near, firms_found, yuan_proposed) VALUES"
            " (%s, now(), now(), %s, %s, %s, 'trial', 0, 'trial', %s, %s, %s, 0, 0, %s, %s) RETURNING run_id",
            (day, "a" * 64, "b" * 64, "c" * 64, len(found), len(lines), len(lines), len(lines), proposed),
        ).fetchone()
        assert row is not None
        run_id = int(row[0])
        for rows in ("match_row", "proposal_row"):  # a run is the whole state: what was found before ends
            matcher.execute(f"UPDATE policy.{rows} SET until_run = %s WHERE until_run IS NULL", (run_id,))
        for item, found_lines in found.items():
            matcher.execute(
                "INSERT INTO policy.match_run_item VALUES (%s, %s, %s, 'SELECT', 0, 0, 0, 0)",
                (run_id, item.version_id, "d" * 64),
            )
            for rank, line in enumerate(found_lines, start=1):
                eligible = line.status == "eligible"
                matcher.execute(
                    "INSERT INTO policy.match_row VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    (
                        *(
                            run_id,
                            item.version_id,
                            line.uscc,
                            line.name or f"企业{line.uscc[-4:]}",
                            line.county,
                        ),
                        *(line.status, line.unmet, line.unknown, 0 if eligible else 1, line.amount),
                        Jsonb(dict(line.facts)) if eligible else None,
                    ),
                )
                if eligible:
                    matcher.execute(
                        "INSERT INTO policy.proposal_row VALUES (%s, %s, %s, 'pay', %s, %s, NULL, NULL)",
                        (run_id, item.version_id, line.uscc, line.amount, rank),
                    )
    return run_id


def firms(*amounts: str | Decimal, first: int = 1) -> list[Found]:
    return [Found(uscc(first + n), Decimal(amount)) for n, amount in enumerate(amounts)]
