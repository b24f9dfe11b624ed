"""The real divisions and outlines, sent once as the departments that keep them would."""

from citybrain.simulate.dirt import Planted
from citybrain.simulate.places import DATA


def shipped_delivery(file: str) -> tuple[bytes, int, list[Planted]]:
    """A shipped file as it is, its rows, and no planted defect: real data is not spoilt."""
    content = (DATA / file).read_bytes()
    record, headers = (b'"type":"Feature",', 0) if file.endswith(".geojson") else (b"\n", 1)
    return content, content.count(record) - headers, []
