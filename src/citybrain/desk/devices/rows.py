"""The rows of the register, as far as a person's view reaches.

Marts know no row security, so the scope of the person is part of the statement: a department sees the devices
it owns or uses, a county its own, the city all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import connection
from psycopg import sql

from citybrain.catalogue import load_areas
from citybrain.catalogue.department import load_departments
from citybrain.desk.accounts.models import User
from citybrain.desk.cases.devices import CONDITIONS, WELL
from citybrain.desk.devices.sharing import used_by, users_of_kinds, users_of_scenarios
from citybrain.desk.marts import there_are
from citybrain.events.scope import as_system

MARTS = ("dim_device", "dim_camera", "fct_sensor_day")
STATES = {"fault": "故障", "silent": "静默", "normal": "正常", "out": "停用"}
State = Literal["fault", "silent", "normal", "out"]

# A sensor is silent after two of its intervals, at least a quarter of an hour; a camera after an hour without
# a usable still. Time is now, whatever the newest delivery says: a feed that stopped is silence, too.
_REGISTER = sql.SQL("""
WITH register AS (
    SELECT 'iot' AS source, d.device_id AS id, d.device_kind AS kind, d.device_kind_label AS kind_label,
        d.place_name AS place, d.county_code, d.owner_department AS owner, coalesce(d.owner_unit, '') AS unit,
        '' AS scenario, d.is_in_service AS in_service, read.at AS read_at, d.origin,
        greatest(2 * coalesce(d.cadence_minutes, 60), 15) * interval '1 minute' AS patience
    FROM marts.dim_device AS d
    LEFT JOIN LATERAL (
        SELECT f.last_observed_at AS at FROM marts.fct_sensor_day AS f
        WHERE f.device_id = d.device_id AND f.metric = d.metric AND NOT f.is_delivered
        ORDER BY f.day DESC LIMIT 1
    ) AS read ON true
    UNION ALL
    SELECT 'video', c.camera_id, 'camera', '摄像头', c.camera_name, c.county_code, c.owner_department, '',
        c.scenario, c.enabled, look.at, c.origin, interval '1 hour'
    FROM marts.dim_camera AS c
    LEFT JOIN LATERAL (
        SELECT r.still_at AS at FROM vision.round AS r
        WHERE r.camera_id = c.camera_id AND r.still_at IS NOT NULL ORDER BY r.still_at DESC LIMIT 1
    ) AS look ON true
), seen AS (
    SELECT g.*, coalesce(h.condition, '') AS condition,
        CASE
            WHEN NOT g.in_service THEN 'out'
            WHEN h.condition <> ALL (%(well)s) THEN 'fault'
            WHEN g.read_at IS NULL OR g.read_at < now() - g.patience THEN 'silent'
            ELSE 'normal'
        END AS state
    FROM register AS g
    LEFT JOIN ops.device_health AS h ON h.source_kind = g.source AND h.source_id = g.id
    WHERE CASE %(width)s
            WHEN 'city' THEN true
            WHEN 'county' THEN g.county_code = %(scope_county)s
            WHEN 'organisation' THEN g.owner = %(department)s OR g.kind = ANY (%(kinds)s)
                OR (g.source = 'video' AND g.scenario = ANY (%(scenarios)s))
            ELSE false
        END
), narrowed AS (
    SELECT * FROM seen
    WHERE (%(owner)s = '' OR owner = %(owner)s) AND (%(kind)s = '' OR kind = %(kind)s)
        AND (%(county)s = '' OR county_code = %(county)s)
        AND (%(words)s = '' OR id ILIKE %(pattern)s OR place ILIKE %(pattern)s OR unit ILIKE %(pattern)s)
)
""")
_PAGE = sql.SQL("""
SELECT source, id, kind, kind_label, place, county_code, owner, unit, scenario, read_at, condition, state,
    origin
FROM narrowed WHERE %(state)s = '' OR state = %(state)s
ORDER BY array_position(ARRAY['fault', 'silent', 'normal', 'out'], state), read_at NULLS FIRST, id
LIMIT %(most)s OFFSET %(skip)s
""")
_COUNTS = sql.SQL("SELECT state, count(*) FROM narrowed GROUP BY state")
_CHOICES = sql.SQL("SELECT DISTINCT owner, kind, kind_label FROM seen ORDER BY owner, kind")


@dataclass(frozen=True)
class Filters:
    """What the person narrowed the register to; empty for everything."""

    owner: str = ""
    kind: str = ""
    county: str = ""
    state: str = ""
    words: str = ""


@dataclass(frozen=True)
class Device:
    """One device. `read_at` is its last reading or usable still; `shared` are others that use it."""

    source: str
    id: str
    kind_label: str
    place: str
    county: str
    owner: str
    unit: str
    read_at: datetime | None
    state: State
    said: str
    shared: list[str]
    origin: str


def standing() -> bool:
    """Whether the warehouse has built what the register is made of."""
    return there_are(*MARTS)


def page_of(person: User, filters: Filters, most: int, skip: int = 0) -> list[Device]:
    """What sees nothing or says nothing stands first, the longest silence first."""
    words = _words(person, filters) | {"most": most, "skip": skip}
    return [_device(*row) for row in _asked(_PAGE, words)]


def counts_of(person: User, filters: Filters) -> dict[str, int]:
    """How many there are of each state, whatever state the person looks at."""
    found = {str(state): int(count) for state, count in _asked(_COUNTS, _words(person, filters))}
    return {state: found.get(state, 0) for state in STATES}


def choices_for(person: User) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Owners and kinds within the person's view, as codes with their names."""
    rows = list(_asked(_CHOICES, _words(person, Filters())))
    owners = dict.fromkeys(str(owner) for owner, _, _ in rows)
    kinds = {str(kind): str(label or kind) for _, kind, label in rows}
    return [(owner, _department(owner)) for owner in owners], sorted(kinds.items())


def _words(person: User, filters: Filters) -> dict[str, Any]:
    scope = person.row_scope
    department = person.organisation.code if person.organisation else ""
    kinds, scenarios = used_by(department)
    pattern = filters.words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {
        "well": list(WELL),
        "width": scope.width,
        "scope_county": scope.county_code,
        "department": department,
        "kinds": kinds,
        "scenarios": scenarios,
        "owner": filters.owner,
        "kind": filters.kind,
        "county": filters.county,
        "state": filters.state,
        "words": filters.words,
        "pattern": f"%{pattern}%",
    }


def _asked(question: sql.SQL, words: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    # The health of a device is seen with the device, whose scope the statement keeps itself.
    with as_system(), connection.cursor() as cursor:
        cursor.execute(_REGISTER + question, words)
        return list(cursor.fetchall())


def _device(
    source: str,
    device_id: str,
    kind: str,
    label: str | None,
    place: str | None,
    county_code: str,
    owner: str | None,
    unit: str,
    scenario: str,
    read_at: datetime | None,
    condition: str,
    state: State,
    origin: str,
) -> Device:
    users = users_of_scenarios().get(scenario, []) if source == "video" else users_of_kinds().get(kind, [])
    counties = {county.code: county.zh for county in load_areas().counties}
    return Device(
        source=source,
        id=device_id,
        kind_label=label or kind,
        place=place or "",
        county=counties.get(county_code, county_code),
        owner=_department(owner or ""),
        unit=unit,
        read_at=read_at,
        state=state,
        said=CONDITIONS.get(condition, condition) if state == "fault" else STATES[state],
        shared=[_department(one) for one in users if one != owner],
        origin=origin,
    )


def _department(code: str) -> str:
    known = load_departments().get(code)
    return known.zh if known else code
