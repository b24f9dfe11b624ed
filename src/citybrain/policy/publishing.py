"""Files win: what `policies/` says is written into schema `policy`, a changed version as a new one.

A published version is never edited. When its file changes, it is withdrawn and the new one stands beside it,
so that every result keeps the rule it came from.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from citybrain.catalogue import load_departments
from citybrain.policy.facts import facts_path, stored_facts
from citybrain.policy.item_file import Version
from citybrain.policy.library import Policy, load_policies, policy_files
from citybrain.policy.plan import plan_of
from citybrain.policy.rule import AMOUNT_ID, Rule, resolve
from citybrain.policy.wording import amount_words, sentence
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

Connection = psycopg.Connection[Any]
AMOUNT_LABEL = "测算金额大于 0"
AMOUNT_SENTENCE = "测算金额所需的事实与标准齐全，且金额大于 0 元（不含）"

DOCUMENT = """
INSERT INTO policy.document (document_id, title, number, issuer, department, published_on, uri, origin)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (document_id) DO UPDATE SET title = excluded.title, number = excluded.number,
    issuer = excluded.issuer, department = excluded.department, published_on = excluded.published_on,
    uri = excluded.uri, origin = excluded.origin, updated_at = now()
"""
ITEM = """
INSERT INTO policy.item (item_id, document_id, title, department, department_zh, channel, origin)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (item_id) DO UPDATE SET document_id = excluded.document_id, title = excluded.title,
    department = excluded.department, department_zh = excluded.department_zh, channel = excluded.channel,
    origin = excluded.origin, updated_at = now()
"""
VERSION = """
INSERT INTO policy.item_version (item_id, valid_from, valid_to, sha256, definition, clause, source_url,
    amount_words, payable, unconfirmed, exclusion_group, exclusion_rule, fund_id, fund_amount, review,
    recheck_before_pay, plan_sha256)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
RETURNING item_version_id
"""
CRITERION = """
COPY policy.criterion (item_version_id, bit, criterion_id, label, sentence, fact, fact_label,
    source_department, gate) FROM STDIN
"""
WITHDRAW = """
UPDATE policy.item_version SET withdrawn_at = now()
WHERE withdrawn_at IS NULL AND NOT sha256 = ANY(%s)
"""
IN_FORCE = "SELECT sha256 FROM policy.item_version WHERE withdrawn_at IS NULL"
PLAN = "INSERT INTO policy.plan (sha256, plan) VALUES (%s, %s) ON CONFLICT DO NOTHING"
REPLAN = "UPDATE policy.item_version SET plan_sha256 = %s WHERE sha256 = %s AND withdrawn_at IS NULL"
LAST = """
SELECT inputs_sha256, documents, items, versions FROM policy.publication ORDER BY publication_id DESC LIMIT 1
"""
PUBLICATION = """
INSERT INTO policy.publication (inputs_sha256, documents, items, versions) VALUES (%s, %s, %s, %s)
"""


@dataclass(frozen=True)
class Publication:
    """Versions that stand now, and how many of them this call added and withdrew."""

    documents: int
    items: int
    versions: int
    added: int
    withdrawn: int


def definition_of(policy: Policy, rule: Rule) -> dict[str, Any]:
    """A version and the facts it names, as it is published: enough to compile and explain it for good."""
    return {
        "item": {"id": policy.item.id, "title": policy.item.title, "channel": policy.item.channel},
        "version": rule.version.model_dump(mode="json", by_alias=True),
        "facts": {name: rule.facts[name].model_dump(mode="json") for name in _fact_names(rule)},
    }


def _fact_names(rule: Rule) -> list[str]:
    return sorted(rule.used)


def stored_rule(definition: dict[str, Any]) -> Rule:
    """The rule of a published definition."""
    return resolve(Version.model_validate(definition["version"]), stored_facts(definition["facts"]))


def definition_sha256(definition: dict[str, Any]) -> str:
    text = json.dumps(definition, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def publish(settings: Settings) -> Publication:
    """Bring schema `policy` in line with the files, in one transaction. Raises ContentError, psycopg.Error.

    It runs as the owner: who matches and who decides cannot write rules.
    """
    inputs = _inputs_sha256(settings)
    with connect(settings, DatabaseRole.OWNER, "citybrain policy publish") as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('citybrain policy publish'))")
        last = connection.execute(LAST).fetchone()
        if last is not None and last[0] == inputs:
            documents, items, versions = last[1:]
            return Publication(documents, items, versions, added=0, withdrawn=0)
        done = publish_policies(connection, load_policies(settings))
        connection.execute(PUBLICATION, (inputs, done.documents, done.items, done.versions))
        return done


def _inputs_sha256(settings: Settings) -> str:
    """Of everything a publication depends on: item files, facts, departments, code."""
    digest = hashlib.sha256()
    code = sorted(Path(__file__).parent.glob("*.py"))
    for path in (facts_path(settings), *policy_files(settings), *code):
        digest.update(f"{path.parent.name}/{path.name}\n".encode())
        digest.update(path.read_bytes() if path.exists() else b"")
    names = {name: department.zh for name, department in load_departments().items()}
    digest.update(json.dumps(names, sort_keys=True).encode())
    return digest.hexdigest()


def publish_policies(connection: Connection, policies: Sequence[Policy]) -> Publication:
    """As `publish`, in the caller's transaction. A version that stands is planned again: by newer code."""
    departments = load_departments()
    wanted: dict[str, tuple[Policy, Rule, dict[str, Any]]] = {}
    for policy in policies:
        for rule in policy.rules:
            definition = definition_of(policy, rule)
            wanted[definition_sha256(definition)] = (policy, rule, definition)
    documents = {policy.document.id: policy.document for policy in policies}
    with connection.cursor() as cursor:
        cursor.executemany(
            DOCUMENT,
            [
                (each.id, each.title, each.number, each.issuer, each.department, each.published, each.uri,
                 each.origin)
                for each in documents.values()
            ],
        )  # fmt: skip
        cursor.executemany(
            ITEM,
            [
                (policy.item.id, policy.document.id, policy.item.title, policy.document.department,
                 departments[policy.document.department].zh, policy.item.channel, policy.document.origin)
                for policy in policies
            ],
        )  # fmt: skip
    withdrawn = connection.execute(WITHDRAW, (list(wanted),)).rowcount
    standing = {row[0] for row in connection.execute(IN_FORCE)}
    plans = {sha256: plan_of(rule) for sha256, (_, rule, _) in wanted.items()}
    hashes = {sha256: plan.sha256 for sha256, plan in plans.items()}
    with connection.cursor() as cursor:
        cursor.executemany(PLAN, [(hashes[sha256], Jsonb(plan.as_json())) for sha256, plan in plans.items()])
        cursor.executemany(REPLAN, [(hashes[sha256], sha256) for sha256 in wanted if sha256 in standing])
    new = {sha256: parts for sha256, parts in wanted.items() if sha256 not in standing}
    _add(connection, new, hashes)
    return Publication(
        documents=len({policy.document.id for policy in policies}),
        items=len(policies),
        versions=len(wanted),
        added=len(new),
        withdrawn=withdrawn,
    )


def _add(
    connection: Connection,
    versions: Mapping[str, tuple[Policy, Rule, dict[str, Any]]],
    plans: Mapping[str, str],
) -> None:
    """Add versions with their criteria. `plans`: the hash of the plan of each."""
    if not versions:
        return
    columns = [
        _version_columns(policy, rule, definition, sha256, plans[sha256])
        for sha256, (policy, rule, definition) in versions.items()
    ]
    ids: list[int] = []
    with connection.cursor() as cursor:
        cursor.executemany(VERSION, columns, returning=True)
        while True:
            ids += [row[0] for row in cursor.fetchall()]
            if not cursor.nextset():
                break
        with cursor.copy(CRITERION) as copy:
            for number, (_, rule, _) in zip(ids, versions.values(), strict=True):
                for row in criterion_rows(rule):
                    copy.write_row((number, *row))


def _version_columns(
    policy: Policy, rule: Rule, definition: dict[str, Any], sha256: str, plan_sha256: str
) -> tuple[Any, ...]:
    version = rule.version
    exclusion, budget = version.exclusion, version.caps.budget
    return (
        policy.item.id,
        version.valid.start,
        version.valid.end,
        sha256,
        Jsonb(definition),
        version.clause,
        version.source,
        amount_words(rule),
        rule.payable,
        list(rule.unconfirmed),
        exclusion.group if exclusion else None,
        exclusion.rule if exclusion else None,
        budget.id if budget else None,
        budget.amount if budget else None,
        Jsonb(version.review.model_dump(mode="json")),
        list(version.recheck_before_pay),
        plan_sha256,
    )


def criterion_rows(rule: Rule) -> list[tuple[Any, ...]]:
    """bit, id, label, sentence, fact, its label, its department, gate; the amount's own bit comes last."""
    departments = load_departments()
    rows: list[tuple[Any, ...]] = []
    for criterion in rule.criteria:
        leaf, fact = criterion.leaf, criterion.fact
        words = sentence(criterion)
        source = departments[fact.source].zh
        rows.append(
            (criterion.bit, leaf.id, leaf.label or words, words, leaf.fact, fact.label, source, leaf.gate)
        )
    rows.append((rule.amount_bit, AMOUNT_ID, AMOUNT_LABEL, AMOUNT_SENTENCE, None, None, None, True))
    return rows
