"""Boxes over a case's pictures: what the camera's signal is about, what the machine saw in an after-photo."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from desk_city import City, form_of, photo, sent_file
from psycopg.types.json import Jsonb

from citybrain.settings import DatabaseRole
from citybrain.warehouse.connection import connect

pytestmark = pytest.mark.integration
Client = Callable[[Any], Any]
RECT = re.compile(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"/>')
LABEL = re.compile(r'<text x="(\d+)" y="(\d+)" font-size="\d+" text-anchor="(\w+)">([^<]+)</text>')
# The kept picture is 640 by 480: the camera's own fills its upper 360 pixels, words stand below.
LOOKED = {"box": [0.25, 0.5, 0.5, 0.75], "frame": [640, 360]}


def seen_case(city: City, detail: Any) -> Any:
    return city.filed(evidence=Jsonb([city.kept_picture()]), score=0.87, detail=Jsonb(detail))


def test_the_thing_of_a_signal(desk_city: City, signed_in: Client) -> None:
    case, client = seen_case(desk_city, LOOKED), signed_in(desk_city.people["dispatcher"])
    for address in (f"/cases/{case.number}/", f"/phone/{case.number}/"):
        page = client.get(address).content.decode()
        assert RECT.findall(page) == [("160", "180", "160", "90")], address
        assert LABEL.findall(page) == [("160", "175", "start", "小型汽车 0.87")]
        assert 'viewBox="0 0 640 480"' in page and "机器识别：小型汽车 0.87" in page
        box, link = page.index('class="boxes"'), page.index('<svg class="seen"')
        assert box < link, "a style hides what follows the checkbox: no script is needed"


@pytest.mark.parametrize(
    "detail",
    [
        {"box": [0.25, 0.5, 0.5, 0.75]},  # of before the camera's size was told: nobody knows where it lies
        {"box": ["<script>", 0, 0, 0], "frame": [640, 360]},
        {"box": [0, 0, 1, 1], "frame": [0, 0]},
    ],
    ids=["no frame", "words", "no size"],
)
def test_what_cannot_be_placed_is_not_drawn(detail: Any, desk_city: City, signed_in: Client) -> None:
    case = seen_case(desk_city, detail)
    answer = signed_in(desk_city.people["dispatcher"]).get(f"/cases/{case.number}/")
    page = answer.content.decode()
    assert answer.status_code == 200 and "<svg" not in page and 'class="boxes"' not in page


def test_a_box_stays_in_its_picture(desk_city: City, signed_in: Client) -> None:
    case = seen_case(desk_city, {"box": [0.9, -1, 7, 0.02], "frame": [640, 480]})
    page = signed_in(desk_city.people["dispatcher"]).get(f"/cases/{case.number}/").content.decode()
    assert RECT.findall(page) == [("576", "0", "64", "10")]
    assert LABEL.findall(page)[0][:3] == ("640", "20", "end")


def test_what_the_machine_saw_in_an_after_photo(desk_city: City, signed_in: Client) -> None:
    from citybrain.events.verdicts import follow_verdicts

    case = desk_city.dispatched()
    guard = signed_in(desk_city.people["property_company"])
    for action in ("accept", "start", "handle"):
        page = guard.get(f"/phone/{case.number}/").content.decode()
        words = form_of(page, f"form-{action}")
        sent = {**words, "photo": sent_file(photo((800, 600)))} if action == "handle" else words
        assert guard.post(f"/phone/{case.number}/do/{action}/", sent).status_code == 302
    found = [{"class": "lorry", "box": [0.1, 0.5, 0.4, 0.9], "score": 0.914}]
    with connect(desk_city.settings, DatabaseRole.WATCHER, autocommit=True) as watcher:
        judged = watcher.execute(
            "UPDATE vision.recheck SET state = 'done', verdict = 'occupied', done_at = now(), detail = %s"
            " WHERE key LIKE %s",
            (Jsonb({"model": "yard", "boxes": found}), f"{case.number}:%"),
        )
        assert judged.rowcount == 1
    follow_verdicts()
    page = signed_in(desk_city.people["dispatcher"]).get(f"/cases/{case.number}/").content.decode()
    after = page[page.index('id="after"') : page.index('class="columns"')]
    assert RECT.findall(after) == [("80", "300", "240", "240")]
    assert LABEL.findall(after)[0][3] == "货车 0.91"
