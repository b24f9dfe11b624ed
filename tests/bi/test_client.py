"""Superset's answers told in a line that names the endpoint."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import requests

from citybrain.bi.client import SupersetError, checked, connect, wait_until_it_answers
from citybrain.settings import Settings
from citybrain.stack.ports import free_ports


def answer(
    status: int, body: bytes, url: str = "http://127.0.0.1/api/v1/assets/import/"
) -> requests.Response:
    response = requests.Response()
    response.status_code, response._content, response.url = status, body, url
    response.request = requests.Request("POST", url).prepare()
    return response


def test_a_refusal_tells_supersets_words() -> None:
    body = json.dumps({"errors": [{"message": "数据集不存在"}]}, ensure_ascii=False).encode()
    with pytest.raises(SupersetError, match=r"POST /api/v1/assets/import/: 422: .*数据集不存在"):
        checked(answer(422, body))


def test_an_empty_failure_points_at_the_log() -> None:
    with pytest.raises(SupersetError, match=r"500: no reason given; see superset\.log"):
        checked(answer(500, b""))


def test_a_redirect_to_the_login_page_is_a_failure() -> None:
    landed = answer(200, b"<html>", "http://127.0.0.1/login/")
    landed.history = [answer(302, b"")]
    with pytest.raises(SupersetError, match="sign-in"):
        checked(landed)


def test_a_superset_that_starts_is_waited_for(settings_without_superset: Settings) -> None:
    port = int(settings_without_superset.superset_url.rpartition(":")[2])

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Nothing: the test needs no log."""

    with pytest.raises(SupersetError, match="/health does not answer after 0 s"):
        wait_until_it_answers(settings_without_superset, seconds=0.1)
    waiting = Thread(target=wait_until_it_answers, args=(settings_without_superset, 30.0))
    waiting.start()
    with HTTPServer(("127.0.0.1", port), Health) as late:
        late.handle_request()
        waiting.join(10)
        assert not waiting.is_alive()


def test_a_superset_that_is_down_is_named(settings_without_superset: Settings) -> None:
    with pytest.raises(SupersetError, match=r"does not answer at http://127\.0\.0\.1:\d+"):
        connect(settings_without_superset).read("dashboard/")


@pytest.fixture
def settings_without_superset(tmp_path: pytest.TempPathFactory) -> Settings:
    (port,) = free_ports(1)
    return Settings(home=tmp_path, superset_port=port)
