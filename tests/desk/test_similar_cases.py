"""Cases of the same place and near by, on the case page: the nearest, few, within the reader's view."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from desk_city import OTHER_VILLAGE, City

pytestmark = pytest.mark.integration
Client = Callable[[Any], Any]


def similar(client: Any, case: Any) -> list[tuple[str, str]]:
    page = client.get(f"/cases/{case.number}/").content.decode()
    return re.findall(r'<dt>([^<]+)</dt><dd data-similar="([^"]+)"', page)


def test_the_same_place_first_then_the_nearest(desk_city: City, signed_in: Client) -> None:
    place = f"S{uuid.uuid4().hex[:8]}"
    lon, lat = 116.211111, 33.511111  # where no other test has a case
    case = desk_city.dispatched(place_id=place, lon=lon, lat=lat)
    over = desk_city.filed(place_id=place, lon=lon, lat=lat)
    desk_city.step(over, "void", "dispatcher", reason="误报")
    far = desk_city.filed(lon=lon, lat=lat + 0.02)
    farther, nearer = (desk_city.filed(lon=lon, lat=lat + away) for away in (0.004, 0.001))
    others = desk_city.dispatched(desk_city.other_company, OTHER_VILLAGE, lon=lon + 0.0005, lat=lat)
    ended = desk_city.filed(lon=lon, lat=lat + 0.0002)
    desk_city.step(ended, "void", "dispatcher", reason="误报")

    told = similar(signed_in(desk_city.people["dispatcher"]), case)
    assert [number for _, number in told] == [one.number for one in (over, others, nearer, farther)]
    assert told[0][0] == "同一地点" and told[1][0] == "约 46 米外" and told[2][0] == "约 111 米外"
    assert far.number not in dict(told).values() and ended.number not in dict(told).values()
    assert similar(signed_in(desk_city.people["property_company"]), case) == [], "none of theirs"
    county = [number for _, number in similar(signed_in(desk_city.people["county_admin"]), case)]
    assert others.number not in county and nearer.number in county
