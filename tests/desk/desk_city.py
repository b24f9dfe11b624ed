"""The people, organisations and cases of the desk's tests. Django is imported once it is loaded."""

import io
import itertools
import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from PIL import Image
from psycopg.types.json import Jsonb

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.desk.accounts.roles import load_roles
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

VILLAGE, OTHER_VILLAGE = "341602001001", "341621001001"
Person = Any
_numbers = itertools.count(1)


def photo(size: tuple[int, int] = (640, 480), form: str = "JPEG") -> bytes:
    """A picture that no other picture of a test is."""
    content = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(content, form)
    return content.getvalue()


def sent_file(content: bytes, name: str = "photo.jpg") -> Any:
    """A file as a form sends it through the test client."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, content, "image/jpeg")


@dataclass
class City:
    """`people` by role; `company` handles in the first county, `other_company` in the second one."""

    settings: Settings
    company: Any
    other_company: Any
    community: Any
    people: dict[str, Person] = field(default_factory=dict)

    def person(self, role: str, organisation: Any, password: bool = False) -> Person:
        """One more person of a role. With `password` they can sign in: it is the secret desk_<username>."""
        from django.contrib.auth.models import Group

        from citybrain.desk.accounts.models import User

        username = f"desk_trial_{next(_numbers)}"
        user = User(username=username, display_name=f"{load_roles()[role].zh}甲", organisation=organisation)
        user.is_staff = load_roles()[role].staff
        if password:
            user.set_password(self.settings.secret(f"desk_{username}"))
        user.save()
        user.groups.set(Group.objects.filter(name=role))
        return user

    def signal(self, camera: str, area_code: str = VILLAGE, **changes: Any) -> None:
        """What a vision worker writes when it sees a car in a fire lane."""
        row = {
            "key": uuid.uuid4().hex,
            "scenario": "fire_lane_occupancy",
            "class_code": "car",
            "kind": "detected",
            "source_kind": "video",
            "source_id": camera,
            "zone": "lane",
            "place_id": f"C{camera}",
            "place_name": "合欢苑",
            "area_code": area_code,
            "observed_at": datetime.now(SHANGHAI) - timedelta(seconds=1),
            "evidence": Jsonb([]),
            "origin": "synthetic",
            **changes,
        }
        columns, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
        with connect(self.settings, DatabaseRole.WATCHER, autocommit=True) as watcher:
            watcher.execute(f"INSERT INTO ops.signal ({columns}) VALUES ({places})".encode(), row)

    def filed(self, area_code: str = VILLAGE, camera: str = "", **changes: Any) -> Any:
        """A camera's case that waits for a dispatcher: no register says who handles its place."""
        from citybrain.events.intake import take_in
        from citybrain.events.models import Case
        from citybrain.events.scope import as_system

        camera = camera or f"D{uuid.uuid4().hex[:10]}"
        self.signal(camera, area_code, **changes)
        take_in()
        with as_system():
            return Case.objects.get(source_id=camera)

    def dispatched(self, company: Any = None, area_code: str = VILLAGE, **changes: Any) -> Any:
        """A case that the company is to accept, with a picture of before."""
        case = self.filed(area_code, evidence=Jsonb([self.kept_picture()]), **changes)
        return self.step(case, "dispatch", "dispatcher", organisation=company or self.company)

    def step(self, case: Any, action: str, role: str, **words: Any) -> Any:
        """A step taken without a page."""
        from citybrain.events.acting import apply
        from citybrain.events.scope import as_system

        person = self.people[role]
        with as_system(person.pk):
            return apply(case, action, person, **words)

    def kept_picture(self) -> dict[str, Any]:
        """A picture in the lake, as a signal names it."""
        from citybrain.events.photos import judge, keep

        judged = judge(io.BytesIO(photo()))
        bucket, key = keep(judged)
        return {
            "bucket": bucket,
            "key": key,
            "sha256": judged.sha256,
            "kind": "before",
            "width": judged.width,
            "height": judged.height,
        }

    def now(self, case: Any) -> Any:
        """The case as it stands, seen by nobody's view."""
        from citybrain.events.models import Case
        from citybrain.events.scope import as_system

        with as_system():
            return Case.objects.select_related("handler").get(pk=case.pk)

    def pictures(self, case: Any) -> list[Any]:
        from citybrain.events.models import Evidence
        from citybrain.events.scope import as_system

        with as_system():
            return list(Evidence.objects.filter(case_id=case.pk))

    def steps(self, case: Any) -> list[str]:
        from citybrain.events.models import Transition
        from citybrain.events.scope import as_system

        with as_system():
            return list(Transition.objects.filter(case_id=case.pk).values_list("action", flat=True))


def open_city(desk: Settings) -> City:
    """Roles and departments as they are synced, organisations and people of the tests' own."""
    from citybrain.desk.accounts.models import Organisation
    from citybrain.desk.accounts.sync import sync

    sync(desk)
    kinds = Organisation.Kind

    def organisation(code: str, kind: Any, name: str, area: str) -> Organisation:
        made, _ = Organisation.objects.get_or_create(
            code=code, defaults={"kind": kind, "name": name, "county_code": area[:6], "area_code": area}
        )
        return made

    city = City(
        settings=desk,
        company=organisation("DESK-PM-1", kinds.COMPANY, "安居物业(示范)", VILLAGE),
        other_company=organisation("DESK-PM-2", kinds.COMPANY, "和顺物业(示范)", OTHER_VILLAGE),
        community=organisation("DESK-COMMUNITY-1", kinds.COMMUNITY, "花戏楼社区", VILLAGE),
    )
    county = organisation("DESK-COUNTY-1", kinds.COUNTY, "谯城区", VILLAGE)
    homes = {
        "property_company": city.company,
        "grid_worker": city.community,
        "county_admin": county,
        "department_handler": Organisation.objects.get(code="fire_rescue"),
    }
    office = Organisation.objects.get(code="data_resources")
    for role in load_roles():
        city.people[role] = city.person(role, homes.get(role, office))
    return city


def listed(page: str, element: str = "tr") -> list[str]:
    """The numbers of the cases that a page lists, in its order."""
    return re.findall(rf'<{element} data-case="([^"]+)"', page)


def form_of(page: str, form_id: str) -> dict[str, str]:
    """The address and the hidden fields of a form on a page, as a browser would send them back."""
    from citybrain.simulate.people import Page

    parsed = Page()
    parsed.feed(page)
    return parsed.forms[form_id]
