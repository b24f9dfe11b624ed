"""What people ask the manifest and the quarantine."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citybrain.ingest.manifest import Batch, list_batches
from citybrain.settings import DatabaseRole, get_settings
from citybrain.warehouse.connection import connect


@dataclass(frozen=True)
class QuarantinedRow:
    """One row kept out. `record` is the record as delivered, `quarantined_at` aware."""

    batch_id: int
    line: int
    source_name: str
    reasons: list[str]
    record: Any
    quarantined_at: datetime


@dataclass(frozen=True)
class QuarantineSummary:
    """A dataset's quarantine: rows by reason, most frequent first, and the newest rows."""

    dataset: str
    rows: int
    reasons: dict[str, int]
    sample: list[QuarantinedRow]


def batches(state: str | None = None, limit: int = 200) -> list[Batch]:
    """The newest batches of the manifest, of one state or of all."""
    with connect(get_settings(), DatabaseRole.LOADER, "citybrain batches") as connection:
        return list_batches(connection, state, limit)


def quarantine_of(dataset: str, top: int = 10, sample: int = 10) -> QuarantineSummary:
    """Why rows of a dataset were kept out. A row with several reasons counts for each."""
    with connect(get_settings(), DatabaseRole.LOADER, "citybrain quarantine") as connection:
        count = connection.execute(
            "SELECT count(*) FROM quarantine.rejected_row WHERE dataset = %s", (dataset,)
        ).fetchone()
        reasons = connection.execute(
            "SELECT reason, count(*) FROM quarantine.rejected_row, unnest(reasons) AS reason"
            " WHERE dataset = %s GROUP BY reason ORDER BY count(*) DESC, reason LIMIT %s",
            (dataset, top),
        ).fetchall()
        rows = connection.execute(
            "SELECT r.batch_id, r.line, b.source_name, r.reasons, r.record, r.quarantined_at"
            " FROM quarantine.rejected_row AS r JOIN meta.batch AS b USING (batch_id)"
            " WHERE r.dataset = %s ORDER BY r.batch_id DESC, r.line LIMIT %s",
            (dataset, sample),
        ).fetchall()
    return QuarantineSummary(
        dataset, count[0] if count else 0, dict(reasons), [QuarantinedRow(*row) for row in rows]
    )
