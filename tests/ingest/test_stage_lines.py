"""The lines that are no row of a stage table are told by its gaps, in whatever order COPY wrote it."""

import random
from pathlib import Path

import pytest

from citybrain.catalogue import load_dataset
from citybrain.ingest.stage import _lines_left_out
from citybrain.ingest.stage_tables import Staged
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("order", ["as read", "a page filled later", "any"])
def test_gaps_are_found_in_every_order(settings: Settings, order: str) -> None:
    there = sorted(random.Random(7).sample(range(2, 4000), 3000))
    written = {
        "as read": there,
        "a page filled later": there[500:] + there[:500],
        "any": random.Random(8).sample(there, len(there)),
    }[order]
    dataset = load_dataset(settings.sources_dir / "water_stage.yml")
    staged = Staged(987_654, dataset, Path("unread"), 0, 0)
    with connect(settings, DatabaseRole.LOADER, autocommit=True) as connection:
        connection.execute("CREATE UNLOGGED TABLE stage.batch_987654 (_line bigint NOT NULL)")
        try:
            with (
                connection.cursor() as cursor,
                cursor.copy("COPY stage.batch_987654 (_line) FROM STDIN") as copy,
            ):
                for line in written:
                    copy.write_row((line,))
            assert _lines_left_out(connection, staged, 4100) == set(range(1, 4101)) - set(there)
        finally:
            connection.execute("DROP TABLE stage.batch_987654")
