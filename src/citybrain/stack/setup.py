"""Databases, roles, migrations, Airflow's and Superset's metadata: brought up to date, and skipped when
nothing changed.
"""

import subprocess
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import psycopg

from citybrain.settings import DatabaseRole, Settings
from citybrain.stack import airflow, desk, superset
from citybrain.stack.errors import StackError, log_tail

_REPOSITORY_FILES = Path(__file__).parent


def prepare_warehouse(settings: Settings) -> None:
    """Roles, databases, schemas, migrations of `city`. Raises MissingRightsError with the SQL to run."""
    from citybrain.warehouse.databases import prepare
    from citybrain.warehouse.migrations import upgrade

    prepare(settings)
    upgrade(settings)


def prepare_airflow(settings: Settings) -> None:
    """Metadata tables, roles and the three accounts, in one process; skipped when version and accounts are
    unchanged.
    """
    accounts = airflow.accounts_input(settings)
    code = (_REPOSITORY_FILES.parent / "orchestration" / "accounts.py").read_text(encoding="utf-8")
    versions = f"{version('apache-airflow')} {version('apache-airflow-providers-fab')}"
    stamp = _stamp(settings, DatabaseRole.AIRFLOW, versions, code, accounts)
    folder = settings.data_dir / "airflow"
    folder.mkdir(parents=True, exist_ok=True)
    airflow.task_log_folder(settings).mkdir(parents=True, exist_ok=True)
    _once(
        folder / "prepared",
        stamp,
        lambda: run_setup(
            "Airflow's set-up",
            airflow.accounts_command(),
            airflow.accounts_environment(settings),
            accounts,
            settings.log_dir / "airflow-setup.log",
        ),
    )


def prepare_superset(settings: Settings) -> None:
    """Metadata tables, permissions and the admin account, in one process; skipped when nothing changed."""
    account = superset.provision_input(settings)
    libraries = superset.environment_folder(settings) / "lib"
    versions = " ".join(
        sorted(path.name for path in libraries.glob("python*/site-packages/apache_superset-*"))
    )
    code = "".join(
        (_REPOSITORY_FILES / "superset" / name).read_text(encoding="utf-8")
        for name in ("provision.py", "superset_config.py")
    )
    stamp = _stamp(settings, DatabaseRole.SUPERSET, versions, code, account)
    superset.data_folder(settings).mkdir(parents=True, exist_ok=True)
    _once(
        _superset_mark(settings),
        stamp,
        lambda: run_setup(
            "Superset's set-up",
            superset.provision_command(settings),
            superset.environment(settings),
            account,
            settings.log_dir / "superset-setup.log",
        ),
    )


def superset_was_prepared(settings: Settings) -> bool:
    """Whether Superset was ever set up here: then there is little left to do, or nothing."""
    return _superset_mark(settings).exists()


def _superset_mark(settings: Settings) -> Path:
    return superset.data_folder(settings) / "prepared"


def prepare_desk(settings: Settings) -> None:
    """The desk's tables, roles, organisations and demo accounts; skipped while its code is unchanged."""
    rooms = [_REPOSITORY_FILES.parent / room for room in ("desk", "events", "policy")]
    files = sorted(path for room in rooms for path in room.rglob("*") if path.suffix in (".py", ".yml"))
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    stamp = _stamp(settings, DatabaseRole.OWNER, version("django"), version("procrastinate"), code)
    log = settings.log_dir / "desk-setup.log"

    def work() -> None:
        run_setup("The desk's set-up", desk.management("prepare"), desk.environment(settings), "", log)

    _once(settings.data_dir / "desk-prepared", stamp, work)


def _stamp(settings: Settings, role: DatabaseRole, *parts: str) -> str:
    """Names the database itself, too: a new or restored one is prepared again."""
    with psycopg.connect(settings.dsn(role), connect_timeout=10) as connection:
        identity = connection.execute(
            "SELECT s.system_identifier::text || ' ' || d.oid"
            " FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()"
        ).fetchone()
    return sha256("\0".join((str(identity), *parts)).encode()).hexdigest()


def _once(note: Path, stamp: str, work: Callable[[], None]) -> None:
    if note.exists() and note.read_text(encoding="ascii") == stamp:
        return
    work()
    note.write_text(stamp, encoding="ascii")


def run_setup(what: str, command: list[str], environment: dict[str, str], text: str, log: Path) -> None:
    """Run a set-up process with `text` on its stdin, output into `log`. Raises StackError with the log's
    end.
    """
    with log.open("wb") as output:
        result = subprocess.run(
            command,
            env=environment,
            input=text.encode(),
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            cwd="/",
        )
    if result.returncode != 0:
        raise StackError(f"{what} failed (exit code {result.returncode}); log {log}:{log_tail(log)}")
