"""The register of the river gauges: where they stand, from which stage on a river is watched and feared."""

from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Row
from citybrain.simulate.water import GAUGES

HEADERS = {
    "gauge_code": "测站编码",
    "gauge_name": "测站名称",
    "river": "河流",
    "warning_stage_m": "警戒水位",
    "guaranteed_stage_m": "保证水位",
    "lon": "经度",
    "lat": "纬度",
}
POSITIONS = (
    (115.79, 33.89),
    (115.86, 33.73),
    (116.22, 33.50),
    (116.57, 33.28),
    (116.68, 33.42),
    (116.15, 33.12),
)
WARNING, GUARANTEED = 0.72, 1.15  # shares of the storm's rise


def gauge_delivery() -> Content:
    """Six gauges, no planted defect. A river is watched from a stage on that the storm reaches."""
    rows: list[Row] = [
        {
            "gauge_code": gauge.code,
            "gauge_name": f"{gauge.river}{number:02}站(示范)",
            "river": gauge.river,
            "warning_stage_m": round(gauge.base + WARNING * gauge.storm_rise, 2),
            "guaranteed_stage_m": round(gauge.base + GUARANTEED * gauge.storm_rise, 2),
            "lon": lon,
            "lat": lat,
        }
        for number, (gauge, (lon, lat)) in enumerate(zip(GAUGES, POSITIONS, strict=True), 1)
    ]
    return csv_bytes(HEADERS, rows), len(rows), []
