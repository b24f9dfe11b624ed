"""The facts a match run saw, kept in the lake: one compressed CSV named after its hash.

A full run keeps `facts_now`; an incremental one keeps the enterprises that changed since the run it
continues, and of those that are gone their code. A replay puts them on top of each other again.
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
from citybrain.policy.facts import Facts
from citybrain.policy.facts_table import IDENTITY, column_types
from citybrain.settings import Settings

ZONE = "published"
PREFIX = "policy-facts"
GONE = "gone"

Connection = psycopg.Connection[Any]


class SnapshotError(RuntimeError):
    """The kept facts of a run cannot be used."""


@dataclass(frozen=True)
class Snapshot:
    """`sha256` is that of the CSV before compression; `content` is compressed."""

    sha256: str
    content: bytes

    @property
    def key(self) -> str:
        return f"{PREFIX}/{self.sha256[:2]}/{self.sha256}.csv.gz"


def read_facts(connection: Connection, facts: Facts, table: str, gone: str | None = None) -> Snapshot:
    """The rows of a facts table, in order of uscc, and the codes of the table `gone`."""
    names = sql.SQL(", ").join(map(sql.Identifier, (*IDENTITY, *sorted(facts))))
    query = sql.SQL("SELECT {}, false AS {} FROM {}").format(
        names, sql.Identifier(GONE), sql.Identifier(table)
    )
    if gone is not None:
        nothing = sql.SQL(", ").join([sql.SQL("NULL")] * (len(IDENTITY) - 1 + len(facts)))
        query += sql.SQL(" UNION ALL SELECT uscc, {}, true FROM {}").format(nothing, sql.Identifier(gone))
    copied = sql.SQL("COPY ({} ORDER BY 1) TO STDOUT WITH (FORMAT csv, HEADER)").format(query)
    digest, buffer = hashlib.sha256(), _Buffer()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, compresslevel=1) as compressed,
        connection.cursor().copy(copied) as copy,
    ):
        for block in copy:
            digest.update(block)
            compressed.write(block)
    return Snapshot(digest.hexdigest(), bytes(buffer.parts))


class _Buffer:
    """What GzipFile writes to: bytes appended in memory (some MB for a hundred thousand enterprises)."""

    def __init__(self) -> None:
        self.parts = bytearray()

    def write(self, block: bytes) -> int:
        self.parts += block
        return len(block)

    def flush(self) -> None:
        return


def keep_snapshot(settings: Settings, snapshot: Snapshot) -> str:
    """Store the compressed CSV under its hash, unless it is there. Returns its key."""
    ensure_bucket(settings, ZONE)
    with spool_folder(settings) as folder:
        spooled = spool([snapshot.content], folder / "facts.csv.gz", settings.max_object_mb)
        create_object(settings, ZONE, snapshot.key, spooled, {"content": "policy-facts"})
    return snapshot.key


def load_snapshot(settings: Settings, connection: Connection, key: str, facts: Facts, table: str) -> None:
    """Bring the temporary table `table` to what the snapshot says, making it first where there is none.

    `facts`: those whose types matter; other columns come as text. Raises LakeError when the object is
    missing, SnapshotError when it is not what the run saw.
    """
    with spool_folder(settings) as folder:
        path = folder / "facts.csv.gz"
        download(settings, ZONE, key, path)
        if (found := _sha256(path)) != key.rsplit("/", 1)[-1].removesuffix(".csv.gz"):
            raise SnapshotError(f"{ZONE}/{key} is not what the run saw: its sha256 is {found}")
        with gzip.open(path, "rt", encoding="utf-8") as file:
            names = file.readline().strip().split(",")
        known = column_types(facts, facts) | {GONE: "boolean"}
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(known.get(name, "text"))) for name in names
        )
        connection.execute(sql.SQL("CREATE TEMPORARY TABLE delivered ({}) ON COMMIT DROP").format(columns))
        with connection.cursor().copy(sql.SQL("COPY delivered FROM STDIN WITH (FORMAT csv, HEADER)")) as copy:
            for block in _blocks(path):
                copy.write(block)
    into = sql.Identifier(table)
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE IF NOT EXISTS {} (LIKE delivered) ON COMMIT DROP").format(into)
    )
    connection.execute(sql.SQL("DELETE FROM {} k USING delivered d WHERE k.uscc = d.uscc").format(into))
    listed = sql.SQL(", ").join(map(sql.Identifier, names))
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM delivered WHERE NOT gone").format(into, listed, listed)
    )
    connection.execute(sql.SQL("DROP TABLE delivered"))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as file:
        while block := file.read(1 << 20):
            yield block
