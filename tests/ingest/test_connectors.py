"""What connectors take, what they leave, and what they refuse."""

import fcntl
import io
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from minio import Minio

from citybrain.ingest import SourceError, land_dataset, land_file, waiting
from citybrain.lake import create_object, download, ensure_bucket, landing_key, spool
from citybrain.lake.objects import LakeError
from citybrain.settings import get_settings
from trial_city import City

pytestmark = pytest.mark.integration
BODY = "统一社会信用代码,名称,人数,资本,成立\n1,甲,1,1,2001-01-01\n".encode()


def deliveries(city: City) -> list[tuple[str, str]]:
    return [
        (row["source_name"], row["outcome"]) for row in city.rows("SELECT * FROM meta.delivery ORDER BY 1")
    ]


# Drop folder


def test_a_file_is_landed_unchanged_and_moved(city: City) -> None:
    city.add_dataset("trial_drop")
    path = city.drop("trial_drop", "名册 2026.CSV", BODY)
    report = land_dataset("trial_drop")
    assert report.bytes == len(BODY)
    batch = city.batch(report.landed[0])
    assert batch["object_key"].startswith("trial_drop/")
    assert batch["object_key"].endswith(f"{batch['sha256']}.csv")
    assert batch["source_name"] == "名册 2026.CSV"
    found = download(city.settings, "landing", batch["object_key"], path.parent / "copy", batch["sha256"])
    assert found.path.read_bytes() == BODY
    assert [moved.read_bytes() for moved in (path.parent / "done").iterdir()] == [BODY]
    assert not path.exists()
    (path.parent / "copy").unlink()
    assert land_dataset("trial_drop").landed == []


def test_the_same_bytes_under_another_name_are_one_batch(city: City) -> None:
    city.add_dataset("trial_drop")
    for name in ("a.csv", "b.csv", "a.csv"):
        city.drop("trial_drop", name, BODY)
        land_dataset("trial_drop")
    assert len(city.rows("SELECT * FROM meta.batch")) == 1
    assert deliveries(city) == [("a.csv", "landed"), ("b.csv", "duplicate"), ("a.csv", "duplicate")]


def test_known_bytes_that_come_after_others_count_again(city: City) -> None:
    city.add_dataset("trial_drop")
    other = BODY.replace(b",1,1,", b",2,2,")
    reports = []
    for name, content in (
        ("a.csv", BODY),
        ("b.csv", BODY),
        ("c.csv", other),
        ("d.csv", BODY),
        ("e.csv", BODY),
    ):
        city.drop("trial_drop", name, content)
        reports.append(land_dataset("trial_drop"))
    first, second = (batch for report in reports for batch in report.landed)
    assert [report.restated for report in reports] == [[], [], [], [first], []]
    assert [report.duplicates for report in reports] == [0, 1, 0, 1, 1]
    assert (city.batch(first)["revision"], city.batch(second)["revision"]) == (1, 0)
    versions = [row["source_version"] for row in city.rows("SELECT * FROM meta.delivery ORDER BY 1")]
    assert city.batch(first)["newest_version"] == versions[4] == max(versions)
    assert city.batch(first)["source_version"] == versions[0]


def test_known_bytes_of_an_older_version_change_nothing(city: City) -> None:
    city.add_dataset("trial_drop")
    for name, content, age in (("a.csv", BODY, 60), ("b.csv", BODY + b"2", 30), ("c.csv", BODY, 90)):
        path = city.drop("trial_drop", name, content)
        os.utime(path, (path.stat().st_atime - age, path.stat().st_mtime - age))
        assert land_dataset("trial_drop").restated == []
    assert {row["newest_version"] for row in city.rows("SELECT * FROM meta.batch")} == {None}


def test_a_file_somebody_still_writes_waits(city: City) -> None:
    city.add_dataset("trial_drop")
    path = city.drop("trial_drop", "a.csv", BODY)
    with path.open("ab") as writing:
        writing.write(b"2,")
        writing.flush()
        assert land_dataset("trial_drop").landed == []
        assert path.exists()
    assert len(land_dataset("trial_drop").landed) == 1


def test_a_file_of_somebody_else_waits_until_it_is_old(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    city.add_dataset("trial_drop")
    path = city.drop("trial_drop", "a.csv", BODY)

    def no_lease(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(fcntl, "fcntl", no_lease)
    assert land_dataset("trial_drop").landed == []
    os.utime(path, (path.stat().st_atime - 60, path.stat().st_mtime - 60))
    assert len(land_dataset("trial_drop").landed) == 1


def test_unfinished_hidden_and_other_names_are_passed_over(city: City) -> None:
    city.add_dataset("trial_drop", connector="{kind: drop_folder, path: trial_drop, pattern: '*.csv'}")
    for name in ("a.csv.part", ".a.csv", "~$a.csv", "a.txt"):
        city.drop("trial_drop", name, BODY)
    assert waiting("trial_drop") == []
    assert land_dataset("trial_drop").rejected == 0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a\nb.csv", "control character"),
        ("a\\..\\x.csv", "path"),
        ("\x1b[31m.csv", "control character"),
        ("a\u202egpj.csv", "control"),
    ],
)
def test_odd_names_are_refused_and_put_aside(city: City, name: str, reason: str) -> None:
    city.add_dataset("trial_drop")
    path = city.drop("trial_drop", name, BODY)
    assert land_dataset("trial_drop").rejected == 1
    (delivery,) = city.rows("SELECT * FROM meta.delivery")
    assert delivery["outcome"] == "refused"
    assert reason in delivery["reason"]
    assert not path.exists()
    assert len(list((path.parent / "refused").iterdir())) == 1
    assert land_dataset("trial_drop").rejected == 0


def test_a_very_long_name_lands_under_its_hash(city: City) -> None:
    city.add_dataset("trial_drop")
    city.drop("trial_drop", "长" * 80 + ".csv", BODY)
    report = land_dataset("trial_drop")
    assert len(report.landed) == 1
    assert land_dataset("trial_drop").landed == []


def test_links_and_pipes_are_refused(city: City, tmp_path: Path) -> None:
    city.add_dataset("trial_drop")
    secret = tmp_path / "secret"
    secret.write_bytes(b"not for the lake")
    folder = city.drop("trial_drop", "a.csv", BODY).parent
    (folder / "link.csv").symlink_to(secret)
    os.mkfifo(folder / "pipe.csv")
    report = land_dataset("trial_drop")
    assert (len(report.landed), report.rejected) == (1, 2)
    assert secret.read_bytes() == b"not for the lake"
    assert land_dataset("trial_drop").rejected == 0


@pytest.mark.parametrize("path", ["..", "../other", "/etc", "."])
def test_a_folder_outside_the_drop_folder_is_refused(city: City, path: str) -> None:
    city.add_dataset("trial_drop", connector=f"{{kind: drop_folder, path: '{path}'}}")
    with pytest.raises(SourceError, match="CITYBRAIN_DROP_FOLDER"):
        land_dataset("trial_drop")


def test_a_file_over_the_limit_is_refused(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYBRAIN_MAX_OBJECT_MB", "1")
    get_settings.cache_clear()
    city.add_dataset("trial_drop")
    city.drop("trial_drop", "big.csv", b"x" * (1024 * 1024 + 1))
    report = land_dataset("trial_drop")
    assert (report.landed, report.rejected) == ([], 1)
    assert city.rows("SELECT reason FROM meta.delivery")[0]["reason"].endswith("(CITYBRAIN_MAX_OBJECT_MB)")


def test_a_file_by_hand_stays_where_it_is(city: City, tmp_path: Path) -> None:
    city.add_dataset("trial_drop")
    path = tmp_path / "mine.csv"
    path.write_bytes(BODY)
    assert len(land_file("trial_drop", path).landed) == 1
    assert land_file("trial_drop", path).duplicates == 1
    assert path.read_bytes() == BODY


# Lake


def test_an_object_is_never_rewritten(city: City, tmp_path: Path) -> None:
    ensure_bucket(city.settings, "landing")
    first = spool([b"a" * 7_000_000], tmp_path / "first", 100)  # large enough for a multipart upload
    second = spool([b"b" * 7_000_000], tmp_path / "second", 100)
    key = landing_key("trial_drop", __import__("datetime").date(2026, 1, 2), first.sha256, "csv")
    assert create_object(city.settings, "landing", key, first, {"source-name": "a\nb/../文件"}) is True
    assert create_object(city.settings, "landing", key, first, {}) is False
    with pytest.raises(LakeError, match="not the 7000000 bytes"):
        create_object(city.settings, "landing", key, second, {})
    assert download(city.settings, "landing", key, tmp_path / "back").sha256 == first.sha256
    with pytest.raises(LakeError, match="damaged"):
        download(city.settings, "landing", key, tmp_path / "back2", second.sha256)


def test_landing_keeps_versions(city: City) -> None:
    ensure_bucket(city.settings, "landing")
    assert s3(city).get_bucket_versioning(city.settings.bucket("landing")).status == "Enabled"


def s3(city: City) -> Minio:
    access, secret = city.settings.s3_access
    return Minio(city.settings.s3_address, access_key=access, secret_key=secret, secure=False)


# S3 prefix


def test_objects_below_a_prefix_are_taken_once_a_version(city: City) -> None:
    city.add_dataset("trial_s3", connector="{kind: s3_prefix, prefix: trial_s3/, pattern: '*.csv'}")
    bucket = ensure_bucket(city.settings, "inbox")

    def put(key: str, body: bytes) -> None:
        s3(city).put_object(bucket, key, io.BytesIO(body), len(body))

    put("trial_s3/2026/a.csv", BODY)
    put("trial_s3/readme.txt", b"x")
    put("elsewhere/a.csv", b"x")
    assert len(land_dataset("trial_s3").landed) == 1
    assert waiting("trial_s3") == []
    put("trial_s3/2026/a.csv", BODY + b"2,a,1,1,2001-01-01\n")
    put("trial_s3/odd\u202ename.csv", BODY + b"3")
    report = land_dataset("trial_s3")
    assert (len(report.landed), report.rejected) == (1, 1)
    report = land_dataset("trial_s3")
    assert (report.landed, report.duplicates, report.rejected) == ([], 0, 0)


# HTTP


class Source:
    """A real HTTP server that answers as told and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[dict[str, str]] = []
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                source.asked.append(dict(self.headers))
                status, headers, body = source.answers.pop(0)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def source(city: City, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    found = Source()
    monkeypatch.setenv("CITYBRAIN_HTTP_ALLOW", json.dumps([found.host]))
    monkeypatch.setenv("CITYBRAIN_MAX_OBJECT_MB", "1")
    get_settings.cache_clear()
    city.add_dataset(
        "trial_http", connector=f"{{kind: http, url: 'http://{found.host}/a/b.csv', timeout_seconds: 2}}"
    )
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_a_document_is_pulled_once_a_version(city: City, source: Source) -> None:
    validators = {"ETag": '"v1"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
    source.answers = [(200, validators, BODY), (304, {}, b"")]
    (batch_id,) = land_dataset("trial_http").landed
    assert city.batch(batch_id)["source_version"] == "2015-10-21T07:28:00.000000Z"
    assert city.batch(batch_id)["source_name"] == "b.csv"
    assert land_dataset("trial_http").landed == []
    assert "If-None-Match" not in source.asked[0]
    assert source.asked[1]["If-None-Match"] == '"v1"'
    assert source.asked[1]["If-Modified-Since"] == "Wed, 21 Oct 2015 07:28:00 GMT"


def test_a_busy_server_is_asked_again_when_it_says(city: City, source: Source) -> None:
    source.answers = [(429, {"Retry-After": "0"}, b""), (503, {"Retry-After": "0"}, b""), (200, {}, BODY)]
    assert len(land_dataset("trial_http").landed) == 1
    assert len(source.asked) == 3


def test_a_server_that_stays_busy_is_an_error(city: City, source: Source) -> None:
    source.answers = [(503, {"Retry-After": "0"}, b"")] * 4
    with pytest.raises(SourceError, match="HTTP 503, after 4 attempts"):
        land_dataset("trial_http")
    assert len(source.asked) == 4


def test_a_missing_document_is_not_asked_for_again(city: City, source: Source) -> None:
    source.answers = [(404, {}, b"")]
    with pytest.raises(SourceError, match="HTTP 404"):
        land_dataset("trial_http")
    assert len(source.asked) == 1


def test_no_redirect_is_followed(city: City, source: Source) -> None:
    trap = Source()
    source.answers = [(302, {"Location": f"http://{trap.host}/"}, b"")]
    with pytest.raises(SourceError, match="redirects to"):
        land_dataset("trial_http")
    assert trap.asked == []
    trap.server.shutdown()
    trap.server.server_close()


def test_an_oversized_document_is_cut_off_and_refused(city: City, source: Source) -> None:
    source.answers = [(200, {}, b"x" * (3 * 1024 * 1024))]
    report = land_dataset("trial_http")
    assert (report.landed, report.rejected) == ([], 1)
    assert city.rows("SELECT * FROM meta.batch") == []


def test_a_compressed_bomb_is_cut_off_too(city: City, source: Source) -> None:
    import gzip

    source.answers = [(200, {"Content-Encoding": "gzip"}, gzip.compress(b"0" * (50 * 1024 * 1024)))]
    assert land_dataset("trial_http").rejected == 1


def test_a_document_cut_short_is_not_landed(city: City, source: Source) -> None:
    source.answers = [(200, {"Content-Length": str(len(BODY) + 10)}, BODY), (200, {}, BODY)]
    (batch_id,) = land_dataset("trial_http").landed
    assert city.batch(batch_id)["bytes"] == len(BODY)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://localhost:1/x",
        "http://127.1:80/",
        "file:///etc/passwd",
        "http://user:pass@{host}/a",
        "http://{host}@example.invalid/",
        "ftp://{host}/a",
        "http://{host}.example.invalid/",
    ],
)
def test_other_hosts_are_not_opened(city: City, source: Source, url: str) -> None:
    city.add_dataset("trial_http", connector=f"{{kind: http, url: '{url.format(host=source.host)}'}}")
    with pytest.raises(SourceError, match=r"CITYBRAIN_HTTP_ALLOW|no plain http"):
        land_dataset("trial_http")
    assert source.asked == []
