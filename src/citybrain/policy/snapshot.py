"""The facts a match run saw, kept in the lake: one compressed CSV named after its hash.

A run reads `marts.mart_enterprise_facts` in one transaction that sees one state of it, and keeps that; a
replay loads it into a temporary table of the same columns and runs the same rules over it.
"""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from citybrain.lake import create_object, download, ensure_bucket, spool, spool_folder
from citybrain.policy.compiler import FACTS_TABLE, IDENTITY
from citybrain.policy.facts import Facts
from citybrain.settings import Settings

ZONE = "published"
PREFIX = "policy-facts"
COLUMN_TYPE = {
    "int": "bigint",
    "decimal": "numeric",
    "money": "numeric",
    "date": "date",
    "bool": "boolean",
    "enum": "text",
    "code": "text",
}

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Snapshot:
    """`sha256` is that of the CSV before compression."""

    sha256: str
    key: str
    rows: int


def snapshot_columns(facts: Facts) -> dict[str, str]:
    """Columns of the snapshot and their types: identity, facts, and when each was loaded."""
    columns = dict.fromkeys(IDENTITY, "text")
    columns |= {fact.column: COLUMN_TYPE[fact.type] for fact in facts.values()}
    columns |= {fact.as_of: "timestamptz" for fact in facts.values()}
    return dict(sorted(columns.items()))


def read_facts(connection: Connection, facts: Facts) -> tuple[str, int, bytes]:
    """Hash, rows and compressed CSV of the facts table as this transaction sees it, in order of uscc."""
    query = sql.SQL("COPY (SELECT {} FROM {} ORDER BY uscc) TO STDOUT WITH (FORMAT csv, HEADER)").format(
        sql.SQL(", ").join(map(sql.Identifier, snapshot_columns(facts))), sql.Identifier(FACTS_TABLE)
    )
    digest, lines, parts = hashlib.sha256(), 0, bytearray()
    compressor = gzip.GzipFile(fileobj=(buffer := _Buffer(parts)), mode="wb", mtime=0, compresslevel=3)
    with compressor, connection.cursor().copy(query) as copy:
        for block in copy:
            digest.update(block)
            lines += bytes(block).count(b"\n")
            compressor.write(block)
    buffer.flush()
    return digest.hexdigest(), max(0, lines - 1), bytes(parts)


class _Buffer:
    """What GzipFile writes to: bytes appended in memory (some MB for a hundred thousand enterprises)."""

    def __init__(self, parts: bytearray) -> None:
        self.parts = parts

    def write(self, block: bytes) -> int:
        self.parts += block
        return len(block)

    def flush(self) -> None:
        return


def keep_snapshot(settings: Settings, sha256: str, content: bytes) -> str:
    """Store the compressed CSV under its hash, unless it is there. Returns its key."""
    key = f"{PREFIX}/{sha256[:2]}/{sha256}.csv.gz"
    ensure_bucket(settings, ZONE)
    with spool_folder(settings) as folder:
        spooled = spool([content], folder / "facts.csv.gz", settings.max_object_mb)
        create_object(settings, ZONE, key, spooled, {"content": "policy-facts"})
    return key


def load_snapshot(settings: Settings, connection: Connection, key: str, sha256: str, facts: Facts) -> None:
    """Make the snapshot the temporary table of the facts' name, in the caller's transaction.

    `facts`: those whose types matter; other columns come as text. Raises LakeError when the object is
    missing, SnapshotError when it is not what the run saw.
    """
    with spool_folder(settings) as folder:
        path = folder / "facts.csv.gz"
        download(settings, ZONE, key, path)
        if (found := _sha256(path)) != sha256:
            raise SnapshotError(f"{ZONE}/{key} is not what the run saw: its sha256 is {found}")
        with gzip.open(path, "rt", encoding="utf-8") as file:
            names = file.readline().strip().split(",")
        known = snapshot_columns(facts)
        table = sql.Identifier(FACTS_TABLE)
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(known.get(name, "text"))) for name in names
        )
        connection.execute(sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(table, columns))
        statement = sql.SQL("COPY {} FROM STDIN WITH (FORMAT csv, HEADER)").format(table)
        with connection.cursor().copy(statement) as copy:
            for block in _blocks(path):
                copy.write(block)
    connection.execute(sql.SQL("ANALYZE {}").format(table))


class SnapshotError(RuntimeError):
    """The kept facts of a run cannot be used."""


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as file:
        while block := file.read(1 << 20):
            yield block
