"""A small stack under a real supervisord: life, death and what a kill -9 leaves
behind.
"""

import os
import signal
import stat
from collections.abc import Callable, Iterator
from io import StringIO

import psutil
import psycopg
import pytest
from rich.console import Console

from citybrain.settings import Settings
from citybrain.stack import postgres, up
from citybrain.stack.errors import StackError
from citybrain.stack.processes import end_orphans, noted_group, postmaster
from citybrain.stack.progress import Steps
from citybrain.stack.services import Service, services
from citybrain.stack.supervision import Supervisor
from waiting import until

pytestmark = pytest.mark.integration


def start_small(settings: Settings, *names: str) -> Supervisor:
    """PostgreSQL and the services named. S3 takes 16 s to stop in order, so only one test has it."""
    up.make_folders(settings)
    postgres.initialise(settings)
    supervisor = Supervisor(settings)
    up.start_supervisor(supervisor)
    up.start_services(supervisor, chosen(settings, "postgres", *names), Steps(Console(file=StringIO())))
    return supervisor


def chosen(settings: Settings, *names: str) -> list[Service]:
    return [service for service in services(settings) if service.name in names]


def pids(settings: Settings) -> dict[str, int]:
    return {state.name: state.pid for state in up.service_states(settings) if state.pid}


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def stack(own_settings: Callable[..., Settings]) -> Iterator[Settings]:
    settings = own_settings()
    start_small(settings)
    yield settings
    s3 = pids(settings).get("s3")
    if s3 is not None:
        psutil.Process(s3).kill()
    up.down(settings)
    end_orphans(settings)


def test_a_stack_starts_once_stops_and_starts_again(stack: Settings) -> None:
    first = pids(stack)
    assert set(first) == {"postgres"}
    start_small(stack, "feeds")
    both = pids(stack)
    assert set(both) == {"postgres", "feeds"}
    assert both["postgres"] == first["postgres"]

    modes = {
        path: stat.S_IMODE(path.stat().st_mode) for path in stack.secrets_dir.rglob("*") if path.is_file()
    }
    assert len(modes) >= 1
    assert set(modes.values()) == {0o600}

    assert set(up.down(stack)) == {"postgres", "feeds"}
    assert {state.state for state in up.service_states(stack)} == {"stopped"}
    assert not any(is_alive(pid) for pid in both.values())
    assert up.down(stack) == []

    start_small(stack)
    assert {state.name: state.state for state in up.service_states(stack) if state.pid} == {
        "postgres": "running"
    }


def test_a_killed_supervisor_leaves_nothing_the_next_start_cannot_clean(stack: Settings) -> None:
    start_small(stack, "s3")
    with psycopg.connect(stack.admin_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (a int)")
        connection.execute("INSERT INTO kept VALUES (7)")
    (supervisor,) = noted_group(stack.run_dir / "supervisord.pid")
    orphans = pids(stack)
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait(10)

    left = postmaster(stack)
    assert left is not None
    assert left.pid == orphans["postgres"]
    states = {state.name: state.state for state in up.service_states(stack)}
    assert states["postgres"] == "failed"
    assert states["s3"] in ("failed", "stopped")  # it may have died of its next line of log: nobody reads it

    start_small(stack, "s3")
    assert not any(is_alive(pid) for pid in orphans.values())
    states = {state.name: state.state for state in up.service_states(stack)}
    assert states["postgres"] == states["s3"] == "running"
    with psycopg.connect(stack.admin_url) as connection:
        assert connection.execute("SELECT a FROM kept").fetchall() == [(7,)]


def test_other_settings_start_the_programs_again(stack: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pids(stack)
    monkeypatch.setenv("CITYBRAIN_DEMO_SEED", "7")
    changed = stack.model_copy(update={"demo_seed": 7})
    start_small(changed)
    second = pids(changed)
    assert set(second) == set(first)
    assert not set(second.values()) & set(first.values())


def test_a_program_that_dies_at_once_names_its_log(stack: Settings) -> None:
    """PostgreSQL without its data's version file cannot start; the error carries its own words."""
    supervisor = Supervisor(stack)
    up.down(stack)
    version = postgres.data_folder(stack) / "PG_VERSION"
    version.rename(version.with_suffix(".away"))
    up.start_supervisor(supervisor)
    with pytest.raises(StackError, match="postgres died") as died:
        up.start_services(supervisor, chosen(stack, "postgres"), Steps(Console(file=StringIO())))
    assert str(stack.log_dir / "postgres.log") in str(died.value)
    assert "is not a valid data directory" in str(died.value)
    assert next(s.state for s in up.service_states(stack) if s.name == "postgres") == "failed"
    version.with_suffix(".away").rename(version)
    up.start_services(supervisor, chosen(stack, "postgres"), Steps(Console(file=StringIO())))


def test_a_program_that_ends_without_an_error_comes_back(stack: Settings) -> None:
    """The desk's worker ends in good order when it loses its database; nobody had asked it to."""
    supervisor = Supervisor(stack)
    until(lambda: supervisor.state("postgres")[0] == "RUNNING", 30)
    before = pids(stack)["postgres"]
    os.kill(before, signal.SIGINT)  # its fast shutdown, which exits with 0
    until(lambda: supervisor.state("postgres")[1] not in (0, before), 30)


def test_a_program_that_cannot_start_for_a_while_comes_back(stack: Settings) -> None:
    """As all that need PostgreSQL, while it is away for longer than a few tries take."""
    supervisor = Supervisor(stack)
    version = postgres.data_folder(stack) / "PG_VERSION"
    version.rename(version.with_suffix(".away"))
    os.kill(pids(stack)["postgres"], signal.SIGINT)
    log = stack.log_dir / "postgres.log"
    until(lambda: log.read_text(encoding="utf-8").count("is not a valid data directory") > 4, 60)
    assert next(s.state for s in up.service_states(stack) if s.name == "postgres") == "failed"
    version.with_suffix(".away").rename(version)
    until(lambda: supervisor.state("postgres")[0] == "RUNNING", 60)


def test_a_pid_file_of_another_process_names_nobody(stack: Settings) -> None:
    """Ids are used again: a note whose start time differs from the living process's must not get it
    killed.
    """
    note = stack.run_dir / "feeds.pid"
    note.write_text(f"{os.getpid()} {psutil.Process().create_time() - 3600}\n", encoding="ascii")
    assert noted_group(note) == []
    note.write_text(f"{os.getpid()} {psutil.boot_time() - 3600}\n", encoding="ascii")
    assert noted_group(note) == []


def test_a_supervisor_of_an_older_version_is_stopped_and_followed(
    stack: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer version knows a program that the running supervisor was never told of."""
    newer = [*services(stack), Service("novelty", None, stack.log_dir / "novelty.log")]
    monkeypatch.setattr("citybrain.stack.supervision.services", lambda _settings: newer)
    supervisor = Supervisor(stack)
    assert supervisor.state("novelty") == ("STOPPED", 0, "")
    assert not supervisor.same_settings()
    before = pids(stack)["postgres"]

    start_small(stack)

    assert supervisor.same_settings()
    assert supervisor.state("novelty")[0] == "STOPPED"
    assert pids(stack)["postgres"] != before
