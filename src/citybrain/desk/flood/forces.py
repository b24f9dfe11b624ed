"""Teams and pumps of the register, and which of them stand nearest to a place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

from django.db import connection

from citybrain.desk.marts import there_are
from citybrain.events.resources import Kind, Resource, Sent

PUMP = "排水泵"  # the item of the stores that drains a street
EARTH_KM = 6371.0088
_FORCES = """
SELECT resource_code, resource_kind, resource_name, what, unit, quantity, is_on_call, lon, lat
FROM marts.dim_emergency_resource
WHERE (resource_kind = 'team' OR what = %(pump)s) AND lon IS NOT NULL AND lat IS NOT NULL
    AND (%(county)s = '' OR county_code = %(county)s)
ORDER BY resource_code
"""


@dataclass(frozen=True)
class Force:
    """A team, or the pumps of one store, where it stands (degrees in WGS84)."""

    resource: Resource
    what: str
    on_call: bool
    lon: float
    lat: float


@dataclass(frozen=True)
class Near:
    """A force, how far it is as the crow flies, and how many of it are not sent anywhere."""

    force: Force
    km: float
    left: int


def forces(county_code: str = "") -> list[Force]:
    """Every team and every store's pumps, of the city or of one county; none before the warehouse knows."""
    if not there_are("dim_emergency_resource"):
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FORCES, {"pump": PUMP, "county": county_code})
        return [
            Force(
                Resource(_kind(kind), code, name, unit, int(quantity)), what, on_call, float(lon), float(lat)
            )
            for code, kind, name, what, unit, quantity, on_call, lon, lat in cursor.fetchall()
        ]


def _kind(kind: str) -> Kind:
    return "team" if kind == "team" else "stock"


def sent_by_code(sent: Iterable[Sent]) -> dict[str, int]:
    """How many of each are at a case that is not over."""
    gone: dict[str, int] = {}
    for one in sent:
        gone[one.code] = gone.get(one.code, 0) + one.count
    return gone


def nearest(
    lon: float, lat: float, known: Iterable[Force], gone: Mapping[str, int], teams: int = 3, stores: int = 2
) -> list[Near]:
    """So many teams and stores with pumps that have something left, the nearest first of each."""
    free = [
        Near(
            force,
            distance_km(lon, lat, force.lon, force.lat),
            force.resource.available - gone.get(force.resource.code, 0),
        )
        for force in known
    ]
    by_distance = sorted((one for one in free if one.left > 0), key=lambda one: one.km)
    of_teams = [one for one in by_distance if one.force.resource.kind == "team"][:teams]
    return [*of_teams, *[one for one in by_distance if one.force.resource.kind == "stock"][:stores]]


def distance_km(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Along the great circle between two places in degrees."""
    height = sin(radians(other_lat - lat) / 2) ** 2
    width = sin(radians(other_lon - lon) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(height + cos(radians(lat)) * cos(radians(other_lat)) * width))
