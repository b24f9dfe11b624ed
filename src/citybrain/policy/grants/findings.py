"""What an officer should look at before signing a list: crowds at a limit, shared accounts, split firms.

A finding is a question to a person. Nothing is held or refused by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from django.db import connection

from citybrain.policy.anomalies import bunchings_of
from citybrain.policy.anomaly_file import AnomalyFile, load_anomalies
from citybrain.policy.grants.models import COUNTED, GrantList
from citybrain.policy.grants.terms import terms_of
from citybrain.policy.sessions import matcher_beside
from citybrain.policy.split_firms import split_firms
from citybrain.settings import Settings

# Accounts that the bank named for an enterprise of the list, in whatever list it was paid.
_SHARED = """
WITH here AS (
    SELECT DISTINCT r.account_hash FROM ops.payment_receipt r JOIN ops.grant_line l ON l.id = r.line_id
    WHERE r.paid AND r.account_hash <> '' AND l.uscc = ANY (%(codes)s)
)
SELECT array_agg(DISTINCT l.uscc ORDER BY l.uscc)
FROM ops.payment_receipt r JOIN ops.grant_line l ON l.id = r.line_id JOIN here USING (account_hash)
WHERE r.paid GROUP BY account_hash HAVING count(DISTINCT l.uscc) >= %(least)s
ORDER BY count(DISTINCT l.uscc) DESC, min(l.uscc)
"""
MOST_FINDINGS = 50


@dataclass(frozen=True)
class Finding:
    """`words` say what was found, in Chinese; `codes` are the enterprises to look at."""

    kind: str
    words: str
    codes: tuple[str, ...]


def findings(settings: Settings, grant_list: GrantList) -> list[Finding]:
    """Of each kind the gravest first. Without a warehouse only what the desk itself knows."""
    codes = list(grant_list.lines.filter(state__in=COUNTED).values_list("uscc", flat=True))
    rules = load_anomalies(settings)
    found = _shared_accounts(codes, rules)
    with matcher_beside(settings) as session:
        try:
            found += [*_splits(session, codes, rules), *_crowds(session, grant_list, rules)]
        except psycopg.errors.UndefinedTable:
            session.rollback()
    return found[:MOST_FINDINGS]


def _shared_accounts(codes: Sequence[str], rules: AnomalyFile) -> list[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_SHARED, {"codes": list(codes), "least": rules.shared_account.least})
        rows = cursor.fetchall()
    return [Finding("account", f"{len(sharing)} 户企业收款为同一账户", tuple(sharing)) for (sharing,) in rows]


def _splits(
    session: psycopg.Connection[tuple[object, ...]], codes: Sequence[str], rules: AnomalyFile
) -> list[Finding]:
    return [
        Finding(
            "split",
            f"{len(one.codes)} 户企业住所、行业相同，先后成立于 {one.first} 至 {one.last}",
            one.codes,
        )
        for one in split_firms(session, codes, rules.split)
    ]


def _crowds(
    session: psycopg.Connection[tuple[object, ...]], grant_list: GrantList, rules: AnomalyFile
) -> list[Finding]:
    terms = terms_of(grant_list.item_version_id)
    if not terms.described:
        return []
    crowds = bunchings_of(session, [(grant_list.item_id, terms.rule)], grant_list.as_of, rules.crowd)
    return [
        Finding(
            "crowd",
            f"“{one.label} {one.limit}”的门槛附近：刚好达到 {one.met} 户，刚好未达到 {one.missed} 户",
            (),
        )
        for one in crowds
    ]
