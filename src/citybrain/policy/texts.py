"""Policy documents as texts: written from what is published, kept in the lake, and made findable by words.

A text is kept under the hash of its bytes and never rewritten: what people could read on a day stays there.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import psycopg

from citybrain.catalogue import load_departments
from citybrain.lake import create_object, ensure_bucket, spool, spool_folder
from citybrain.policy.publishing import stored_rule
from citybrain.policy.rule import Rule
from citybrain.policy.wording import CHANNEL_ZH, amount_words, condition_lines, exclusion_words
from citybrain.policy.words import vector
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

ZONE = "policy-docs"
AT_ONCE = 8  # texts on their way to the lake
ORIGIN_ZH = {
    "real": "按公开网页摘编，须经发文部门核对后使用",
    "synthetic": "示例文件，为演示城市而作，不是真实政策",
}

PUBLISHED = """
SELECT d.document_id, d.title, d.number, d.issuer, d.department, d.published_on, d.uri, d.origin,
    i.item_id, i.title, i.channel, v.definition
FROM policy.document d JOIN policy.item i USING (document_id) JOIN policy.item_version v USING (item_id)
WHERE v.withdrawn_at IS NULL
ORDER BY d.document_id, i.item_id, v.valid_from
"""
KEEP = """
INSERT INTO policy.document_text (document_id, sha256, object_key) VALUES (%s, %s, %s)
ON CONFLICT (document_id) DO UPDATE
SET sha256 = excluded.sha256, object_key = excluded.object_key, kept_at = now()
"""
INDEX = """
INSERT INTO policy.item_words (item_id, document_id, words) VALUES (%s, %s, %s::tsvector)
ON CONFLICT (item_id) DO UPDATE SET document_id = excluded.document_id, words = excluded.words
"""
NEWEST = """
SELECT publication_id, texts_kept_at IS NOT NULL FROM policy.publication ORDER BY publication_id DESC LIMIT 1
"""
TEXTS_KEPT = "UPDATE policy.publication SET texts_kept_at = now() WHERE publication_id = %s"
COUNTS = "SELECT (SELECT count(*) FROM policy.document_text), (SELECT count(*) FROM policy.item_words)"


@dataclass(frozen=True)
class PublishedItem:
    """An item with the rules that stand, oldest first."""

    id: str
    title: str
    channel: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class PublishedDocument:
    id: str
    title: str
    number: str | None
    issuer: str | None
    department: str
    published_on: date | None
    uri: str
    origin: str
    items: tuple[PublishedItem, ...]


@dataclass(frozen=True)
class Kept:
    """Documents that stand, and how many of them this call wrote anew."""

    documents: int
    items: int
    written: int


def keep_texts(settings: Settings) -> Kept:
    """Keep the text of every published document, and its words. What has not changed is left alone, and a
    publication whose texts were kept is not read again.

    Raises LakeError and the store's own errors, psycopg.Error.
    """
    with connect(settings, DatabaseRole.OWNER, "citybrain policy texts") as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('citybrain policy texts'))")
        newest = connection.execute(NEWEST).fetchone()
        if newest is not None and newest[1]:
            row = connection.execute(COUNTS).fetchone()
            assert row is not None  # noqa: S101 - counts are one row
            return Kept(row[0], row[1], written=0)
        documents = list(published_documents(connection))
        rows = connection.execute("SELECT document_id, sha256 FROM policy.document_text").fetchall()
        known: dict[str, str] = dict(rows)
        texts = [(document, document_text(document).encode()) for document in documents]
        changed = [
            (document, text) for document, text in texts
            if known.get(document.id) != hashlib.sha256(text).hexdigest()
        ]  # fmt: skip
        if changed:
            ensure_bucket(settings, ZONE)
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="policy-texts") as pool:
            kept = list(pool.map(lambda pair: _keep(settings, *pair), changed))
        with connection.cursor() as cursor:
            cursor.executemany(
                KEEP, [(document.id, *stored) for (document, _), stored in zip(changed, kept, strict=True)]
            )
            cursor.executemany(INDEX, [row for document, _ in changed for row in _index(document)])
        _forget(connection, documents)
        if newest is not None:
            connection.execute(TEXTS_KEPT, (newest[0],))
    return Kept(len(documents), sum(len(document.items) for document in documents), len(changed))


def _forget(connection: psycopg.Connection[Any], documents: list[PublishedDocument]) -> None:
    """What stands no more is not found; its text stays in the lake."""
    items = [item.id for document in documents for item in document.items]
    connection.execute("DELETE FROM policy.item_words WHERE NOT item_id = ANY(%s)", (items,))
    standing = [document.id for document in documents]
    connection.execute("DELETE FROM policy.document_text WHERE NOT document_id = ANY(%s)", (standing,))


def published_documents(connection: psycopg.Connection[Any]) -> Iterator[PublishedDocument]:
    """Documents with the versions that stand, in order of their ids."""
    rows = connection.execute(PUBLISHED).fetchall()
    for head, lines in groupby(rows, key=lambda row: row[:8]):
        items = [
            PublishedItem(item_id, title, channel, tuple(stored_rule(row[11]) for row in versions))
            for (item_id, title, channel), versions in groupby(lines, key=lambda row: row[8:11])
        ]
        document_id, title, number, issuer, department, published_on, uri, origin = head
        yield PublishedDocument(
            document_id, title, number, issuer, department, published_on, uri, origin, tuple(items)
        )


def document_text(document: PublishedDocument) -> str:
    """The document as people read it, in Markdown."""
    department = load_departments()[document.department].zh
    published = document.published_on.isoformat() if document.published_on else "未显示"
    lines = [
        f"# {document.title}",
        "",
        f"文号：{document.number or '未显示'}　发文：{document.issuer or '未显示'}　主管部门：{department}"
        f"　日期：{published}",
        "",
        f"性质：{ORIGIN_ZH[document.origin]}　来源：{document.uri}",
    ]
    for place, item in enumerate(document.items, 1):
        lines += ["", f"## {place}. {item.title}（{CHANNEL_ZH[item.channel]}，{item.id}）"]
        for rule in item.rules:
            lines += ["", *_version_lines(rule)]
    return "\n".join(lines) + "\n"


def _version_lines(rule: Rule) -> list[str]:
    valid = rule.version.valid
    lines = [
        f"有效期：{valid.start} 至 {valid.end or '另行通知'}",
        f"条款：{rule.version.clause}",
        f"标准：{amount_words(rule)}",
        f"不重复享受：{exclusion_words(rule.version.exclusion)}",
    ]
    lines += [f"待核定：{note}（核定前不发放）" for note in rule.unconfirmed]
    return [*lines, "条件：", *(f"- {line.strip('　')}" for line in condition_lines(rule))]


def _keep(settings: Settings, document: PublishedDocument, text: bytes) -> tuple[str, str]:
    """Hash and key of the stored text."""
    with spool_folder(settings) as folder:
        spooled = spool([text], folder / "document.md", settings.max_object_mb)
        key = f"{document.id}/{spooled.sha256}.md"
        create_object(settings, ZONE, key, spooled, {"document": document.id, "origin": document.origin})
    return spooled.sha256, key


def _index(document: PublishedDocument) -> Iterator[tuple[str, str, str]]:
    for item in document.items:
        parts = [(item.title, "A"), (document.title, "B")]
        for rule in item.rules:
            parts.append((rule.version.clause, "C"))
            parts += [(line, "D") for line in condition_lines(rule)]
        yield item.id, document.id, vector(parts)
