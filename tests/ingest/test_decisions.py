"""Red cards: nothing moves until a person decides, and a decision counts once."""

import pytest

from citybrain.ingest import DecisionError, decide_held_batch, gate_landed_batches, held_batches, land_dataset
from trial_city import City, assert_accounted_for, credit_code

pytestmark = pytest.mark.integration
HEADER = "统一社会信用代码,名称,人数,资本,成立\n"


def red_delivery(first: int) -> bytes:
    """Ten rows, three of which have a staff figure that is no number."""
    lines = [f"{credit_code(first + n)},甲,{'三' if n < 3 else n},1,2001-01-01\n" for n in range(10)]
    return (HEADER + "".join(lines)).encode()


def hold(city: City, dataset: str, first: int = 0) -> int:
    city.drop(dataset, f"{first}.csv", red_delivery(first))
    (batch_id,) = land_dataset(dataset).landed
    (outcome,) = gate_landed_batches()
    assert (outcome.state, outcome.card, outcome.rows_in, outcome.rows_loaded) == ("held", "red", 10, 0)
    return batch_id


def test_release_loads_the_good_rows_once(city: City) -> None:
    city.add_dataset("trial_red")
    batch_id = hold(city, "trial_red")
    (held,) = held_batches()
    assert (held.batch_id, held.dataset, held.source_name, held.rows_in) == (
        batch_id,
        "trial_red",
        "0.csv",
        10,
    )
    assert "取值与列类型不符 3 行" in held.top_reasons[-1]
    assert held.data_docs_url.endswith(f"/trial_red/batch_{batch_id}.html")
    assert city.raw("trial_red") == []
    assert gate_landed_batches() == []  # a held batch is not gated again
    for _ in range(2):
        outcome = decide_held_batch(batch_id, "release", "li", "已核实")
        assert (outcome.state, outcome.rows_loaded, outcome.rows_quarantined) == ("loaded", 7, 3)
    assert len(city.raw("trial_red")) == 7
    with pytest.raises(DecisionError, match="li decided to release"):
        decide_held_batch(batch_id, "refuse", "wang")
    (decision,) = city.rows("SELECT decision, decided_by, note FROM meta.batch_decision")
    assert decision == {"decision": "release", "decided_by": "li", "note": "已核实"}
    assert held_batches() == []
    assert_accounted_for(city)


def test_refuse_loads_nothing(city: City) -> None:
    city.add_dataset("trial_red")
    batch_id = hold(city, "trial_red")
    for _ in range(2):
        outcome = decide_held_batch(batch_id, "refuse", "li", "模板不符")
        assert (outcome.state, outcome.rows_rejected, outcome.rows_loaded) == ("refused", 10, 0)
    assert "由 li 退回：模板不符" in (outcome.reason or "")
    assert city.raw("trial_red") == []
    assert_accounted_for(city)


def test_only_a_held_batch_can_be_decided(city: City) -> None:
    city.add_dataset("trial_red")
    city.drop("trial_red", "a.csv", red_delivery(0))
    (batch_id,) = land_dataset("trial_red").landed
    with pytest.raises(DecisionError, match="is landed, not held"):
        decide_held_batch(batch_id, "release", "li")
    with pytest.raises(DecisionError, match="no batch 999"):
        decide_held_batch(999, "release", "li")
    assert city.rows("SELECT * FROM meta.batch_decision") == []


def test_a_crash_after_the_decision_is_made_up_for(city: City) -> None:
    city.add_dataset("trial_red")
    batch_id = hold(city, "trial_red")
    source = city.settings.sources_dir / "trial_red.yml"
    content = source.read_text(encoding="utf-8")
    source.unlink()
    with pytest.raises(Exception, match=r"write .*trial_red\.yml"):
        decide_held_batch(batch_id, "release", "li")
    assert city.batch(batch_id)["state"] == "held"
    source.write_text(content, encoding="utf-8")
    assert decide_held_batch(batch_id, "release", "li").rows_loaded == 7
    assert_accounted_for(city)


def test_without_expectations_nothing_is_loaded_and_others_go_on(city: City) -> None:
    city.add_dataset("trial_bare")
    city.add_dataset("trial_fine")
    (city.settings.expectations_dir / "trial_bare.yml").unlink()
    good = (HEADER + f"{credit_code(1)},甲,1,1,2001-01-01\n").encode()
    for dataset in ("trial_bare", "trial_fine"):
        city.drop(dataset, "a.csv", good)
        land_dataset(dataset)
    outcomes = {outcome.dataset: outcome for outcome in gate_landed_batches()}
    assert outcomes["trial_fine"].state == "loaded"
    assert outcomes["trial_bare"].state == "landed"
    assert f"{city.settings.expectations_dir}/trial_bare.yml" in (outcomes["trial_bare"].reason or "")
    assert gate_landed_batches() == []  # it waits, so that a loop over the gate comes to an end
