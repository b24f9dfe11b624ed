"""One typed settings object: the only reader of the environment.

Every setting is an environment variable `CITYBRAIN_<NAME>`, or a line of `.env` beside the project.
Passwords that nobody sets are generated once into `<home>/secrets/` (one file each, mode 600), so that no
secret stands in the repository or in a log.
"""

import os
import secrets as random_secrets
import shutil
from enum import StrEnum
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SOURCE_TREE = Path(__file__).resolve().parents[2]


def _default_project() -> Path:
    """The checkout this package runs from; for a package installed from a wheel, the working directory."""
    return SOURCE_TREE if (SOURCE_TREE / "dbt_project").is_dir() else Path.cwd()


class DatabaseRole(StrEnum):
    """The login roles of the `city` database, and those of the databases beside it."""

    OWNER = "owner"  # owns the schemas; migrations run as this role
    LOADER = "loader"  # writes raw, quarantine, meta; reads nothing else
    TRANSFORMER = "transformer"  # dbt: reads raw and meta, writes staging, intermediate, marts
    BI_READER = "bi_reader"  # Superset: reads marts only
    DESK = "desk"  # the case desk: writes ops under row security, reads what it shows
    MATCHER = "matcher"  # policy matching: reads facts, adds results
    WATCHER = "watcher"  # the vision workers: rounds and objects of their own, adds signals
    SENSOR = "sensor"  # the rules over readings, tracks and tables: their own states, adds signals
    PUBLISHER = "publisher"  # open tables: reads marts, keeps the Iceberg catalog
    AIRFLOW = "airflow"  # owns the `airflow` database
    SUPERSET = "superset"  # owns the `superset` database
    EXCHANGE = "exchange"  # owns the `exchange` database: the demo city's departments write it
    EXCHANGE_READER = "exchange_reader"  # reads the `exchange` database, as the platform pulls from it

    @property
    def login(self) -> str:
        return f"citybrain_{self.value}"


class OidcProvider(BaseModel):
    """An OpenID Connect provider and how it knows the desk. The provider's document of discovery says all."""

    model_config = ConfigDict(extra="forbid")

    issuer: str = Field(min_length=1)
    client_id: str = Field(min_length=1)
    authorization_url: str = Field(pattern=r"^https?://")
    token_url: str = Field(pattern=r"^https?://")
    user_url: str = Field(pattern=r"^https?://")
    keys_url: str = Field(pattern=r"^https?://")
    username_claim: str = "preferred_username"
    scopes: str = "openid profile"
    sign_algorithm: Literal["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"] = "RS256"


class Settings(BaseSettings):
    """All settings. Paths are absolute after validation; ports are TCP ports on loopback."""

    model_config = SettingsConfigDict(env_prefix="CITYBRAIN_", extra="ignore")

    project: Path = Field(
        default_factory=_default_project, description="the checkout: dags/, dbt_project/, expectations/ …"
    )
    home: Path = Field(
        default=Path(".citybrain"), description="data, logs and generated secrets of the embedded stack"
    )
    bind_host: str = Field(default="127.0.0.1", description="the address every service listens on")

    database_url: SecretStr | None = Field(
        default=None,
        description="an outside PostgreSQL: postgresql://role:password@host:port/database"
        " of a role with CREATEDB and CREATEROLE",
    )
    postgres_port: int = Field(default=15432, description="the embedded PostgreSQL")

    s3_endpoint: str | None = Field(
        default=None, description="an outside S3, host:port; unset means the embedded SeaweedFS"
    )
    s3_access_key: SecretStr | None = Field(
        default=None, description="of the outside S3; the embedded one's is generated"
    )
    s3_secret_key: SecretStr | None = Field(default=None, description="of the outside S3")
    s3_secure: bool = Field(default=False, description="whether the outside S3 speaks TLS")
    s3_region: str = Field(default="us-east-1", description="signed into every S3 request")
    s3_bucket_prefix: str = Field(
        default="citybrain-", description="before every bucket's name: landing, inbox …"
    )
    s3_port: int = Field(default=18333, description="the embedded S3; its gRPC twin takes this port + 10000")
    s3_master_port: int = Field(default=19333, description="the embedded S3's master; also this port + 10000")
    s3_volume_port: int = Field(
        default=18334, description="the embedded S3's volume server; also this port + 10000"
    )
    s3_filer_port: int = Field(default=18335, description="the embedded S3's filer; also this port + 10000")

    airflow_port: int = Field(default=18080, description="Airflow's pages and API")
    superset_port: int = Field(default=18088, description="Superset's pages and API")
    feeds_port: int = Field(
        default=18090, description="the demo city's HTTP feeds, what an outside vendor would serve"
    )
    pages_port: int = Field(
        default=18091, description="published pages: Great Expectations Data Docs and dbt docs"
    )

    desk_port: int = Field(default=18085, description="the desk: cases, policy review, the phone page")

    # Where the other services are found: on this machine unless they run elsewhere (one container each).
    airflow_url: str = Field(default="", description="default http://127.0.0.1:<airflow_port>")
    superset_url: str = Field(default="", description="default http://127.0.0.1:<superset_port>")
    pages_url: str = Field(default="", description="default http://127.0.0.1:<pages_port>")
    desk_url: str = Field(default="", description="default http://127.0.0.1:<desk_port>")
    desk_hosts: list[str] = Field(
        default_factory=list, description="host names the desk answers to besides loopback, as a JSON list"
    )

    desk_second_factor: bool = Field(
        default=True, description="administrators of the desk sign in with a code besides the password"
    )
    desk_oidc: OidcProvider | None = Field(
        default=None,
        description="the identity provider whose people may sign in to the desk, as a JSON object: issuer,"
        " client_id, authorization_url, token_url, user_url, keys_url, and where they differ from the usual"
        " username_claim, scopes, sign_algorithm; the client's secret is CITYBRAIN_DESK_OIDC_SECRET",
    )

    notify_urls: list[SecretStr] = Field(
        default_factory=list,
        description="Apprise addresses that get every notification of the desk, as a JSON list"
        " (json://host/path for a webhook); organisations add their own",
    )

    drop_folder: Path | None = Field(
        default=None, description="where departments drop files; default <home>/drop"
    )
    feeds_url: str | None = Field(
        default=None, description="base URL of HTTP sources that name a path; default the demo city's feeds"
    )
    enable_sources: list[str] = Field(
        default_factory=list, description="disabled datasets to switch on, as a JSON list"
    )
    http_allow: list[str] = Field(
        default_factory=list,
        description="host:port pairs that HTTP sources may open besides the demo city's feeds and the https"
        " hosts of enabled sources; the only ones that webhooks may lead to",
    )
    http_private_networks: list[str] = Field(
        default_factory=list,
        description="networks, e.g. 10.20.0.0/16, in which host names of HTTP sources may lie; others must be"
        " public addresses",
    )
    source_secrets: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="keys of outside sources by the name their files use, as a JSON object",
    )
    source_databases: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="outside PostgreSQL databases by the name source files use, as a JSON object of"
        " postgresql:// addresses; `exchange` is the demo city's unless named here",
    )

    mqtt: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="the embedded MQTT broker and the bridge into the lake: auto starts them where mosquitto"
        " is installed, on demands it",
    )
    mqtt_port: int = Field(default=18883, description="the embedded MQTT broker")
    mqtt_url: str | None = Field(
        default=None,
        description="an outside broker as the city's own, mqtt://host:port or mqtts://host:port;"
        " unset means the embedded mosquitto",
    )
    mqtt_publishers: list[str] = Field(
        default=["device"],
        description="accounts that may publish below city/ on the embedded broker, as a JSON list;"
        " the password of each is the generated secret mqtt_<name>_password",
    )
    mqtt_allow: list[str] = Field(
        default_factory=list,
        description="host:port pairs of outside brokers that datasets may subscribe at, as a JSON list",
    )
    mqtt_accounts: dict[str, SecretStr] = Field(
        default_factory=dict,
        description='accounts at outside brokers, as a JSON object: {"host:port": "user:password"}',
    )
    mqtt_ca_file: Path | None = Field(
        default=None,
        description="certificates that mqtts brokers are checked against; default the system's",
    )

    demo: bool = Field(
        default=True, description="whether `make up` lets the demo city write deliveries first"
    )
    demo_enterprises: int = Field(
        default=20_000, ge=100, description="firms in the demo city's enterprise register"
    )
    demo_case_months: int = Field(
        default=12,
        ge=0,
        le=24,
        description="months of past cases that `make up` writes into the desk; 0 for none",
    )
    demo_seed: int = Field(default=341600, description="the demo city is the same for the same seed")

    camera_accounts: dict[str, SecretStr] = Field(
        default_factory=dict,
        description='accounts at cameras, as a JSON object: {"host:port": "user:password"}; a camera\'s'
        " host:port also has to stand in CITYBRAIN_HTTP_ALLOW",
    )

    models_folder: Path | None = Field(
        default=None, description="where the city keeps weights of detectors; default <home>/models"
    )
    fetch_weights: bool = Field(
        default=False,
        description="whether weights that ultralytics publishes may be fetched from the network, by name",
    )

    originals_days: int = Field(
        default=7,
        ge=0,
        le=90,
        description="days for which a camera's still of a finding is kept as it was taken, for nobody's eyes:"
        " rejected findings become training pictures; 0 keeps none",
    )
    vision_runtime: Literal["auto", "openvino", "onnxruntime", "torch"] = Field(
        default="auto",
        description="what networks run on: auto takes torch where a graphics card is, else OpenVINO where it"
        " is installed, else ONNX Runtime",
    )
    vision_eight_bit: bool = Field(
        default=True,
        description="whether OpenVINO may count in eight bits, with networks that have been made for it, on"
        " processors where that is quicker",
    )

    own_table_mb: int = Field(
        default=32,
        ge=0,
        description="a delivery of so many MiB is a table of its own, taken into raw as it stands",
    )
    gate_batches: int = Field(default=200, ge=1, description="landed batches one gate run claims at most")
    gate_processes: int = Field(
        default=2, ge=1, description="processes that judge landed batches at once, when there are many"
    )
    claim_minutes: int = Field(
        default=30, ge=1, description="after this long a claim of a killed process is free again"
    )
    max_object_mb: int = Field(
        default=2048, ge=1, description="a larger delivery is rejected before it is read"
    )

    @field_validator("mqtt_publishers", mode="after")
    @classmethod
    def _plain_accounts(cls, value: list[str]) -> list[str]:
        odd = [name for name in value if not (name.isascii() and name.isidentifier()) or name == "bridge"]
        if odd:
            raise ValueError(f"no names for accounts: {', '.join(odd)} (letters, digits, _; bridge is taken)")
        return value

    @field_validator("http_private_networks")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for network in value:
            ip_network(network)  # raises ValueError
        return value

    @field_validator("project", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    def model_post_init(self, _context: object) -> None:
        if not self.home.is_absolute():
            self.home = (self.project / self.home.expanduser()).absolute()
        self.airflow_url = (self.airflow_url or f"http://127.0.0.1:{self.airflow_port}").rstrip("/")
        self.superset_url = (self.superset_url or f"http://127.0.0.1:{self.superset_port}").rstrip("/")
        self.pages_url = (self.pages_url or f"http://127.0.0.1:{self.pages_port}").rstrip("/")
        self.desk_url = (self.desk_url or f"http://127.0.0.1:{self.desk_port}").rstrip("/")

    # Places below home
    @property
    def data_dir(self) -> Path:
        return self.home / "data"

    @property
    def log_dir(self) -> Path:
        return self.home / "logs"

    @property
    def run_dir(self) -> Path:
        """Pid files and sockets."""
        return self.home / "run"

    @property
    def secrets_dir(self) -> Path:
        return self.home / "secrets"

    @property
    def pages_dir(self) -> Path:
        """What the `pages` service publishes: `data-docs/` and `dbt/`."""
        return self.data_dir / "pages"

    @property
    def drops(self) -> Path:
        return self.drop_folder or self.home / "drop"

    @property
    def models_dir(self) -> Path:
        """Weights of detectors, `<name>.pt`; they go before those the project ships."""
        return self.models_folder or self.home / "models"

    @property
    def feeds_dir(self) -> Path:
        """What the demo city's `feeds` service serves."""
        return self.data_dir / "feeds"

    @property
    def feeds_base_url(self) -> str:
        return (self.feeds_url or f"http://127.0.0.1:{self.feeds_port}").rstrip("/")

    # MQTT
    @property
    def mqtt_program(self) -> str | None:
        """The installed mosquitto; Debian keeps it where only root's PATH looks."""
        return shutil.which("mosquitto", path=f"{os.defpath}:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")

    @property
    def mqtt_embedded(self) -> bool:
        """Whether this platform runs a broker of its own."""
        if self.mqtt == "off" or self.mqtt_url is not None:
            return False
        return self.mqtt == "on" or self.mqtt_program is not None

    @property
    def city_broker_url(self) -> str | None:
        """The city's own broker, None when there is none."""
        if self.mqtt_embedded:
            return f"mqtt://127.0.0.1:{self.mqtt_port}"
        return self.mqtt_url if self.mqtt != "off" else None

    @property
    def mqtt_bridged(self) -> bool:
        """Whether the bridge has a broker to listen to."""
        return self.mqtt != "off" and (self.city_broker_url is not None or bool(self.mqtt_allow))

    # Content rooms
    @property
    def sources_dir(self) -> Path:
        return self.project / "dags" / "sources"

    @property
    def expectations_dir(self) -> Path:
        return self.project / "expectations"

    @property
    def policies_dir(self) -> Path:
        return self.project / "policies"

    @property
    def detectors_dir(self) -> Path:
        return self.project / "detectors"

    @property
    def dashboards_dir(self) -> Path:
        return self.project / "dashboards"

    @property
    def dbt_dir(self) -> Path:
        return self.project / "dbt_project"

    # Secrets
    def secret(self, name: str) -> str:
        """The secret called `name`: `CITYBRAIN_<NAME>` if set, else the file in `secrets_dir`, made at first
        use.

        Generated values are 43 URL-safe characters (256 bits). Two processes that ask at once get the same
        value.
        """
        from_environment = os.environ.get(f"CITYBRAIN_{name.upper()}")
        if from_environment:
            return from_environment
        path = self.secrets_dir / name
        if not path.exists():
            self.secrets_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_name(f".{name}.{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_text(random_secrets.token_urlsafe(32), encoding="ascii")
            try:
                os.link(draft, path)
            except FileExistsError:  # another process was first: its value counts
                pass
            finally:
                draft.unlink()
        return path.read_text(encoding="ascii").strip()

    # PostgreSQL
    @property
    def postgres_embedded(self) -> bool:
        return self.database_url is None

    @property
    def postgres_host(self) -> str:
        return urlsplit(self.admin_url).hostname or "127.0.0.1"

    @property
    def postgres_tcp_port(self) -> int:
        return urlsplit(self.admin_url).port or 5432

    @property
    def admin_url(self) -> str:
        """The connection that creates roles and databases; used by set-up only."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        password = quote(self.secret("postgres_password"), safe="")
        return f"postgresql://postgres:{password}@127.0.0.1:{self.postgres_port}/postgres"

    def database(self, role: DatabaseRole) -> str:
        """The database a role belongs to: city, airflow, superset or exchange."""
        own = {
            DatabaseRole.AIRFLOW: "airflow",
            DatabaseRole.SUPERSET: "superset",
            DatabaseRole.EXCHANGE: "exchange",
            DatabaseRole.EXCHANGE_READER: "exchange",
        }
        return own.get(role, "city")

    def dsn(self, role: DatabaseRole, scheme: str = "postgresql") -> str:
        """The URL a role connects with; `scheme` may name a driver, e.g. postgresql+psycopg."""
        admin = urlsplit(self.admin_url)
        query = f"?{admin.query}" if admin.query else ""
        password = quote(self.secret(f"{role.value}_password"), safe="")
        host = f"{self.postgres_host}:{self.postgres_tcp_port}"
        return f"{scheme}://{role.login}:{password}@{host}/{self.database(role)}{query}"

    def source_database(self, name: str) -> str:
        """The address of an outside database that source files call `name`. Raises KeyError."""
        if name in self.source_databases:
            return self.source_databases[name].get_secret_value()
        if name == DatabaseRole.EXCHANGE.value:
            return self.dsn(DatabaseRole.EXCHANGE_READER)
        raise KeyError(name)

    @property
    def admin_role(self) -> str:
        return unquote(urlsplit(self.admin_url).username or "postgres")

    # S3
    @property
    def s3_embedded(self) -> bool:
        return self.s3_endpoint is None

    @property
    def s3_address(self) -> str:
        return self.s3_endpoint or f"127.0.0.1:{self.s3_port}"

    def bucket(self, zone: str) -> str:
        return f"{self.s3_bucket_prefix}{zone}"

    @property
    def s3_access(self) -> tuple[str, str]:
        """Access key and secret key: those of the outside S3, or the embedded server's generated pair."""
        if self.s3_access_key is not None and self.s3_secret_key is not None:
            return self.s3_access_key.get_secret_value(), self.s3_secret_key.get_secret_value()
        return self.secret("s3_access_key"), self.secret("s3_secret_key")


@cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    dotenv = _default_project() / ".env"
    return Settings(_env_file=dotenv if dotenv.exists() else None)  # type: ignore[call-arg]
