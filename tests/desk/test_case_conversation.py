"""What people write to each other on a case: who reads it, who is told, what nobody changes."""

import io
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from desk_city import City, form_of, photo, sent_file
from django.utils.html import escape
from PIL import ExifTags, Image
from test_api_hostile import SCRIPTS, png_bomb

from citybrain.settings import DatabaseRole
from citybrain.warehouse.connection import connect
from citybrain.warehouse.row_scope import RowScope, enter

pytestmark = pytest.mark.integration
Client = Callable[[Any], Any]


def say(client: Any, address: str, text: str) -> Any:
    form = form_of(client.get(address).content.decode(), "form-say")
    return client.post(form.pop("action"), {**form, "text": text})


def told(case: Any) -> set[str]:
    """The organisations in the outbox of the case's messages."""
    from citybrain.events.models import Notification
    from citybrain.events.scope import as_system

    with as_system():
        rows = Notification.objects.filter(case=case, reason__startswith="message:")
        return {one.organisation.code for one in rows.select_related("organisation")}


def test_the_people_of_a_case_write_to_each_other(desk_city: City, signed_in: Client) -> None:
    case = desk_city.dispatched()
    desk, task = f"/cases/{case.number}/", f"/phone/{case.number}/"
    company, fire, dispatcher = (
        signed_in(desk_city.person(role, organisation))
        for role, organisation in (
            ("property_company", desk_city.company),
            ("department_handler", desk_city.people["department_handler"].organisation),
            ("dispatcher", desk_city.people["dispatcher"].organisation),
        )
    )
    text = f"车主电话打不通，\n请交警协助 {uuid.uuid4().hex[:8]}"
    answer = say(company, task, text)
    assert answer.status_code == 302 and answer.url == f"{task}#conversation"
    assert told(case) == {"fire_rescue", "data_resources"}, (
        "the lead and the dispatcher, not the writer's own"
    )
    assert desk_city.now(case).version == case.version, "nobody's page is stale by it"

    queue = f"/cases/?show=all&q={case.number}"
    assert 'data-unread="1"' in dispatcher.get(queue).content.decode()
    page = dispatcher.get(desk).content.decode()
    assert text in page and "物业公司" in page and "账本无记录" not in page and "与账本不符" not in page
    assert "data-unread" not in dispatcher.get(queue).content.decode()
    assert 'data-unread="1"' in fire.get(queue).content.decode(), "each reads for themselves"
    say(dispatcher, desk, "已联系交警")
    assert told(case) == {"fire_rescue", "data_resources", "DESK-PM-1"}
    assert "已联系交警" in company.get(task).content.decode()
    page = fire.get(desk).content.decode()
    assert page.index(text) < page.index("已联系交警") and page.count("内容见对话") == 2


def test_a_form_sent_twice_counts_once_and_a_case_that_is_over_takes_none(
    desk_city: City, signed_in: Client
) -> None:
    case = desk_city.dispatched()
    client = signed_in(desk_city.people["dispatcher"])
    form = form_of(client.get(f"/cases/{case.number}/").content.decode(), "form-say")
    address = form.pop("action")
    for _ in range(2):
        assert client.post(address, {**form, "text": "请尽快到场"}).status_code == 302
    assert client.get(f"/cases/{case.number}/").content.decode().count('class="words"') == 1
    desk_city.step(case, "void", "dispatcher", reason="误报")
    late = client.post(address, {**form, "key": str(uuid.uuid4()), "text": "还有一句"})
    assert (
        late.status_code == 422
        and "不能再留言" in late.content.decode()
        and "还有一句" in late.content.decode()
    )


@pytest.mark.parametrize(
    ("text", "says"), [(" \u202e\x00\n", "请写明内容"), ("长" * 1001, "不能超过 1000 字")]
)
def test_what_is_no_message_is_refused(desk_city: City, signed_in: Client, text: str, says: str) -> None:
    case = desk_city.dispatched()
    answer = say(signed_in(desk_city.people["property_company"]), f"/phone/{case.number}/", text)
    assert answer.status_code == 422 and says in answer.content.decode()


def test_hostile_texts_stay_texts(desk_city: City, signed_in: Client) -> None:
    """Each payload is kept as the plain text that it is, on the desk, on the phone and in a refused form."""
    from citybrain.events.writing import legible

    case = desk_city.dispatched()
    company = signed_in(desk_city.people["property_company"])
    desk, task = f"/cases/{case.number}/", f"/phone/{case.number}/"
    form = form_of(company.get(task).content.decode(), "form-say")
    for payload in SCRIPTS:
        sent = {"key": str(uuid.uuid4()), "text": payload}
        assert company.post(form["action"], sent).status_code == 302, payload
    refused = company.post(form["action"], {"key": "x", "text": "".join(SCRIPTS)}).content.decode()
    for page in (*(company.get(address).content.decode() for address in (desk, task)), refused):
        for payload in SCRIPTS:
            if "<" in payload:
                assert payload not in page, payload
        if page is not refused:
            assert all(escape(legible(payload)) in page for payload in SCRIPTS)
    assert "\u202e" not in company.get(desk).content.decode()


def test_nobody_changes_a_message_or_writes_in_anothers_name(desk_city: City, signed_in: Client) -> None:
    from citybrain.desk.cases.proof import message_proofs
    from citybrain.events.models import CaseMessage
    from citybrain.events.scope import as_system

    case, guard = desk_city.dispatched(), desk_city.people["property_company"]
    say(signed_in(guard), f"/phone/{case.number}/", "现场有两辆车")
    with as_system():
        (message,) = CaseMessage.objects.filter(case=case).select_related("author")
        assert message_proofs(case, [message]) == {message.pk: "proved"}
        message.text = "现场没有车"
        assert message_proofs(case, [message]) == {message.pk: "altered"}
    insert = (
        "INSERT INTO ops.case_message (case_id, author_id, role, text, key, at)"
        " VALUES (%s, %s, '', 'x', %s, now())"
    )
    own = RowScope("organisation", guard.pk, desk_city.company.pk)
    other = RowScope("organisation", guard.pk, desk_city.other_company.pk)
    for scope, statement, words, error in (
        (own, insert, (case.pk, desk_city.people["auditor"].pk, "a"), psycopg.errors.CheckViolation),
        (other, insert, (case.pk, guard.pk, "b"), psycopg.errors.InsufficientPrivilege),
        (
            own,
            "UPDATE ops.case_message SET text = '' WHERE case_id = %s",
            (case.pk,),
            psycopg.errors.InsufficientPrivilege,
        ),
        (
            own,
            "DELETE FROM ops.case_message WHERE case_id = %s",
            (case.pk,),
            psycopg.errors.InsufficientPrivilege,
        ),
    ):
        with connect(desk_city.settings, DatabaseRole.DESK) as desk:
            enter(desk, scope)
            with pytest.raises(error):
                desk.execute(statement, words)
    with connect(desk_city.settings, DatabaseRole.DESK) as desk:
        enter(desk, other)
        assert desk.execute(
            "SELECT count(*) FROM ops.case_message WHERE case_id = %s", (case.pk,)
        ).fetchone() == (0,)


def with_exif(taken: str = "2026:11:20 08:00:00") -> bytes:
    """A photo whose camera wrote into it when and where it was."""
    exif = Image.Exif()
    exif[ExifTags.Base.DateTime] = taken
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (33.0, 51.0, 0.0)
    content = io.BytesIO()
    Image.effect_noise((640, 480), 60).convert("RGB").save(content, "JPEG", exif=exif)
    return content.getvalue()


def test_a_picture_in_a_message(desk_city: City, signed_in: Client) -> None:
    case = desk_city.dispatched()
    for action in ("accept", "start"):
        case = desk_city.step(case, action, "property_company")
    desk, task = f"/cases/{case.number}/", f"/phone/{case.number}/"
    company, dispatcher = (signed_in(desk_city.people[role]) for role in ("property_company", "dispatcher"))
    form = form_of(company.get(task).content.decode(), "form-say")
    address = form.pop("action")
    for _ in range(2):
        sent = company.post(address, {**form, "text": "", "photo": sent_file(with_exif())})
        assert sent.status_code == 302, sent.content.decode()
    (kept,) = [one for one in desk_city.pictures(case) if one.kind == "message"]
    assert kept.taken_at is not None and kept.uploaded_by_id == desk_city.people["property_company"].pk

    page = dispatcher.get(desk).content.decode()
    shown = f"{desk}picture/{kept.pk}/"
    talk = page[page.index('id="conversation"') :]
    assert talk.count(f'src="{shown}"') == 1 and page.count(f'src="{shown}"') == 1
    assert "账本无记录" not in talk and "与账本不符" not in talk
    seen = dispatcher.get(shown)
    with Image.open(io.BytesIO(seen.content)) as picture:
        assert not dict(picture.getexif()) and picture.size == (640, 480)
    other = signed_in(desk_city.person("property_company", desk_city.other_company))
    assert other.get(shown).status_code == 404
    assert "（已上传，可不再传）" not in company.get(task).content.decode(), "it proves no handling"


@pytest.mark.parametrize("name", ["a bomb", "svg", "too many"])
def test_what_is_no_picture_of_a_message(desk_city: City, signed_in: Client, name: str) -> None:
    case = desk_city.dispatched()
    client = signed_in(desk_city.people["dispatcher"])
    form = form_of(client.get(f"/cases/{case.number}/").content.decode(), "form-say")
    contents = {"a bomb": [png_bomb(60_000)], "svg": [b"<svg/>" * 100], "too many": [photo()] * 5}[name]
    files = [sent_file(content, "../../<b>.jpg") for content in contents]
    answer = client.post(form.pop("action"), {**form, "text": "看照片", "photo": files})
    page = answer.content.decode()
    assert answer.status_code == 422 and "看照片" in page and 'role="alert"' in page
    assert 'class="words"' not in page and not [
        one for one in desk_city.pictures(case) if one.kind == "message"
    ]


def test_a_message_shows_pictures_of_its_own_case_only(desk_city: City, signed_in: Client) -> None:
    from citybrain.events.models import CaseMessage, Evidence
    from citybrain.events.scope import as_system

    first, second = desk_city.dispatched(), desk_city.dispatched()
    client = signed_in(desk_city.people["dispatcher"])
    for case, text in ((first, "第一件"), (second, "第二件")):
        form = form_of(client.get(f"/cases/{case.number}/").content.decode(), "form-say")
        client.post(form.pop("action"), {**form, "text": text, "photo": sent_file(photo())})
    with as_system():
        message = CaseMessage.objects.get(case=first, text="第一件")
        alien = Evidence.objects.get(case=second, kind="message")
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        connect(desk_city.settings, DatabaseRole.DESK) as desk,
    ):
        enter(desk, RowScope("city", user_id=desk_city.people["dispatcher"].pk))
        desk.execute(
            "INSERT INTO ops.case_message_picture (casemessage_id, evidence_id) VALUES (%s, %s)",
            (message.pk, alien.pk),
        )
