"""Every role, every address that shows or moves a case, and a case of one's own, of another department and of
another county. The addresses come from the resolver: one that nobody has put into the matrix fails.
"""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from desk_city import OTHER_VILLAGE, City
from test_routes import TABLE, patterns

from citybrain.desk.accounts.roles import load_roles

pytestmark = pytest.mark.integration
Cell = Literal["own", "other department", "other county"]
CELLS: tuple[Cell, ...] = ("own", "other department", "other county")
# Rooms whose addresses are about cases.
ROOMS = ("cases:", "phone:", "command:")
# Addresses that show several cases: the query under which all of the person's are shown.
LISTS = {
    "cases:queue": "?show=all&q={number}",
    "cases:map-points": "?show=all&q={number}",
    "cases:export": "?show=all&q={number}",
    "cases:map": "?show=all&q=none",  # the frame of the map: its points come by `map-points`
    "command:state": "",
    "phone:tasks": "",
    "phone:find": "?q={number}",
    "phone:lanes": "",
}
# Addresses that show no case, or only one's own things: what they show is held by tests of their own.
WITHOUT_A_CASE = {
    *("cases:counts", "cases:keep-view", "cases:forget-view", "cases:devices", "cases:bulk"),
    *("command:page", "command:send", "phone:me", "phone:report", "phone:reported", "phone:flood"),
    *("phone:flood-answer", "phone:flood-ask", "phone:manifest", "phone:worker", "phone:without-network"),
}


@dataclass(frozen=True)
class Shown:
    """A case of the matrix with a picture of it."""

    case: Any
    picture: int


@pytest.fixture(scope="module")
def cases(desk_city: City) -> dict[Cell, Shown]:
    """Led by the fire department and handled by `company`; others' in the same county; others' elsewhere."""
    from psycopg.types.json import Jsonb

    from citybrain.events.intake import take_in
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    def of_others(area: str) -> Any:
        camera = f"MATRIX{area[:6]}{desk_city.kept_picture()['sha256'][:8]}"
        desk_city.signal(
            camera,
            area,
            scenario="street_order",
            class_code="exposed_rubbish",
            zone="",
            lon=115.8,
            lat=33.8,
            evidence=Jsonb([desk_city.kept_picture()]),
        )
        take_in()
        with as_system():
            return Case.objects.get(source_id=camera)

    made: dict[Cell, Any] = {
        "own": desk_city.dispatched(lon=115.8, lat=33.8),
        "other department": of_others(desk_city.company.area_code),
        "other county": of_others(OTHER_VILLAGE),
    }
    return {cell: Shown(case, desk_city.pictures(case)[0].pk) for cell, case in made.items()}


def sees(role: str, cell: Cell) -> bool:
    """What the width of the role's view says; the community of `grid_worker` has no part in any of the cases,
    nor has the office of the others.
    """
    width = load_roles()[role].sees
    if width == "organisation":
        return cell == "own" and role in ("property_company", "department_handler")
    return width == "city" or (width == "county" and cell != "other county")


def case_routes() -> dict[str, str]:
    from django.urls import get_resolver

    found = dict(patterns(get_resolver()))
    return {name: pattern for name, pattern in found.items() if name.startswith(ROOMS)}


def one_case_routes() -> dict[str, str]:
    return {
        name: pattern
        for name, pattern in case_routes().items()
        if "<slug:number>" in pattern and name not in WITHOUT_A_CASE
    }


def test_every_address_of_cases_is_in_the_matrix() -> None:
    assert set(case_routes()) == set(one_case_routes()) | set(LISTS) | WITHOUT_A_CASE


@pytest.mark.parametrize("role", load_roles())
def test_one_case(
    role: str, cases: dict[Cell, Shown], desk_city: City, signed_in: Callable[[Any], Any]
) -> None:
    client = signed_in(desk_city.people[role])
    wrong = {}
    for name, pattern in one_case_routes().items():
        row = TABLE[name]
        opens = row.answers.get(role, row.otherwise)
        for cell in CELLS:
            shown = cases[cell]
            address = "/" + pattern.replace("<slug:number>", shown.case.number)
            address = address.replace("<int:evidence_id>", str(shown.picture))
            address = address.replace("<slug:action>", "accept")
            answer = client.generic(row.method, address)
            expected = opens if opens == 403 or sees(role, cell) else 404
            if answer.status_code != expected:
                wrong[f"{row.method} {name} {cell}"] = f"{answer.status_code}, not {expected}"
            if not sees(role, cell) and shown.case.title in answer.content.decode(errors="ignore"):
                wrong[f"{name} {cell}"] = "tells of it"
        versions = [desk_city.now(shown.case).version for shown in cases.values()]
        assert versions == [shown.case.version for shown in cases.values()], name
    assert wrong == {}


@pytest.mark.parametrize("role", load_roles())
def test_lists(role: str, cases: dict[Cell, Shown], desk_city: City, signed_in: Callable[[Any], Any]) -> None:
    client = signed_in(desk_city.people[role])
    wrong = {}
    for name, query in LISTS.items():
        for cell in CELLS:
            number = cases[cell].case.number
            answer = client.get(f"/{case_routes()[name]}{query.format(number=number)}")
            if answer.status_code == 403:
                continue
            listed = number in _text(answer).replace(f"q={number}", "").replace(f'value="{number}"', "")
            may = sees(role, cell)
            if listed and not may:
                wrong[f"{name} {cell}"] = "listed"
            if may and not listed and "{number}" in query:
                wrong[f"{name} {cell}"] = "not listed"
    assert wrong == {}


def _text(answer: Any) -> str:
    """What an answer says; a workbook's sheet, unpacked."""
    if answer["Content-Type"].startswith("application/vnd"):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
            return "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    return str(answer.content.decode())
