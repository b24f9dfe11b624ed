"""Reads tickets of batches that nobody read, or all of them when the reader changed: meta.ticket_reading.

The work follows what came in: a ticket whose words did not change keeps its reading, and tickets are grouped
anew only in villages where something came in, among calls close enough in time to belong together.
"""

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import psycopg

from citybrain.reading.demands import Kind, load_demands
from citybrain.reading.duplicates import Call, closed_spans, groups
from citybrain.reading.gazetteer import Village
from citybrain.reading.reader import Reader, Reading, Ticket
from citybrain.reading.registers import named_places, villages
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

DATASET = "hotline_ticket"
LOCK = "citybrain reading"

UNREAD = """
SELECT batch_id FROM meta.batch AS batch
WHERE dataset = 'hotline_ticket' AND state = 'loaded' AND NOT EXISTS (
    SELECT FROM meta.ticket_reading_batch AS done
    WHERE done.batch_id = batch.batch_id AND done.reader_version = %s
) ORDER BY batch_id
"""
# The newest statement of a ticket, by the order that staging uses, unless its words were read as they stand.
TO_READ = """
WITH newest AS (
    SELECT DISTINCT ON (ticket_no) ticket_no, received_at, content, county_name,
        md5(concat_ws(E'\\n', content, county_name)) AS text_md5
    FROM raw.hotline_ticket AS versions JOIN meta.batch AS stated ON _batch_id = batch_id
    WHERE ticket_no IN (SELECT ticket_no FROM raw.hotline_ticket WHERE _batch_id = ANY (%(batches)s))
    ORDER BY ticket_no, coalesce(newest_version, source_version) DESC,
        (to_jsonb(versions)
            - '{_batch_id,_line,_object_key,_source_version,_logical_date,_loaded_at}'::text[])::text DESC,
        _batch_id DESC, _line DESC
)
SELECT newest.ticket_no, newest.received_at, newest.content, newest.county_name, newest.text_md5,
    known.village_code, known.received_at
FROM newest LEFT JOIN meta.ticket_reading AS known USING (ticket_no)
WHERE known.ticket_no IS NULL OR known.reader_version <> %(version)s
    OR known.text_md5 <> newest.text_md5 OR known.received_at <> newest.received_at
ORDER BY newest.received_at, newest.ticket_no
"""
CALLS_OF_VILLAGES = """
SELECT ticket_no, village_code, received_at FROM meta.ticket_reading WHERE village_code = ANY (%s)
"""
TEXTS = """
SELECT DISTINCT ON (ticket_no) ticket_no, received_at, content, county_name
FROM raw.hotline_ticket AS versions JOIN meta.batch AS stated ON _batch_id = batch_id
WHERE ticket_no = ANY (%s)
ORDER BY ticket_no, coalesce(newest_version, source_version) DESC,
    (to_jsonb(versions)
        - '{_batch_id,_line,_object_key,_source_version,_logical_date,_loaded_at}'::text[])::text DESC,
    _batch_id DESC, _line DESC
"""
FRESH = """
CREATE TEMPORARY TABLE fresh_reading (LIKE meta.ticket_reading INCLUDING DEFAULTS) ON COMMIT DROP
"""
COPY_FRESH = """
COPY fresh_reading (ticket_no, received_at, demand_class, demand_class_zh, matter, matter_zh, lead_department,
    chance, village_code, named_place, place_how, place_score, group_ticket_no, summary, text_md5,
    reader_version)
FROM STDIN
"""
STORE = """
INSERT INTO meta.ticket_reading SELECT * FROM fresh_reading
ON CONFLICT (ticket_no) DO UPDATE SET
    received_at = excluded.received_at, demand_class = excluded.demand_class,
    demand_class_zh = excluded.demand_class_zh, matter = excluded.matter,
    matter_zh = excluded.matter_zh, lead_department = excluded.lead_department,
    chance = excluded.chance, village_code = excluded.village_code, named_place = excluded.named_place,
    place_how = excluded.place_how, place_score = excluded.place_score,
    group_ticket_no = excluded.group_ticket_no, summary = excluded.summary,
    text_md5 = excluded.text_md5, reader_version = excluded.reader_version, read_at = excluded.read_at
"""
REGROUP = """
UPDATE meta.ticket_reading AS known SET group_ticket_no = moved.group_ticket_no, read_at = now()
FROM unnest(%s::text[], %s::text[]) AS moved (ticket_no, group_ticket_no)
WHERE known.ticket_no = moved.ticket_no AND known.group_ticket_no <> moved.group_ticket_no
"""
DONE = """
INSERT INTO meta.ticket_reading_batch (batch_id, reader_version) SELECT unnest(%s::bigint[]), %s
ON CONFLICT (batch_id) DO UPDATE SET reader_version = excluded.reader_version, read_at = now()
"""
KNOWN = """
SELECT ticket_no, demand_class, demand_class_zh, matter, matter_zh, lead_department, chance, village_code,
    named_place, place_how, place_score, summary, group_ticket_no
FROM meta.ticket_reading ORDER BY ticket_no
"""


@dataclass(frozen=True)
class ReadReport:
    """batches: looked at; read: tickets read; regrouped: others with a new group; undecided: of the read."""

    version: str
    batches: int
    read: int
    regrouped: int
    undecided: int
    seconds: float


@dataclass(frozen=True)
class _Unread:
    ticket: Ticket
    text_md5: str
    before: tuple[str, datetime] | None  # village and time of the reading it had


def read_tickets(settings: Settings) -> ReadReport:
    """Bring meta.ticket_reading up to the loaded tickets. One run at a time; all of it or nothing.

    Before the division lists came, nothing is read. Raises psycopg.Error.
    """
    started = time.monotonic()
    with connect(settings, DatabaseRole.LOADER, "citybrain reading") as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (LOCK,))
        reader = Reader(villages(connection), named_places(connection))
        batches = _unread_batches(connection, reader)
        if not batches:
            return ReadReport(reader.version, 0, 0, 0, 0, round(time.monotonic() - started, 3))
        unread = _unread(connection, batches, reader.version)
        calls, readings = reader.calls([one.ticket for one in unread])
        of = groups(calls + _neighbours(connection, reader, unread, calls))
        _store(connection, reader.version, unread, readings, of)
        regrouped = connection.execute(REGROUP, (list(of), list(of.values()))).rowcount
        connection.execute(DONE, (batches, reader.version))
        return ReadReport(
            version=reader.version,
            batches=len(batches),
            read=len(readings),
            regrouped=regrouped,
            undecided=sum(reading.village is None for reading in readings),
            seconds=round(time.monotonic() - started, 3),
        )


def _unread_batches(connection: psycopg.Connection, reader: Reader) -> list[int]:
    exists = connection.execute("SELECT to_regclass(%s)", (f"raw.{DATASET}",)).fetchone()
    if exists is None or exists[0] is None or not reader.has_villages:
        return []
    return [int(batch) for (batch,) in connection.execute(UNREAD, (reader.version,))]


def _unread(connection: psycopg.Connection, batches: list[int], version: str) -> list[_Unread]:
    rows = connection.execute(TO_READ, {"batches": batches, "version": version})
    return [
        _Unread(
            Ticket(number, received_at, text, county), md5, (village, before) if village is not None else None
        )
        for number, received_at, text, county, md5, village, before in rows
    ]


def _neighbours(
    connection: psycopg.Connection, reader: Reader, unread: list[_Unread], calls: list[Call]
) -> list[Call]:
    """Tickets read before whose group may change: near one that came, changed or left."""
    moments: dict[str, set[datetime]] = defaultdict(set)
    for one, call in zip(unread, calls, strict=True):
        if call.village is not None:
            moments[call.village].add(call.received_at)
        if one.before is not None:
            moments[one.before[0]].add(one.before[1])
    fresh = {call.ticket_no for call in calls}
    standing: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
    for number, village, received_at in connection.execute(CALLS_OF_VILLAGES, (list(moments),)):
        if number not in fresh:
            standing[village].append((number, received_at))
    near: list[str] = []
    for village, known in standing.items():
        spans = closed_spans([*moments[village], *(moment for _, moment in known)])
        touched = [span for span in spans if any(span[0] <= moment <= span[1] for moment in moments[village])]
        near += [n for n, moment in known if any(first <= moment <= last for first, last in touched)]
    if not near:
        return []
    rows = connection.execute(TEXTS, (near,)).fetchall()
    return reader.calls([Ticket(*row) for row in rows])[0]


def _store(
    connection: psycopg.Connection,
    version: str,
    unread: list[_Unread],
    readings: list[Reading],
    of: dict[str, str],
) -> None:
    connection.execute(FRESH)
    with connection.cursor().copy(COPY_FRESH) as target:
        for one, reading in zip(unread, readings, strict=True):
            kind, village = reading.kind, reading.village
            target.write_row(
                (
                    *(
                        reading.ticket_no,
                        one.ticket.received_at,
                        kind.class_id,
                        kind.class_zh,
                        kind.matter_id,
                    ),
                    *(kind.matter_zh, kind.lead, reading.chance, village.code if village else None),
                    *(reading.named_place, reading.place_how, reading.place_score, of[reading.ticket_no]),
                    *(reading.summary, one.text_md5, version),
                )
            )
    connection.execute(STORE)


def known_readings(settings: Settings) -> Iterable[Reading]:
    """What meta.ticket_reading holds, in order of ticket numbers. Raises psycopg.Error."""
    leads = {kind.matter_id: kind for kind in load_demands().kinds}
    with connect(settings, DatabaseRole.LOADER, "citybrain reading") as connection:
        known = {village.code: village for village in villages(connection)}
        for number, class_id, class_zh, matter, matter_zh, lead, chance, code, *rest in connection.execute(
            KNOWN
        ):
            named, how, score, summary, group = rest
            kind = leads.get(matter) or Kind(matter, class_id, class_zh, matter_zh, lead)
            village = None if code is None else known.get(code) or Village(code, "", "", code[:6], "")
            yield Reading(number, kind, chance, village, named, how, score, summary, group)
