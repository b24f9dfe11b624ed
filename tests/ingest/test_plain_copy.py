"""A plain delivery copied as it stands is staged exactly as one read record by record."""

import random
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from citybrain.catalogue import Dataset, load_dataset
from citybrain.ingest import stage
from citybrain.ingest.plain_copy import NotPlainError, plain_csv
from citybrain.ingest.readers import DeliveryRejectedError, text_lines
from citybrain.ingest.stage_tables import Staged, drop_stage
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from trial_city import SOURCE

pytestmark = pytest.mark.integration
BATCH = 987_656
HEADER = "uscc,name,staff,capital,opened_on"
GOOD = "91341602MA0000001X,某商贸,12,3.5,2026-10-05"
LINES = (
    GOOD,
    ",,,,",
    "-,-,-,无,-",
    "无,无,,-,2026-10-05",
    "-" + GOOD + "-,",  # not the text, but more than it
    GOOD.replace("3.5", "-").replace("某商贸", "-无"),
    GOOD.replace("10-05", "02-30"),  # only the server finds out
    GOOD.replace("12", "9" * 30),
    GOOD.replace("3.5", "三"),  # never sent
    GOOD.replace("2026-10-05", "today"),  # PostgreSQL would make something of these
    GOOD.replace("2026-10-05", "05/10/26"),
    GOOD.replace("3.5", "NaN"),
    GOOD.replace("12", "0x1F"),
    GOOD.replace("某", "C:\\某\\n"),
    GOOD.replace("某", "a\tb"),
    GOOD.replace("某", "\x00"),
    "too,few",
    GOOD + ",too many",
    "",
    "\\.",
)

MISSING = ', missing: ["", "-", "无"]'


def trial(folder: Path, options: str = "") -> Dataset:
    source = folder / "trial.yml"
    connector, form = "{kind: drop_folder, path: trial}", f"{{kind: csv{options}}}"
    text = SOURCE.format(id="trial", connector=connector, format=form, delivers="snapshot", geometry="null")
    source.write_text(text, encoding="utf-8")
    return load_dataset(source)


def as_it_stands(connection: psycopg.Connection, dataset: Dataset, path: Path) -> Staged:
    plain = plain_csv(dataset, path)
    assert plain is not None
    staged = Staged(BATCH, dataset, path, 0, 0, plain=True)
    return stage._stage_plain(connection, staged, plain, text_lines.byte_chunks(path), None)


Rows = list[dict[str, object]]


def staged_rows(connection: psycopg.Connection, staged: Staged) -> tuple[tuple[int, ...], Rows, Rows]:
    """The counts, the typed table, and of the text table what did not
    parse and what is no row: which other records got a second look is each way's own affair."""
    typed, text = _rows(connection, staged.typed), _rows(connection, staged.text)
    mistyped = {row["_line"] for row in typed if row["_type_errors"]}
    doubtful = [row for row in text if row["_fault"] is not None or row["_line"] in mistyped]
    return (staged.rows_in, staged.faults, staged.mistyped), typed, doubtful


def _rows(connection: psycopg.Connection, table: sql.Identifier) -> Rows:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(sql.SQL("SELECT * FROM {} ORDER BY _line").format(table)).fetchall()
    return [{name: row[name] for name in sorted(row)} for row in rows]


@pytest.mark.parametrize(
    ("above", "end", "last", "kinds", "options"),
    [
        ("", "\n", "\n", LINES, ""),
        ("", "\r\n", "", LINES, MISSING),
        ("\ufeff", "\n", "\n", LINES[:1], MISSING),
        ("\r\n\r\n", "\r\n", "\r\n", LINES, ""),
        ("", "\n", "", LINES[:9], MISSING),
    ],
    ids=["as it comes", "returns and no last end", "all good", "blank lines on top", "nothing in three ways"],
)
def test_both_ways_stage_the_same(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    above: str,
    end: str,
    last: str,
    kinds: tuple[str, ...],
    options: str,
) -> None:
    monkeypatch.setattr(text_lines, "CHUNK_BYTES", 700)  # many chunks
    dice = random.Random(len(above) + len(end) + len(kinds))
    lines = dice.choices(kinds, [30, *[1] * (len(kinds) - 1)], k=3_000)
    path = tmp_path / "delivery"
    path.write_bytes((above + end.join([HEADER, *lines]) + last).encode())
    dataset = trial(tmp_path, options)
    with connect(settings, DatabaseRole.LOADER, autocommit=True) as connection:
        try:
            plainly = staged_rows(connection, as_it_stands(connection, dataset, path))
            drop_stage(connection, BATCH)
            by_record = staged_rows(
                connection, stage._stage_records(connection, Staged(BATCH, dataset, path, 0, 0))
            )
        finally:
            drop_stage(connection, BATCH)
    assert plainly == by_record
    assert len(plainly[2]) == plainly[0][1] + plainly[0][2]
    assert len(plainly[1]) + plainly[0][1] == sum(line != "" for line in lines)


@pytest.mark.parametrize(
    ("options", "header"),
    [
        (", encoding: gb18030", HEADER),
        (', missing: ["", "-,"]', HEADER),
        (', missing: ["-"]', HEADER),
        (", delimiter: ';'", HEADER.replace(",", ";")),
    ],
)
def test_what_copy_cannot_read_is_not_plain(tmp_path: Path, options: str, header: str) -> None:
    path = tmp_path / "delivery"
    path.write_text(f"{header}\n", encoding="utf-8")
    assert (plain_csv(trial(tmp_path, options), path) is None) == ("delimiter" not in options)


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("某", '"某'),
        GOOD.replace("某", "某\r"),
        GOOD + "\r",
        "\n".join([GOOD] * 9 + ["too,few"] * 9),
    ],
    ids=["a quote", "a lone return", "another end of line", "too many odd lines"],
)
def test_a_careful_reading_takes_over(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(stage, "MOST_GAPS", 5)
    path = tmp_path / "delivery"
    path.write_text(f"{HEADER}\n{GOOD}\n{text}\n", encoding="utf-8", newline="")
    dataset = trial(tmp_path)
    with connect(settings, DatabaseRole.LOADER, autocommit=True) as connection:
        try:
            with pytest.raises(NotPlainError):
                as_it_stands(connection, dataset, path)
            staged = stage.stage_delivery(connection, dataset, BATCH, path)
            assert not staged.plain
            assert staged.rows_in >= 2
        finally:
            drop_stage(connection, BATCH)


def test_bytes_that_are_no_utf8_are_refused(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "delivery"
    path.write_bytes(f"{HEADER}\n{GOOD}\n".encode() + GOOD.encode("gb18030"))
    with connect(settings, DatabaseRole.LOADER, autocommit=True) as connection:
        try:
            with pytest.raises(DeliveryRejectedError, match="utf-8"):
                stage.stage_delivery(connection, trial(tmp_path), BATCH, path)
        finally:
            drop_stage(connection, BATCH)
