"""Cameras that lie, lead elsewhere or never end: refused in bounded time and memory, and noted."""

import hashlib
import io
import re
import resource
import socket
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from camera_servers import camera_server, send, trap
from patrol_city import FIVE, START, City, picture
from PIL import Image
from pydantic import SecretStr
from vision_python import needs_vision, run_there

from citybrain.settings import DatabaseRole, Settings
from citybrain.vision import camera_http
from citybrain.vision.camera_address import MissingStillError, Pinned, pin
from citybrain.vision.camera_http import MOST_BYTES, ask
from citybrain.vision.stills import newest_still


def allowing(*origins: str, networks: tuple[str, ...] = (), account: str = "") -> Settings:
    accounts = {origins[0]: SecretStr(account)} if account else {}
    return Settings(http_allow=list(origins), http_private_networks=list(networks), camera_accounts=accounts)


def still_of(settings: Settings, url: str) -> bytes:
    return newest_still(settings, url, datetime.now(UTC), FIVE).content


@pytest.mark.parametrize("scheme", ["http", "https", "rtsp", "onvif"])
@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", False),  # nobody named it
        ("localhost", False),
        ("localhost", True),  # a name must not stand for this machine
        ("169.254.169.254", True),  # no camera, whoever allowed it
        ("[::ffff:169.254.169.254]", True),
        ("100.100.100.200", True),
        ("0.0.0.0", True),  # noqa: S104 - refused as an address to connect to
        ("user:secret@127.0.0.1", True),
    ],
)
def test_an_address_that_is_no_camera_is_refused_without_a_connection(
    scheme: str, host: str, allowed: bool
) -> None:
    with trap() as (port, caught):
        plain = host.rpartition("@")[2].strip("[]")
        settings = allowing(*([f"{plain}:{port}"] if allowed else []))
        with pytest.raises(MissingStillError) as refused:
            still_of(settings, f"{scheme}://{host}:{port}/snapshot")
        assert refused.value.reason == "not_allowed"
        assert caught == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "concat:a|b", "http://", "ftp://127.0.0.1/", "", "http://[x"]
)
def test_an_address_of_no_known_kind_is_refused(url: str) -> None:
    with pytest.raises(MissingStillError) as refused:
        still_of(allowing("127.0.0.1:80"), url)
    assert refused.value.reason == "not_allowed"


def test_a_redirect_is_not_followed() -> None:
    with trap() as (port, caught):

        def elsewhere(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", f"http://127.0.0.1:{port}/")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with (
            camera_server(elsewhere) as camera,
            pytest.raises(MissingStillError, match="HTTP 302") as refused,
        ):
            still_of(allowing(f"127.0.0.1:{camera}", f"127.0.0.1:{port}"), f"http://127.0.0.1:{camera}/")
        assert (refused.value.reason, caught) == ("unreachable", [])


def test_a_name_is_resolved_once_and_all_its_addresses_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    plain = socket.getaddrinfo
    behind = [[("10.9.8.7", 80)], [("10.9.8.7", 80), ("127.0.0.1", 80)]]

    def names(host: object, *rest: object, **named: object) -> list[tuple[object, ...]]:
        asked.append(host)
        if host != "camera.example":
            return plain(host, *rest, **named)  # type: ignore[arg-type]
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in behind[asked.count(host) - 1]
        ]

    monkeypatch.setattr(socket, "getaddrinfo", names)
    settings = allowing("camera.example:80", networks=("10.9.8.0/24",))
    assert pin(settings, "http://camera.example/still").address == "10.9.8.7"
    with pytest.raises(MissingStillError, match=r"127\.0\.0\.1"):  # the name has been rebound
        pin(settings, "http://camera.example/still")
    hosts: list[str] = []
    with camera_server(
        lambda handler: (hosts.append(handler.headers["Host"]), send(handler, b"still"))
    ) as port:
        url = urlsplit(f"http://camera.example:{port}/still")
        asked.clear()
        assert ask(Pinned(url, "camera.example", port, "127.0.0.1")) == b"still"
        assert (hosts, asked) == ([f"camera.example:{port}"], ["127.0.0.1"])


def test_a_camera_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_http, "WHOLE_SECONDS", 0.5)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)

    began = time.monotonic()
    with camera_server(drip) as port, pytest.raises(MissingStillError, match="too long"):
        still_of(allowing(f"127.0.0.1:{port}"), f"http://127.0.0.1:{port}/")
    assert time.monotonic() - began < 5


def test_an_endless_answer_is_cut_off_and_not_unpacked() -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        for _ in range(200):
            handler.wfile.write(bytes(1024 * 1024))

    with camera_server(endless) as port:
        found = newest_still(
            allowing(f"127.0.0.1:{port}"), f"http://127.0.0.1:{port}/", datetime.now(UTC), FIVE
        )
    assert found.size == MOST_BYTES + 1


def test_a_camera_may_ask_for_a_login() -> None:
    """Digest, RFC 7616 with MD5, as most cameras do."""

    def hashed(*parts: str) -> str:
        return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()

    def guarded(handler: BaseHTTPRequestHandler) -> None:
        told = dict(re.findall(r'(\w+)="?([^",]+)"?', handler.headers.get("Authorization", "")))
        if told:
            first, second = hashed("patrol", "door", "a:b c"), hashed("GET", told["uri"])
            rest = (told["nonce"], told["nc"], told["cnonce"], told["qop"])
            if told["response"] == hashed(first, *rest, second):
                send(handler, b"still")
                return
        handler.send_response(401)
        handler.send_header("WWW-Authenticate", 'Digest realm="door", nonce="n1", qop="auth"')
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with camera_server(guarded) as port:
        origin = f"127.0.0.1:{port}"
        assert (
            still_of(allowing(origin, account="patrol:a:b c"), f"http://{origin}/still?channel=1") == b"still"
        )
        with pytest.raises(MissingStillError, match="HTTP 401"):
            still_of(allowing(origin, account="patrol:wrong"), f"http://{origin}/still")


ONVIF_ANSWERS = {
    "GetCapabilities": "<tt:Media><tt:XAddr>http://{host}/onvif/media</tt:XAddr></tt:Media>",
    "GetProfiles": '<trt:Profiles token="main"/><trt:Profiles token="sub"/>',
    "GetSnapshotUri": "<tt:Uri>http://{there}/snap?profile={profile}</tt:Uri>",
}


def onvif(there: str) -> object:
    """A camera whose snapshots are at `there`; "" for the camera itself."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.command == "GET":
            send(handler, f"still of {handler.path}".encode())
            return
        asked = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        assert "<wsse:Username>patrol</wsse:Username>" in asked
        verb = next(name for name in ONVIF_ANSWERS if f"<{name} " in asked)
        profile = "".join(re.findall("<ProfileToken>(.*)</ProfileToken>", asked))
        host = handler.headers["Host"]
        body = ONVIF_ANSWERS[verb].format(host=host, there=there or host, profile=profile)
        spaces = (
            'xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:trt="http://www.onvif.org/ver10/media/wsdl"'
        )
        send(handler, f"<Envelope {spaces}>{body}</Envelope>".encode(), "application/soap+xml")

    return answer


def test_an_onvif_camera_says_where_its_snapshots_are() -> None:
    with camera_server(onvif("")) as port:  # type: ignore[arg-type]
        settings = allowing(f"127.0.0.1:{port}", account="patrol:secret")
        found = still_of(settings, f"onvif://127.0.0.1:{port}/onvif/device_service")
        assert found == b"still of /snap?profile=main"
        chosen = still_of(settings, f"onvif://127.0.0.1:{port}/onvif/device_service?profile=sub")
        assert chosen == b"still of /snap?profile=sub"


def test_an_onvif_camera_cannot_send_the_patrol_elsewhere() -> None:
    with trap() as (there, caught), camera_server(onvif(f"127.0.0.1:{there}")) as port:  # type: ignore[arg-type]
        settings = allowing(f"127.0.0.1:{port}", f"127.0.0.1:{there}", account="patrol:secret")
        with pytest.raises(MissingStillError) as refused:
            still_of(settings, f"onvif://127.0.0.1:{port}/onvif/device_service")
        assert (refused.value.reason, caught) == ("not_allowed", [])


def gif() -> bytes:
    frames = [Image.new("P", (64, 48), number) for number in range(3)]
    content = io.BytesIO()
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:])
    return content.getvalue()


@pytest.mark.parametrize(
    "content", [b"", gif(), b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"], ids=["empty", "gif", "m3u8"]
)
def test_what_is_no_picture_is_noted_against_the_camera(city: City, content: bytes) -> None:
    city.patrol(content)
    assert city.outcomes() == [("unusable", "not_a_picture")]
    assert city.told() == [("health", "not_a_picture", 0)]


def test_two_hundred_megabytes_are_not_read(city: City) -> None:
    path: Path = city.put_still(START, b"\xff\xd8\xff")
    with path.open("r+b") as file:
        file.truncate(200 * 1024 * 1024)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    city.ask(1)
    city.work()
    assert city.outcomes() == [("unusable", "too_large")]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150 * 1024


def test_a_camera_that_leads_elsewhere_is_no_clean_round(city: City) -> None:
    with psycopg.connect(city.settings.dsn(DatabaseRole.TRANSFORMER)) as dbt:
        dbt.execute("UPDATE marts.dim_camera SET snapshot_url = 'http://169.254.169.254/latest'")
    city.ask(1)
    city.work()
    assert city.outcomes() == [("missing", "not_allowed")]
    assert city.told() == [("health", "not_allowed", 0)]


def test_a_patrol_that_falls_behind_skips_and_says_so(city: City) -> None:
    city.show(*(picture(grain=number) for number in range(3)))
    city.ask(3)
    with psycopg.connect(city.settings.dsn(DatabaseRole.OWNER)) as owner:
        owner.execute(
            "UPDATE vision.look_request SET requested_at = now() - interval '1 hour' WHERE due_at < %s",
            (START + 2 * FIVE,),
        )
    city.work()
    states = city.watcher.execute("SELECT state FROM vision.look_request ORDER BY due_at").fetchall()
    assert states == [("skipped",), ("skipped",), ("done",)]
    from citybrain.vision.patrol import figures

    assert figures(city.watcher, city.detector, START)["skipped"] == 1
    assert timedelta(minutes=15) == city.detector.sweep.budget


@needs_vision
def test_one_picture_of_a_stream_and_none_of_one_that_leads_elsewhere(tmp_path: Path) -> None:
    told = run_there("rtsp_stills.py", tmp_path / "home")
    assert told["size"] == [320, 240]
    assert told["redirected"] == "unreachable" and told["caught"] == 0
    assert told["playlist"] == "unreachable"
    assert told["endless"] == "unreachable" and told["endless_seconds"] < 15
