"""Several gate processes at once: every batch settled once, and none before what its rules look up."""

from datetime import timedelta

import pytest

from citybrain.ingest import gate_everything, gate_processes, land_dataset
from citybrain.ingest.manifest import are_waiting, claim_next, new_claimant
from citybrain.settings import DatabaseRole
from citybrain.warehouse.connection import connect
from trial_city import City, assert_accounted_for, credit_code

pytestmark = pytest.mark.integration

HEADER = "统一社会信用代码,名称,人数,资本,成立\n"
LOOKED_UP = (
    "  - {id: known, kind: references, column: uscc, dataset: trial_register, target: uscc,"
    " why: {zh: 试, en: Try}, red_above: 0.9}\n"
)
NEEDS = {"trial_list": ["trial_register"]}


def land_register_and_lists(city: City, lists: int) -> None:
    """One register of 40 firms and some lists that name them; the lists have landed first."""
    for dataset in ("trial_register", "trial_list"):
        city.add_dataset(dataset)
    rules = city.settings.expectations_dir / "trial_list.yml"
    rules.write_text(rules.read_text(encoding="utf-8") + LOOKED_UP, encoding="utf-8")
    firms = [f"{credit_code(number)},甲公司,1,1,2000-01-01\n" for number in range(40)]
    for number in range(lists):
        rows = [*firms[number : number + 5], f"{credit_code(900 + number)},乙公司,1,1,2000-01-01\n"]
        city.drop("trial_list", f"{number}.csv", (HEADER + "".join(rows)).encode())
    land_dataset("trial_list")
    city.drop("trial_register", "all.csv", (HEADER + "".join(firms)).encode())
    land_dataset("trial_register")


def test_two_processes_settle_each_batch_once(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_processes, "BATCHES_A_PROCESS", 1)
    land_register_and_lists(city, lists=6)
    outcomes = gate_everything()
    assert sorted(outcome.dataset for outcome in outcomes) == ["trial_list"] * 6 + ["trial_register"]
    assert {outcome.state for outcome in outcomes} == {"loaded"}
    # The register was there when each list was judged: exactly the firm it does not know stays out.
    assert [o.rows_quarantined for o in outcomes if o.dataset == "trial_list"] == [1] * 6
    assert_accounted_for(city)


def test_a_batch_waits_while_another_process_judges_what_it_needs(city: City) -> None:
    land_register_and_lists(city, lists=1)
    lease, order = timedelta(minutes=5), ["trial_register", "trial_list"]
    one, other = new_claimant("gate"), new_claimant("gate")
    with (
        connect(city.settings, DatabaseRole.LOADER, one, autocommit=True) as first,
        connect(city.settings, DatabaseRole.LOADER, other, autocommit=True) as second,
    ):
        register = claim_next(first, one, lease, order, [], NEEDS)
        assert register is not None and register.dataset == "trial_register"
        assert claim_next(second, other, lease, order, [], NEEDS) is None
        assert are_waiting(second, [], NEEDS)
        first.execute(
            "UPDATE meta.batch SET state = 'loaded', card = 'green', settled_at = now() WHERE batch_id = %s",
            (register.batch_id,),
        )
        assert not are_waiting(second, [], NEEDS)
        found = claim_next(second, other, lease, order, [], NEEDS)
        assert found is not None and found.dataset == "trial_list"
