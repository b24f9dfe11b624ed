"""A disk that fills up: what people are told, and that no row is half there once there is room again."""

import os
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from minio import Minio

from citybrain.ingest import gate_landed_batches, land_dataset
from citybrain.settings import Settings
from citybrain.stack import postgres, seaweedfs
from citybrain.stack.errors import StackError
from citybrain.warehouse.databases import prepare
from citybrain.warehouse.migrations import upgrade
from trial_city import assert_accounted_for, credit_code, trial_city

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="a small disk (tmpfs) is root's to mount"),
]
CITYBRAIN = Path(sysconfig.get_path("scripts")) / "citybrain"
MIB = 1 << 20
ROWS = 60_000


@dataclass(frozen=True)
class Disk:
    """A file system in memory whose size can be changed while it is in use."""

    mounted_at: Path

    def resize(self, mib: int) -> None:
        self._mount(f"remount,size={mib}m")

    def fill(self, leave_mib: int) -> None:
        """Shrink it to what is used and a little more."""
        found = os.statvfs(self.mounted_at)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        self._mount(f"remount,size={used + leave_mib * MIB}")

    def _mount(self, options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.mounted_at], check=True)


@pytest.fixture
def disk(own_home: Path) -> Iterator[Disk]:
    """The home of `own_settings` as a disk of its own, of 2 GiB until a test changes that."""
    found = Disk(own_home)
    found._mount("size=2048m,mode=711")
    yield found
    subprocess.run(["umount", "--lazy", own_home], check=True)


def test_every_bucket_takes_objects_while_the_disk_has_room_for_them(
    disk: Disk, own_settings: Callable[..., Settings]
) -> None:
    settings = own_settings()
    server = seaweedfs.start(settings)
    try:
        access, secret = settings.s3_access
        s3 = Minio(settings.s3_address, access, secret, secure=False, region=settings.s3_region)
        for number in range(8):
            s3.make_bucket(f"room-{number}")
            s3.put_object(f"room-{number}", "object", BytesIO(b"kept"), 4)
    finally:
        seaweedfs.kill(server)


def test_a_small_disk_is_refused_before_anything_starts(
    disk: Disk, own_settings: Callable[..., Settings]
) -> None:
    settings = own_settings()
    disk.resize(100)
    refused = subprocess.run([CITYBRAIN, "up"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert f"only 100 MiB are free at {settings.home}" in refused.stderr
    assert "CITYBRAIN_HOME" in refused.stderr
    assert list(settings.home.iterdir()) == []


def test_a_cluster_that_found_no_room_is_made_when_there_is(
    disk: Disk, own_settings: Callable[..., Settings]
) -> None:
    settings = own_settings()
    disk.resize(20)
    with pytest.raises(StackError, match=r"No space left on device") as refused:
        postgres.initialise(settings)
    assert "CITYBRAIN_HOME" in str(refused.value)
    disk.resize(200)
    postgres.initialise(settings)
    assert (postgres.data_folder(settings) / "PG_VERSION").exists()


def test_a_server_without_room_names_its_log(disk: Disk, own_settings: Callable[..., Settings]) -> None:
    settings = own_settings()
    postgres.initialise(settings)
    disk.fill(leave_mib=0)
    with pytest.raises(StackError, match=r"PostgreSQL stopped at once") as refused:
        postgres.start(settings)
    assert str(postgres.log_file(settings)) in str(refused.value)


@pytest.mark.slow
def test_a_disk_that_fills_during_the_start_names_the_setting_and_the_log(
    disk: Disk, own_settings: Callable[..., Settings]
) -> None:
    settings = own_settings(demo=False)
    with subprocess.Popen(
        [CITYBRAIN, "up"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as starting:
        assert starting.stdout is not None
        printed = ""
        for line in starting.stdout:
            printed += line
            if "databases, roles, migrations" in line:
                disk.fill(leave_mib=1)
    try:
        assert starting.returncode == 1, printed
        assert str(settings.log_dir) in printed
        assert "MiB are free" in printed.splitlines()[-1]
        assert "CITYBRAIN_HOME" in printed.splitlines()[-1]
    finally:
        disk.resize(2048)
        subprocess.run([CITYBRAIN, "down"], capture_output=True, check=True)


def test_a_load_that_found_no_room_loads_the_same_rows_once(
    settings: Settings, disk: Disk, own_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    access, secret = settings.s3_access
    own = own_settings(
        s3_endpoint=settings.s3_address, s3_access_key=access, s3_secret_key=secret, s3_bucket_prefix="disk-"
    )
    lines = (f"{credit_code(n)},第{n}公司,{n},1.5,2001-02-03\n" for n in range(ROWS))
    delivery = ("统一社会信用代码,名称,人数,资本,成立\n" + "".join(lines)).encode()
    with ExitStack() as servers:
        server = postgres.start(own)
        servers.callback(postgres.stop, server)
        prepare(own)
        upgrade(own)
        city = servers.enter_context(trial_city(own, tmp_path))
        city.add_dataset("trial_disk")
        city.drop("trial_disk", "big.csv", delivery)
        (batch,) = land_dataset("trial_disk").landed

        disk.fill(leave_mib=4)
        (outcome,) = gate_landed_batches()
        assert outcome.state == "landed"
        assert "No space left on device" in (outcome.reason or "")
        assert city.rows("SELECT count(*) AS n FROM raw.trial_disk") == [{"n": 0}]

        disk.resize(2048)
        city.rows("UPDATE meta.batch SET claim_expires_at = now() RETURNING batch_id")  # the minute is over
        (outcome,) = gate_landed_batches()
        assert (outcome.batch_id, outcome.state, outcome.rows_loaded) == (batch, "loaded", ROWS)
        assert city.rows("SELECT count(*) AS n, count(DISTINCT uscc) AS firms FROM raw.trial_disk") == [
            {"n": ROWS, "firms": ROWS}
        ]
        assert_accounted_for(city)
