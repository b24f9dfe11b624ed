"""The embedded S3: SeaweedFS from its wheel, always in the locked profile.

SeaweedFS with stock flags answers anonymous reads and deletes on its filer, master and gRPC ports,
whatever the S3 keys say.
So: four JWT keys, mutual TLS on gRPC, plain HTTP of master and filer off, no telemetry, loopback only.
"""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import urllib3
from minio import Minio
from minio.error import MinioException
from urllib3.exceptions import HTTPError

from citybrain.settings import Settings
from citybrain.stack.certificates import write_mutual_tls, write_private
from citybrain.stack.ports import require_free_ports
from citybrain.stack.readiness import wait_until

_JWT_SECTIONS = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
_GRPC_PARTS = ("master", "volume", "filer", "s3", "client")
# Stock SeaweedFS gives each bucket seven volumes and, told to find the limit itself, allows one for each free
# GB of the disk: with 50 GB free, the eighth bucket takes no object. Here a bucket begins with one, and only
# the disk is the limit.
_VOLUME_GROWTH = "[master.volume_growth]\ncopy_1 = 1\n"


def data_folder(settings: Settings) -> Path:
    return settings.data_dir / "s3"


def log_file(settings: Settings) -> Path:
    return settings.log_dir / "s3.log"


def config_folder(settings: Settings) -> Path:
    """Holds `security.toml`, `master.toml`, the certificates and the S3 identities, all mode 600."""
    return settings.secrets_dir / "seaweedfs"


def initialise(settings: Settings) -> None:
    """Write the locked profile and the one S3 identity; certificates are made once, the rest is rewritten
    each time.
    """
    folder = config_folder(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    data_folder(settings).mkdir(mode=0o700, parents=True, exist_ok=True)
    write_mutual_tls(folder, "citybrain-s3")
    lines = []
    for section in _JWT_SECTIONS:
        key = settings.secret("s3_" + section.replace(".", "_"))
        lines += [f"[{section}]", f'key = "{key}"', "expires_after_seconds = 10"]
    lines += ["[grpc]", f"ca = {json.dumps(str(folder / 'ca.crt'))}"]
    for part in _GRPC_PARTS:
        lines += [f"[grpc.{part}]", f"cert = {json.dumps(str(folder / 'node.crt'))}"]
        lines += [f"key = {json.dumps(str(folder / 'node.key'))}"]
    lines += ["[filer.expose_directory_metadata]", "enabled = false"]
    write_private(folder / "security.toml", "\n".join([*lines, ""]).encode())
    write_private(folder / "master.toml", _VOLUME_GROWTH.encode())
    access, secret = settings.s3_access
    admin = {
        "name": "citybrain",
        "credentials": [{"accessKey": access, "secretKey": secret}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    write_private(folder / "identities.json", json.dumps({"identities": [admin]}).encode())


def command(settings: Settings) -> list[str]:
    """The argument list of master, volume server, filer and S3 gateway in one process."""
    host, run = settings.bind_host, settings.run_dir
    return [
        *(str(Path(sysconfig.get_path("scripts")) / "weed"), f"-config_dir={config_folder(settings)}"),
        *("-logtostderr=true", "server", f"-dir={data_folder(settings)}", f"-ip={host}", f"-ip.bind={host}"),
        *("-s3", f"-s3.config={config_folder(settings) / 'identities.json'}", f"-s3.port={settings.s3_port}"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.localSocket={run / 's3.sock'}"),
        *("-s3.autoCreateBucket=false", "-s3.allowDeleteBucketNotEmpty=false"),
        *("-filer", f"-filer.port={settings.s3_filer_port}", f"-filer.localSocket={run / 'filer.sock'}"),
        *(
            "-disableHttp",
            "-filer.disableHttp",
            "-filer.exposeDirectoryData=false",
            "-master.telemetry=false",
        ),
        *(f"-master.port={settings.s3_master_port}", "-master.volumeSizeLimitMB=1024"),
        "-master.electionTimeout=1s",  # a restarted master first waits for others this long; stock 10 s
        *(f"-volume.port={settings.s3_volume_port}", "-volume.max=4096", "-volume.preStopSeconds=1"),
    ]


def launch(settings: Settings) -> "subprocess.Popen[bytes]":
    """Start the server as a child of this process and return at once; it answers a few seconds later.

    Raises StackError when a port is taken.
    """
    initialise(settings)
    require_free_ports(settings, "s3")
    settings.log_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
    with log_file(settings).open("ab") as log:
        return subprocess.Popen(
            command(settings),
            cwd=settings.run_dir,
            env={"PATH": os.defpath, "HOME": str(config_folder(settings))},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def start(settings: Settings) -> "subprocess.Popen[bytes]":
    """Start the server and wait until S3 answers a signed request. Raises StackError as `launch` and
    `wait_ready` do.
    """
    process = launch(settings)
    wait_ready(settings, process)
    return process


def is_ready(settings: Settings) -> bool:
    """Whether S3 lists buckets for our identity."""
    access, secret = settings.s3_access
    http = urllib3.PoolManager(timeout=2, retries=False)
    client = Minio(
        settings.s3_address,
        access_key=access,
        secret_key=secret,
        secure=settings.s3_secure,
        region=settings.s3_region,
        http_client=http,
    )
    try:
        client.list_buckets()
    except (MinioException, HTTPError):
        return False
    return True


def wait_ready(
    settings: Settings, process: "subprocess.Popen[bytes] | None" = None, seconds: float = 60
) -> None:
    """Wait until S3 answers; raise StackError with the log's end when the server died or stays silent."""
    wait_until(lambda: is_ready(settings), "S3 (SeaweedFS)", log_file(settings), process, seconds)


def stop(process: "subprocess.Popen[bytes]", seconds: float = 30) -> None:
    """Stop the server in order and wait for it; its gRPC parts take up to 16 s to part from each other."""
    if process.poll() is None:
        process.terminate()
    process.wait(seconds)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End the server at once, for data that nobody needs again."""
    process.kill()
    process.wait(10)
