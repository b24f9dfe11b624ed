"""`citybrain grants` as a person or a DAG runs it: a process of its own against the real tables."""

import json
import subprocess
import sys
from typing import Any

from match_runs import firms, publish, run

from citybrain.settings import Settings
from conftest import People


def citybrain(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The verb's exit code and words; settings come from the environment, as for a DAG's task."""
    program = "import sys; from citybrain.cli import app; app(sys.argv[1:])"
    command = [sys.executable, "-c", program, "grants", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def answer(*arguments: str) -> Any:
    result = citybrain(*arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_run_becomes_lists_once_and_they_can_be_looked_at(desk: Settings, people: People) -> None:
    item = publish(desk)
    run_id = run(desk, {item: firms("100.00", "23.45")})
    made = answer("make-lists")
    assert (made["run_id"], made["made"], made["total"]) == (run_id, [f"{item.item_id}/2026/1"], "123.45")
    again = answer("make-lists")
    assert (again["made"], again["replaced"]) == ([], []) and f"{item.item_id}/2026/1" in again["kept"]

    (row,) = [one for one in answer("list", "--state", "draft") if one["code"] == f"{item.item_id}/2026/1"]
    assert (row["lines"], row["total"], row["run_id"]) == (2, "123.45", run_id)
    shown = answer("show", str(row["id"]))
    assert [step["step"] for step in shown["decisions"]] == ["matching"]
    assert shown["payment_files"] == []
    assert answer("counts")["waiting"] >= 1


def test_words_that_cannot_be_are_refused_with_what_could() -> None:
    wrong = citybrain("list", "--state", "paid")
    assert wrong.returncode == 2 and "draft" in wrong.stderr
    missing = citybrain("show", "999999")
    assert missing.returncode == 1 and "there is no grant list 999999" in missing.stderr


def test_an_older_run_is_refused(desk: Settings, people: People) -> None:
    item = publish(desk)
    older = run(desk, {item: firms("1.00")})
    run(desk, {item: firms("2.00")})
    refused = citybrain("make-lists", "--run", str(older))
    assert refused.returncode == 1 and "not the newest" in refused.stderr
