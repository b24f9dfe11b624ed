"""The demo city's people over HTTP: what waits is done, nothing else is touched, twice does nothing more."""

import io
import json
from collections import Counter
from typing import Any

import pytest
from desk_city import OTHER_VILLAGE, City
from PIL import Image
from typer.testing import CliRunner

from citybrain.cli import app
from citybrain.desk.accounts.demo import load_demo_accounts
from citybrain.simulate import SimulationError
from citybrain.simulate.compounds import COMPANIES, load_compounds
from citybrain.simulate.people import photo_seed, work_once

pytestmark = pytest.mark.integration


def yard(camera_id: str, seed: int) -> bytes:
    """A picture of its own for each camera and seed."""
    content = io.BytesIO()
    colour = (seed % 256, seed // 256 % 256, sum(camera_id.encode()) % 256)
    Image.new("RGB", (640, 480), colour).save(content, "JPEG")
    return content.getvalue()


def after(city: City, case: Any) -> list[str]:
    return [one.sha256 for one in city.pictures(case) if one.kind == "after"]


def test_a_guard_does_what_waits_and_no_more(desk_city: City, server: str) -> None:
    from citybrain.desk.accounts.models import Organisation

    company = Organisation.objects.create(code="DESK-PM-3", kind="company", name="邻里物业(示范)")
    guard = desk_city.person("property_company", company, password=True)
    mine = [desk_city.dispatched(company) for _ in range(2)]
    theirs = desk_city.dispatched(desk_city.other_company, OTHER_VILLAGE)

    done = work_once(desk_city.settings, yard, guard.username)
    assert done == Counter(accept=2, start=2, handle=2)
    for case in mine:
        assert desk_city.now(case).state == "checking" and len(after(desk_city, case)) == 1
    assert desk_city.now(theirs).version == theirs.version
    assert work_once(desk_city.settings, yard, guard.username) == Counter()

    for rounds in (2, 3):  # sent back twice: each time another photo
        desk_city.step(desk_city.now(mine[0]), "reject", "dispatcher", reason="车没有走")
        assert work_once(desk_city.settings, yard, guard.username) == Counter(start=1, handle=1)
        assert len(set(after(desk_city, mine[0]))) == rounds


def test_a_guard_begins_where_somebody_stopped(desk_city: City, server: str) -> None:
    from citybrain.desk.accounts.models import Organisation

    company = Organisation.objects.create(code="DESK-PM-4", kind="company", name="众家物业(示范)")
    guard = desk_city.person("property_company", company, password=True)
    case = desk_city.dispatched(company)
    desk_city.people["another_guard"] = desk_city.person("property_company", company)
    desk_city.step(case, "accept", "another_guard")
    refused = work_once(desk_city.settings, lambda _camera, _seed: b"no picture", guard.username)
    assert refused == Counter(start=1, refused=1) and desk_city.now(case).state == "handling"
    assert work_once(desk_city.settings, yard, guard.username) == Counter(handle=1)


def test_who_has_no_account_is_not_let_in(desk_city: City, server: str) -> None:
    with pytest.raises(SimulationError, match="does not let desk_nobody in"):
        work_once(desk_city.settings, yard, "desk_nobody")
    closed = desk_city.settings.model_copy(update={"desk_url": "http://127.0.0.1:9"})
    with pytest.raises(SimulationError, match=r"127\.0\.0\.1:9"):
        work_once(closed, yard, "desk_nobody")


@pytest.mark.slow
def test_the_command_lets_every_company_act(desk_city: City, server: str) -> None:
    """With the demo city's own accounts, cameras and pictures of empty yards."""
    from citybrain.desk.accounts.models import Organisation
    from citybrain.desk.accounts.sync import sync

    codes = ["001-DESK", *(f"PM{number:02}" for number in range(2, len(COMPANIES) + 1))]
    for code in codes:  # `property` is of the first company by code
        Organisation.objects.get_or_create(code=code, defaults={"kind": "company", "name": f"{code}物业"})
    sync(desk_city.settings)
    companies = Organisation.objects.filter(code__in=codes)
    cameras = [one.camera_id for one in load_compounds() if one.connected]
    cases = [
        desk_city.dispatched(company, camera=camera)
        for company, camera in zip(companies, cameras, strict=False)
    ]
    result = CliRunner().invoke(app, ["simulate", "people", "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    done = json.loads(result.stdout)
    assert done == {"accept": len(cases), "start": len(cases), "handle": len(cases), "failed_accounts": 0}
    assert {desk_city.now(case).state for case in cases} == {"checking"}
    assert all(len(after(desk_city, case)) == 1 for case in cases)


def test_each_round_has_a_photo_of_its_own() -> None:
    seeds = {photo_seed(number, reworks) for number in ("BZ-1", "BZ-2") for reworks in range(50)}
    assert len(seeds) == 100


def test_every_company_of_the_demo_city_has_an_account() -> None:
    accounts = [one.organisation for one in load_demo_accounts() if "property_company" in one.roles]
    needed = {compound.company for compound in load_compounds()}
    assert needed == set(range(len(COMPANIES)))
    assert accounts == ["company:first", *(f"PM{number + 1:02}" for number in range(1, len(COMPANIES)))]
