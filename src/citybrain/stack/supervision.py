"""The process supervisor (the `supervisor` library): its generated configuration, its life, and talking to
it.
"""

import os
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from pydantic import SecretStr
from supervisor.xmlrpc import Faults, SupervisorTransport

from citybrain.settings import Settings
from citybrain.stack.errors import StackError, log_tail
from citybrain.stack.processes import noted_group, write_note
from citybrain.stack.services import services

_LONGEST_SOCKET_PATH = 90  # the kernel's limit is 107, and supervisord appends its pid while it binds
_STOP_SECONDS = 40
# Each try waits a second longer: programs come back though PostgreSQL was away for an hour and more.
_RETRIES = 100
_PROGRAM = """
[program:{name}]
command={python} -m citybrain.stack.launch {name}
directory={run}
autostart=false
autorestart=true
startsecs=15
startretries={retries}
stopsignal={signal}
stopwaitsecs={wait}
stopasgroup={as_group}
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
"""


def configuration(settings: Settings) -> str:
    """The text of `supervisord.conf`: no secret in it, every program goes through the launcher."""
    run = settings.run_dir
    head = (
        "; Written by `citybrain up`; changes are lost.\n"
        f"[unix_http_server]\nfile={socket_path(settings)}\nchmod=0700\n\n"
        f"[supervisord]\nlogfile={_escape(log_file(settings))}\nlogfile_maxbytes=10MB\nlogfile_backups=1\n"
        f"pidfile={_escape(run / 'supervisord.pid.plain')}\nchildlogdir={_escape(settings.log_dir)}\n"
        f"directory={_escape(run)}\numask=022\n"
        + ("user=root\n" if os.geteuid() == 0 else "")
        + "\n[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\n"
        f"[supervisorctl]\nserverurl=unix://{socket_path(settings)}\n"
    )
    programs = [
        _PROGRAM.format(
            name=service.name,
            python=_escape(sys.executable),
            run=_escape(run),
            # PostgreSQL: fast shutdown, told to the postmaster alone. Airflow's parts end their own children.
            signal="INT" if service.name == "postgres" else "TERM",
            as_group="false" if service.name in ("postgres", "superset") else "true",
            retries=_RETRIES,
            wait=_STOP_SECONDS,
            log=_escape(service.log),
        )
        for service in services(settings)
    ]
    return head + "".join(programs)


def _escape(path: Path | str) -> str:
    return str(path).replace("%", "%%")


def socket_path(settings: Settings) -> Path:
    return settings.run_dir / "supervisor.sock"


def log_file(settings: Settings) -> Path:
    return settings.log_dir / "supervisord.log"


def fingerprint(settings: Settings) -> str:
    """Changes with any setting and with the programs: what was started under others has to start again."""
    values = {name: _in_full(value) for name, value in settings}
    return sha256(repr((sorted(values.items()), configuration(settings))).encode()).hexdigest()


def _in_full(value: Any) -> Any:
    """A setting with the secrets in it, where its text shows stars."""
    if isinstance(value, list):
        return [_in_full(part) for part in value]
    if isinstance(value, dict):
        return {key: _in_full(part) for key, part in value.items()}
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


class Supervisor:
    """A running supervisord, spoken to over its Unix socket."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def _rpc(self) -> Any:
        """A connection for one call: a kept one never recovers from a refused connect, nor serves threads."""
        transport = SupervisorTransport(None, None, f"unix://{socket_path(self.settings)}")
        return ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def is_running(self) -> bool:
        """Whether it answers. A socket file without a supervisor behind it does not count."""
        try:
            self._rpc.getState()
        except (OSError, HTTPException, Fault):
            return False
        return True

    def same_settings(self) -> bool:
        """Whether the running supervisor was started under the settings of this process."""
        noted = self.settings.run_dir / "settings.sha256"
        return noted.exists() and noted.read_text(encoding="ascii") == fingerprint(self.settings)

    def start(self) -> None:
        """Write the configuration and start supervisord in the background. Raises StackError."""
        settings = self.settings
        settings.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.log_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        if len(os.fsencode(socket_path(settings))) > _LONGEST_SOCKET_PATH:
            raise StackError(
                f"{socket_path(settings)} is too long for a Unix socket; set CITYBRAIN_HOME to a shorter path"
            )
        path = settings.run_dir / "supervisord.conf"
        path.write_text(configuration(settings), encoding="utf-8")
        (settings.run_dir / "settings.sha256").write_text(fingerprint(settings), encoding="ascii")
        program = Path(sysconfig.get_path("scripts")) / "supervisord"
        environment = os.environ | {
            "CITYBRAIN_HOME": str(settings.home),
            "CITYBRAIN_PROJECT": str(settings.project),
            "PYTHONWARNINGS": "ignore::UserWarning",  # supervisor's own, about pkg_resources
        }
        result = subprocess.run(
            [sys.executable, str(program), "-c", str(path)],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        deadline = time.monotonic() + 15
        while not self.is_running():
            if result.returncode != 0 or time.monotonic() > deadline:
                log = log_file(settings)
                raise StackError(
                    f"supervisord does not start: {result.stderr.strip()}; log {log}:{log_tail(log)}"
                )
            time.sleep(0.05)
        write_note(settings.run_dir / "supervisord.pid", self._rpc.getPID())

    def state(self, name: str) -> tuple[str, int, str]:
        """State name (RUNNING, STARTING, STOPPED, BACKOFF, FATAL, EXITED …), pid (0 for none) and
        description. A program this supervisor was not told of (it runs an older version) is stopped.
        """
        try:
            info = self._rpc.getProcessInfo(name)
        except Fault as fault:
            if fault.faultCode == Faults.BAD_NAME:
                return "STOPPED", 0, ""
            raise
        return str(info["statename"]), int(info["pid"]), str(info["description"])

    def start_service(self, name: str) -> None:
        """Ask for a program to be started and return at once. One that runs is left alone, one that waits for
        its next try has it now.
        """
        if self.state(name)[0] == "BACKOFF":
            with suppress_fault(Faults.NOT_RUNNING):
                self._rpc.stopProcess(name, False)
        with suppress_fault(Faults.ALREADY_STARTED):
            self._rpc.startProcess(name, False)

    def stop(self, seconds: float = _STOP_SECONDS + 20) -> None:
        """Stop all programs together, then PostgreSQL, then the supervisor itself; returns when it is
        gone.
        """
        names = [info["name"] for info in self._rpc.getAllProcessInfo() if info["statename"] != "STOPPED"]
        deadline = time.monotonic() + seconds
        users_of_postgres = [name for name in names if name != "postgres"]
        for name in users_of_postgres:
            with suppress_fault(Faults.NOT_RUNNING):
                self._rpc.stopProcess(name, False)
        while any(self.state(name)[1] for name in users_of_postgres) and time.monotonic() < deadline:
            time.sleep(0.1)
        with suppress(OSError, HTTPException):
            self._rpc.shutdown()
        while noted_group(self.settings.run_dir / "supervisord.pid"):
            if time.monotonic() > deadline:
                raise StackError(f"supervisord does not stop; log {log_file(self.settings)}")
            time.sleep(0.1)
        for path in self.settings.run_dir.glob("*.pid*"):
            path.unlink()


class suppress_fault:  # noqa: N801  # reads as contextlib.suppress does
    """Ignore one XML-RPC fault code, the answer that says things are as wanted already."""

    def __init__(self, code: int) -> None:
        self.code = code

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> bool:
        return isinstance(error, Fault) and error.faultCode == self.code
