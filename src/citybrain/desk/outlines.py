"""The counties' outlines for the maps of the desk, out of the warehouse; no tile of anybody else's."""

import json
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from citybrain.desk.answered import unchanged_or_json
from citybrain.desk.marts import there_are

_COUNTIES = """
SELECT area_code, name, geojson, centroid_longitude, centroid_latitude
FROM marts.dim_area WHERE area_level = 'county' AND geojson IS NOT NULL ORDER BY area_code
"""


@require_GET
def counties(request: HttpRequest) -> HttpResponse:
    """A GeoJSON collection in WGS84: for each county its outline and the middle that carries its name. Empty
    while the warehouse has none. For whoever has signed in: outlines are published.
    """
    features: list[dict[str, Any]] = []
    if there_are("dim_area"):
        with connection.cursor() as cursor:
            cursor.execute(_COUNTIES)
            for code, name, outline, lon, lat in cursor.fetchall():
                told = {"code": code, "name": name}
                middle = {"type": "Point", "coordinates": [lon, lat]}
                features.append({"type": "Feature", "properties": told, "geometry": json.loads(outline)})
                features.append({"type": "Feature", "properties": told, "geometry": middle})
    return unchanged_or_json(request, {"type": "FeatureCollection", "features": features})
