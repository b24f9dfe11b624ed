"""The embedded MQTT broker: the system's mosquitto, under accounts that are generated.

Its own defaults would let anybody in, keep 1,000 messages for a bridge that is away and drop the rest. So:
passwords and an access list, loopback only, a store on disk, and a queue that holds a quarter of an hour at
1,000 messages/s.
"""

import base64
import hashlib
import os
import pwd
import secrets
import subprocess
from pathlib import Path

from citybrain.settings import Settings
from citybrain.stack.certificates import write_private
from citybrain.stack.errors import StackError
from citybrain.stack.ports import require_free_ports
from citybrain.stack.readiness import wait_until

INSTALL = "install it (Debian: apt-get install mosquitto) or set CITYBRAIN_MQTT=off"
_SYSTEM_USERS = ("mosquitto", "nobody")
_MOST_QUEUED = 1_000_000  # messages for a bridge that is away, some 350 MB of the broker's memory
_LONGEST_MESSAGE = 256 * 1024  # bytes
_HASH_ROUNDS = (
    101  # what mosquitto_passwd takes; generated passwords have 256 bits, so that nobody guesses them
)
_CONFIGURATION = """\
# Written by `citybrain up`; changes are lost.
per_listener_settings false
listener {port} {host}
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/access
persistence true
persistence_location {folder}/store/
autosave_interval 10
max_inflight_messages 0
max_queued_messages {most_queued}
max_packet_size {longest}
set_tcp_nodelay true
sys_interval 0
connection_messages false
log_dest stdout
log_type error
log_type warning
log_type notice
"""


def system_user() -> str | None:
    """The user the broker runs as: when we are root the package's own, else ourselves (None)."""
    if os.geteuid() != 0:
        return None
    known = {account.pw_name for account in pwd.getpwall()}
    return next(name for name in _SYSTEM_USERS if name in known)


def data_folder(settings: Settings) -> Path:
    """Configuration, hashed passwords, access list and the store; its owner's alone."""
    return settings.data_dir / "mqtt"


def command(settings: Settings) -> list[str]:
    return [settings.mqtt_program or "mosquitto", "-c", str(data_folder(settings) / "mosquitto.conf")]


def require_installed(settings: Settings) -> None:
    """Raises StackError saying what to install."""
    if settings.mqtt_program is None:
        raise StackError(f"mosquitto is not installed: {INSTALL}")


def initialise(settings: Settings) -> None:
    """Write configuration, accounts and access list anew. Raises StackError when mosquitto is missing."""
    require_installed(settings)
    folder = data_folder(settings)
    (folder / "store").mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    accounts = {name: settings.secret(f"mqtt_{name}_password") for name in settings.mqtt_publishers}
    accounts["bridge"] = settings.secret("mqtt_bridge_password")
    configuration = _CONFIGURATION.format(
        port=settings.mqtt_port,
        host=settings.bind_host,
        folder=folder,
        most_queued=_MOST_QUEUED,
        longest=_LONGEST_MESSAGE,
    )
    passwords = "".join(f"{name}:{_hashed(password)}\n" for name, password in accounts.items())
    access = "user bridge\ntopic read city/#\n"
    access += "".join(f"\nuser {name}\ntopic write city/#\n" for name in settings.mqtt_publishers)
    write_private(folder / "mosquitto.conf", configuration.encode())
    write_private(folder / "passwords", passwords.encode())
    write_private(folder / "access", access.encode())
    user = system_user()
    if user is not None:
        account = pwd.getpwnam(user)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)


def _hashed(password: str) -> str:
    """A line of mosquitto's password file: PBKDF2 with SHA-512, its type 7."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _HASH_ROUNDS)
    salt_text, digest_text = (base64.b64encode(part).decode("ascii") for part in (salt, digest))
    return f"$7${_HASH_ROUNDS}${salt_text}${digest_text}"


def start(settings: Settings) -> "subprocess.Popen[bytes]":
    """Start the broker as a child of this process and wait until it lets the bridge in. Raises StackError."""
    initialise(settings)
    require_free_ports(settings, "mqtt")
    settings.log_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
    user = system_user()
    log_file = settings.log_dir / "mqtt.log"
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            command(settings),
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            cwd="/",
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    wait_until(lambda: is_ready(settings), "MQTT (mosquitto)", log_file, process, 30)
    return process


def is_ready(settings: Settings) -> bool:
    """Whether the broker lets the bridge's account in."""
    from citybrain.ingest.mqtt.broker import answers, citys_broker

    broker = citys_broker(settings)
    return broker is not None and answers(settings, broker)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop the broker in order: it writes what it keeps for others to its store."""
    process.terminate()
    process.wait(30)


def why_off(settings: Settings) -> str | None:
    """What to tell a person when no broker runs here though one would be wanted."""
    if settings.mqtt == "auto" and settings.city_broker_url is None:
        return f"MQTT is off, no device readings arrive: mosquitto is not installed; {INSTALL}"
    return None
