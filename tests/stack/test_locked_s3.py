"""The embedded S3 attacked on every port without a key: nothing is read, nothing is deleted."""

import os
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import httpx
import psutil
import pytest
from minio import Minio
from minio.error import S3Error

from citybrain.settings import Settings
from citybrain.stack import seaweedfs
from citybrain.stack.services import services

pytestmark = pytest.mark.integration
BUCKET, KEY, CONTENT = "attacked", "folder/object", b"what the city keeps"


def client(settings: Settings) -> Minio:
    access, secret = settings.s3_access
    return Minio(settings.s3_address, access, secret, secure=False, region=settings.s3_region)


@pytest.fixture
def kept(settings: Settings) -> Iterator[Settings]:
    """A stored object; after each attack it must still be there, byte for byte."""
    s3 = client(settings)
    if not s3.bucket_exists(BUCKET):
        s3.make_bucket(BUCKET)
    s3.put_object(BUCKET, KEY, BytesIO(CONTENT), len(CONTENT))
    yield settings
    time.sleep(0.1)
    answer = s3.get_object(BUCKET, KEY)
    assert answer.read() == CONTENT
    answer.close()


def refused(method: str, url: str) -> None:
    """No answer with content and no success: the connection is cut or the status says no."""
    try:
        answer = httpx.request(method, url, timeout=5, trust_env=False)
    except httpx.HTTPError:
        return
    assert answer.status_code in (400, 401, 403, 404, 405), f"{method} {url}: {answer.status_code}"
    assert CONTENT not in answer.content


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_s3_without_a_key(kept: Settings, method: str) -> None:
    refused(method, f"http://127.0.0.1:{kept.s3_port}/{BUCKET}/{KEY}")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path", [f"/buckets/{BUCKET}/{KEY}", f"/buckets/{BUCKET}?recursive=true", "/", "/topics/"]
)
def test_filer_without_a_key(kept: Settings, method: str, path: str) -> None:
    refused(method, f"http://127.0.0.1:{kept.s3_filer_port}{path}")


@pytest.mark.parametrize(
    "path", [f"/col/delete?collection={BUCKET}", "/dir/assign", "/vol/grow?count=1", "/vol/vacuum", "/submit"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_master_without_a_key(kept: Settings, method: str, path: str) -> None:
    """Its status page does answer on loopback, without names of objects; whatever changes or gives leave
    does not.
    """
    refused(method, f"http://127.0.0.1:{kept.s3_master_port}{path}")


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_volume_server_without_a_key(kept: Settings, method: str) -> None:
    """Volume ids are small numbers, so every one is tried; without a token each file id is refused as
    such.
    """
    for volume in range(1, 13):
        url = f"http://127.0.0.1:{kept.s3_volume_port}/{volume},01637037d6"
        assert httpx.request(method, url, timeout=5, trust_env=False).status_code == 401


def test_the_admin_shell_without_a_certificate(kept: Settings, tmp_path: Path) -> None:
    weed = Path(sysconfig.get_path("scripts")) / "weed"
    process = subprocess.Popen(
        [weed, f"-config_dir={tmp_path}", "shell", f"-master=127.0.0.1:{kept.s3_master_port}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": os.defpath, "HOME": str(tmp_path)},
        cwd=tmp_path,
    )
    try:
        output, _ = process.communicate(f"lock\nfs.rm -r /buckets/{BUCKET}\n".encode(), timeout=5)
    except subprocess.TimeoutExpired:  # it keeps asking for a master that will not speak to it
        process.kill()
        output, _ = process.communicate()
    assert b"removed" not in output


def test_a_wrong_key_is_refused(kept: Settings) -> None:
    access, _ = kept.s3_access
    stranger = Minio(kept.s3_address, access, "wrong" * 8, secure=False, region=kept.s3_region)
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        stranger.get_object(BUCKET, KEY)


def test_all_listening_sockets_are_on_loopback(settings: Settings) -> None:
    ports = {settings.s3_port, settings.s3_master_port, settings.s3_volume_port, settings.s3_filer_port}
    owners = {
        found.pid
        for found in psutil.net_connections("tcp")
        if found.status == psutil.CONN_LISTEN and found.laddr.port in ports | {settings.postgres_port}
    }
    assert len(owners) == 2
    listening = [
        found.laddr
        for found in psutil.net_connections("inet")
        if found.pid in owners and (found.status == psutil.CONN_LISTEN or not found.raddr)
    ]
    assert len(listening) >= 9
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_an_outside_s3_is_used_by_settings_alone(own_settings: Callable[..., Settings]) -> None:
    """A second server stands for the outside one; the settings under test know its address and keys,
    nothing else.
    """
    server_settings = own_settings()
    server = seaweedfs.start(server_settings)
    try:
        access, secret = server_settings.s3_access
        settings = own_settings(
            home=server_settings.home / "elsewhere",
            s3_endpoint=server_settings.s3_address,
            s3_access_key=access,
            s3_secret_key=secret,
        )
        assert "s3" not in {service.name for service in services(settings)}
        assert seaweedfs.is_ready(settings)
        s3 = client(settings)
        s3.make_bucket(settings.bucket("landing"))
        s3.put_object(settings.bucket("landing"), KEY, BytesIO(CONTENT), len(CONTENT))
        assert client(server_settings).get_object(settings.bucket("landing"), KEY).read() == CONTENT
        assert not settings.home.exists()  # no embedded server left anything there
    finally:
        seaweedfs.kill(server)
