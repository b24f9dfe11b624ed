"""The ledger's head under lock, and evidence that is held against the ledger."""

import json
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from fire_lane import Spot
from minio import Minio
from minio.error import S3Error
from typer.testing import CliRunner

from citybrain.cli import app
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.row_scope import SYSTEM, enter


def verified(*options: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, ["ledger", "verify", "--json", *options])
    return result.exit_code, json.loads(result.stdout)


@pytest.fixture
def case(spot: Spot) -> Any:
    from citybrain.events.intake import take_in

    for _ in range(3):
        spot.send(score=0.9)
    take_in()
    return spot.case()


def test_an_anchor_is_under_lock_and_a_chain_written_anew_does_not_have_it(city: Settings, case: Any) -> None:
    from citybrain.events.anchoring import ZONE, anchor_head, anchors
    from citybrain.ledger import lost_anchors

    done = anchor_head(city)
    assert done is not None and anchor_head(city) is None, "nothing new"
    assert done in anchors(city)
    code, told = verified()
    assert (code, told["holds"], told["lost_anchors"]) == (0, True, [])
    assert told["anchors"] == len(anchors(city))

    access, secret = city.s3_access
    client = Minio(city.s3_address, access, secret, secure=city.s3_secure, region=city.s3_region)
    bucket = city.bucket(ZONE)
    (version,) = [
        found.version_id
        for found in client.list_objects(bucket, prefix=done.key, include_version=True)
        if not found.is_delete_marker
    ]
    with pytest.raises(S3Error):
        client.remove_object(bucket, done.key, version_id=version)
    assert done in anchors(city)

    anew = replace(done, hash="0" * 64)
    with psycopg.connect(city.dsn(DatabaseRole.DESK)) as connection:
        assert lost_anchors(connection, [done, anew, replace(done, entry_id=10**9)]) == [
            anew,
            replace(done, entry_id=10**9),
        ]


def test_a_signal_that_was_changed_is_found(city: Settings, case: Any) -> None:
    from citybrain.events.scope import as_system

    with as_system():
        keys = list(case.signals.order_by("id").values_list("key", flat=True))
    code, told = verified("--evidence")
    mine = [one for one in told["evidence_faults"] if any(key in one["subject"] for key in keys)]
    assert mine == []
    with psycopg.connect(city.dsn(DatabaseRole.OWNER)) as owner:
        for key in (keys[0], keys[-1]):  # the one that opened the case and one that joined it
            enter(owner, SYSTEM)
            owner.execute("UPDATE ops.signal SET score = 0.1 WHERE key = %s", (key,))
            owner.commit()
            code, told = verified("--evidence")
            assert code == 1 and not told["holds"]
            assert f"signal {key}" in {one["subject"] for one in told["evidence_faults"]}
            enter(owner, SYSTEM)
            owner.execute("UPDATE ops.signal SET score = 0.9 WHERE key = %s", (key,))
            owner.commit()
