"""Nobody gets in unasked; roles decide what opens; five wrong passwords lock the door."""

from collections.abc import Iterator

import pytest

from citybrain.bi.semantics import Tokens
from citybrain.catalogue.content_file import load_content
from citybrain.desk.look import css_variables
from citybrain.settings import SOURCE_TREE, Settings


@pytest.fixture
def client(desk: Settings) -> Iterator[object]:
    from django.test import Client

    from citybrain.desk.accounts.sync import sync

    sync(desk)
    yield Client(headers={"host": "127.0.0.1"})


def test_every_page_asks_for_a_sign_in(client) -> None:
    for address in ("/", "/admin/"):
        answer = client.get(address)
        assert (answer.status_code == 302 and "sign-in" in answer.url) or "login" in answer.url
    assert client.get("/-/health").content == b"ok"


def test_an_account_of_the_demo_city_signs_in(client, desk: Settings) -> None:
    answer = client.post(
        "/sign-in/", {"username": "dispatcher", "password": desk.secret("desk_dispatcher")}, follow=True
    )
    assert answer.status_code == 200 and "派遣席" in answer.content.decode()


def test_a_password_of_an_older_hasher_is_kept_by_ours_after_a_sign_in(client, desk: Settings) -> None:
    from django.contrib.auth.hashers import make_password

    from citybrain.desk.accounts.models import User

    password = desk.secret("desk_dispatcher")
    known = User.objects.filter(username="dispatcher")
    known.update(password=make_password(password, hasher="pbkdf2_sha256"))
    client.post("/sign-in/", {"username": "dispatcher", "password": password})
    assert known.get().password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_five_wrong_passwords_lock_the_account(client, desk: Settings) -> None:
    def answer(word: str):
        return client.post("/sign-in/", {"username": "grid", "password": word})

    assert [answer("wrong").status_code for _ in range(5)] == [200, 200, 200, 200, 429]
    right = answer(desk.secret("desk_grid"))
    assert right.status_code == 429 and "锁定" in right.content.decode()


def test_pages_carry_a_strict_content_policy(client) -> None:
    answer = client.get("/sign-in/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_no_role_holds_two_of_the_three_administrations() -> None:
    from citybrain.desk.accounts.roles import load_roles

    roles = load_roles()
    system, security = set(roles["system_admin"].may), set(roles["security_admin"].may)
    assert not any(name.split(".")[1].startswith(("add_user", "change_user")) for name in system)
    assert not any(name.split(".")[1].startswith(("add_org", "change_org")) for name in security)
    assert not any(
        name.split(".")[1].startswith(("add_", "change_", "delete_")) for name in roles["auditor"].may
    )


def test_the_desk_wears_the_one_look() -> None:
    tokens = load_content(SOURCE_TREE / "dashboards/theme/tokens.yml", Tokens)
    written = SOURCE_TREE / "src/citybrain/desk/static/desk/tokens.css"
    assert written.read_text(encoding="utf-8") == css_variables(tokens)
