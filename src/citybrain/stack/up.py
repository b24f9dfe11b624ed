"""Starting and stopping everything: what `citybrain up`, `down` and `status` do."""

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event

from citybrain.settings import Settings
from citybrain.stack import health, main_job, mosquitto, postgres, setup
from citybrain.stack.errors import StackError, log_tail
from citybrain.stack.ports import require_free_ports
from citybrain.stack.processes import end_orphans, noted_group
from citybrain.stack.progress import Steps
from citybrain.stack.services import AIRFLOW_SERVICES, DESK_SERVICES, Service, services
from citybrain.stack.supervision import Supervisor

_FREE_BYTES = 1 << 30
_FULL_BYTES = 64 << 20
_START_SECONDS = 180
_TRIES = 3
_ALIVE = ("RUNNING", "STARTING")
_MARKS = {
    "success": "[green]✓[/]",
    "skipped": "[dim]–[/]",
    "failed": "[red]✗[/]",
    "upstream_failed": "[red]·[/]",
}


@dataclass(frozen=True)
class ServiceState:
    """One service as people and scripts see it: state is running, starting, stopped or failed; pid is 0
    for none.
    """

    name: str
    state: str
    url: str | None
    pid: int
    log: str


def up(settings: Settings, steps: Steps, *meanwhile: Callable[[], None]) -> None:
    """Start what is down and bring it up to date; the first time without Superset, which then starts beside
    the main job. Safe to run again, and while everything runs.

    `meanwhile` is done as soon as the databases stand, beside the programs that start.

    Raises StackError or MissingRightsError with the setting to change or the log to read.
    """
    require_space(settings)
    make_folders(settings)
    with _one_at_a_time(settings):
        supervisor = Supervisor(settings)
        with steps.step("process supervisor"):
            start_supervisor(supervisor)
            by_name = {service.name: service for service in services(settings)}
            require_ports(supervisor, list(by_name.values()))

        def start(*names: str) -> None:
            start_services(supervisor, [by_name[name] for name in names if name in by_name], steps)

        if settings.postgres_embedded:
            postgres.initialise(settings)
        if settings.mqtt_embedded:
            mosquitto.require_installed(settings)
        start("postgres")
        with steps.step("databases, roles, migrations"):
            setup.prepare_warehouse(settings)

        def start_airflow() -> None:
            with steps.step("Airflow's metadata and accounts"):
                setup.prepare_airflow(settings)
            start(*AIRFLOW_SERVICES)

        def start_desk() -> None:
            with steps.step("the desk's tables and accounts"):
                setup.prepare_desk(settings)
            start(*DESK_SERVICES)

        def start_vision() -> None:
            start("s3")
            start("mqtt-bridge")
            start("vision")  # looks for weights in the lake first

        def start_superset() -> None:
            if setup.superset_was_prepared(settings):
                up_superset(settings, steps)

        # No set-up needs the lake, and after a stop S3 takes some 20 s to find its volumes again.
        steps.together(
            *(start_airflow, start_superset, start_desk, start_vision),
            lambda: start("mqtt", "feeds", "pages"),
            *meanwhile,
        )
        off = mosquitto.why_off(settings)
        if off is not None:
            steps.line("[yellow]–[/]", off, None)


def run_main_job_and_superset(settings: Settings, steps: Steps) -> None:
    """The main job, and beside it Superset where `up` left it for later: nothing asks for it before there is
    something to publish. It starts when models have been read: building them keeps one processor busy,
    what comes before keeps all. Raises StackError.
    """
    parsed = Event()

    def start_superset() -> None:
        parsed.wait()
        if Supervisor(settings).state("superset")[0] not in _ALIVE:
            up_superset(settings, steps)

    def run() -> None:
        try:
            run_main_job(settings, steps, parsed)
        finally:
            parsed.set()

    steps.together(run, start_superset)


def up_superset(settings: Settings, steps: Steps) -> None:
    """Start Superset when it is down, and bring it up to date. Raises StackError."""
    wanted = [service for service in services(settings) if service.name == "superset"]
    with steps.step("Superset's metadata and account"):
        setup.prepare_superset(settings)
    start_services(Supervisor(settings), wanted, steps)


def run_main_job(settings: Settings, steps: Steps, parsed: Event) -> None:
    """Trigger `city_refresh` as the data engineer and show its tasks as they end; `parsed` is set when its
    models have been read. Raises StackError when it fails.
    """
    with steps.step("Airflow reads the DAGs"):
        api = main_job.AirflowApi(settings, "engineer")
        main_job.wait_for_dag(api, main_job.MAIN_DAG)
    with steps.step(f"job {main_job.MAIN_DAG}"):
        run_id = main_job.trigger(api)
        for task in main_job.follow(api, run_id):
            steps.line("  " + _MARKS.get(task.state, "?"), f"  {task.title}", task.seconds)
            if task.task_id == main_job.PARSE:
                parsed.set()


def start_supervisor(supervisor: Supervisor) -> None:
    """Have supervisord running under the settings of this process; ends what a killed one left behind
    first.
    """
    if supervisor.is_running() and not supervisor.same_settings():
        supervisor.stop()
    if not supervisor.is_running():
        end_orphans(supervisor.settings)
        supervisor.start()


def require_ports(supervisor: Supervisor, wanted: list[Service]) -> None:
    """Raise StackError naming the setting when a program that is down will find one of its ports taken."""
    for service in wanted:
        if supervisor.state(service.name)[0] not in _ALIVE:
            require_free_ports(supervisor.settings, service.name)


def start_services(supervisor: Supervisor, wanted: list[Service], steps: Steps) -> None:
    """Start programs that are down and wait until all of `wanted` do their work. Raises StackError."""
    for service in wanted:
        if supervisor.state(service.name)[0] not in _ALIVE:
            require_free_ports(supervisor.settings, service.name)
            supervisor.start_service(service.name)
    for service in wanted:
        with steps.step(service.name):
            wait_until_it_answers(supervisor, service)


def wait_until_it_answers(supervisor: Supervisor, service: Service, seconds: float = _START_SECONDS) -> None:
    """Wait until the service does its work. Raises StackError with its log's end when it has died _TRIES
    times meanwhile (the supervisor goes on trying) or stays silent.
    """
    deadline = time.monotonic() + seconds
    deaths, before = 0, ""
    while not health.answers(service, supervisor.settings):
        state, _, _ = supervisor.state(service.name)
        deaths += state == "BACKOFF" and before != "BACKOFF"
        before = state
        if state == "FATAL" or deaths == _TRIES:
            raise StackError(f"{service.name} died; log {service.log}:{log_tail(service.log)}")
        if time.monotonic() > deadline:
            tail = log_tail(service.log)
            raise StackError(
                f"{service.name} does not answer after {seconds:.0f} s; log {service.log}:{tail}"
            )
        time.sleep(0.3)


def down(settings: Settings) -> list[str]:
    """Stop everything, orphans of a killed supervisor included. Returns the names of what was stopped."""
    make_folders(settings)
    with _one_at_a_time(settings):
        supervisor = Supervisor(settings)
        if not supervisor.is_running():
            return end_orphans(settings)
        running = [state.name for state in service_states(settings) if state.pid]
        supervisor.stop()
        return running


def service_states(settings: Settings) -> list[ServiceState]:
    """The state of every service, asked now."""
    supervisor = Supervisor(settings)
    supervised = supervisor.is_running()
    return [
        _service_state(settings, service, supervisor if supervised else None)
        for service in services(settings)
    ]


def _service_state(settings: Settings, service: Service, supervisor: Supervisor | None) -> ServiceState:
    if supervisor is None:
        left = noted_group(settings.run_dir / f"{service.name}.pid")
        # A program whose supervisor was killed may still answer, but nobody looks after it: `up` ends it.
        state, pid = ("failed", left[0].pid) if left else ("stopped", 0)
    else:
        name, pid, _ = supervisor.state(service.name)
        if name in _ALIVE:
            state = "running" if health.answers(service, settings) else "starting"
        else:
            state = {"STOPPED": "stopped", "STOPPING": "running"}.get(name, "failed")
    return ServiceState(service.name, state, service.url, pid, str(service.log))


def make_folders(settings: Settings) -> None:
    """The folders below home: secrets and run for their owner alone, data passable for PostgreSQL's user."""
    settings.home.mkdir(mode=0o755, parents=True, exist_ok=True)
    for folder, mode in (
        (settings.data_dir, 0o711),
        (settings.log_dir, 0o755),
        (settings.run_dir, 0o700),
        (settings.secrets_dir, 0o700),
    ):
        folder.mkdir(mode=mode, exist_ok=True)


def require_space(settings: Settings, needed: int = _FREE_BYTES) -> None:
    """Raise StackError naming CITYBRAIN_HOME when the disk below it has less than `needed` bytes left."""
    existing = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise StackError(
            f"only {free / 2**20:.0f} MiB are free at {existing}, {needed / 2**20:.0f} MiB are needed."
            " Free some space or set CITYBRAIN_HOME to a folder on a larger disk."
        )


def space_note(settings: Settings) -> str:
    """A line to add to an error when the disk has filled up: the program that failed may not have said so."""
    try:
        require_space(settings, _FULL_BYTES)
    except StackError as full:
        return f"\n{full}"
    return ""


@contextmanager
def _one_at_a_time(settings: Settings) -> Iterator[None]:
    """Raise StackError when another `up` or `down` works on this home. The lock ends with its process."""
    with (settings.run_dir / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                f"another `citybrain up` or `down` is at work on {settings.home}; wait for it"
            ) from None
        yield
