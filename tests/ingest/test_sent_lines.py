"""What the typed pass takes down of the lines left out is what the gaps of the stage table tell."""

import random
from pathlib import Path

import pytest

from citybrain.catalogue import load_dataset
from citybrain.ingest import stage
from citybrain.ingest.sent_lines import SentLines
from citybrain.ingest.stage_tables import Staged, create_tables, drop_stage
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from trial_city import SOURCE

pytestmark = pytest.mark.integration
BATCH = 987_655
GOOD = "91341602MA0000001X,某商贸,12,3.5,2026-10-05"
KINDS = (
    GOOD,
    GOOD.replace("10-05", "02-30"),  # only the server finds out
    GOOD.replace("12", "9" * 30),  # and here
    GOOD.replace("3.5", "三"),
    "too,few",
    "",
    GOOD.replace("某", '"某\n').replace("商贸", '商贸"'),
)


def delivery(folder: Path, kinds: tuple[str, ...]) -> Staged:
    source = folder / "trial.yml"
    connector, form = "{kind: drop_folder, path: trial}", "{kind: csv}"
    text = SOURCE.format(id="trial", connector=connector, format=form, delivers="snapshot", geometry="null")
    source.write_text(text, encoding="utf-8")
    path = folder / "delivery"
    lines = random.Random(11).choices(kinds, [40, *[1] * (len(kinds) - 1)], k=20_000)
    path.write_text("\n".join(["uscc,name,staff,capital,opened_on", *lines, ""]), encoding="utf-8")
    return Staged(BATCH, load_dataset(source), path, 0, 0)


@pytest.mark.parametrize("kinds", [KINDS[:6], KINDS], ids=["lines", "records over lines"])
def test_lines_left_out_are_told_by_the_pass_itself(
    settings: Settings, tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    staged = delivery(tmp_path, kinds)
    with connect(settings, DatabaseRole.LOADER, autocommit=True) as connection:
        drop_stage(connection, BATCH)
        create_tables(connection, staged, 1)
        try:
            sent = SentLines(10_000)
            records, last_line, arrived = stage._typed_pass(connection, staged, sent)
            assert 0 < arrived < sent.rows < records
            told = sent.left_out(arrived)
            gaps = stage._lines_left_out(connection, staged, last_line)
        finally:
            drop_stage(connection, BATCH)
    assert told is not None
    assert told <= gaps
    # the header, and blank lines or ends of records between two batches, are no records of either
    texts = staged.path.read_text(encoding="utf-8").split("\n")
    assert all(line == 1 or texts[line - 1] == "" or '"' in texts[line - 1] for line in gaps - told)


def test_silence_is_not_taken_for_nothing(settings: Settings, tmp_path: Path) -> None:
    """A server that sends no notices, and more lines than are kept: the gaps have to tell then."""
    staged = delivery(tmp_path, KINDS[:4])
    with connect(settings, DatabaseRole.LOADER, autocommit=True) as connection:
        for limit, level in ((10_000, "warning"), (20, "notice")):
            drop_stage(connection, BATCH)
            create_tables(connection, staged, 1)
            connection.execute(f"SET client_min_messages = {level}")
            try:
                sent = SentLines(limit)
                _, _, arrived = stage._typed_pass(connection, staged, sent)
                assert sent.left_out(arrived) is None
            finally:
                drop_stage(connection, BATCH)
