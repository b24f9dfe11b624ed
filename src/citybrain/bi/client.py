"""superset-client 1.0.0, with the three calls repaired that Superset 6.1 breaks, and the endpoints it lacks.

The library gives sign-in, CSRF, token refresh, find, export and delete. Repaired here: the import of a
bundle (it opened the bare file name and sent the passwords as a file), the columns of a database (its `_info`
endpoint answers 500), and saving a chart (only its name was sent).
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import requests
from supersetapiclient.charts import Chart, Charts
from supersetapiclient.client import SupersetClient
from supersetapiclient.databases import Databases
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from citybrain.settings import Settings

ADMIN = "admin"
PAGE = 100
TIMEOUT = (5.0, 180.0)  # to connect, to answer: an import of every dashboard is one request


class SupersetError(RuntimeError):
    """Superset refused, failed or was not reached. The text names the endpoint and what it answered."""


class ListedDatabases(Databases):  # type: ignore[misc]
    """Names its columns itself instead of asking the endpoint that fails."""

    _COLUMNS = (
        "database_name",
        "sqlalchemy_uri",
        "expose_in_sqllab",
        "allow_ctas",
        "allow_cvas",
        "allow_dml",
    )

    @property
    def add_columns(self) -> list[str]:
        return [*self._COLUMNS, "extra"]

    edit_columns = add_columns


class WholeChart(Chart):  # type: ignore[misc]
    """A chart as found knows its dashboards as objects; an edit takes their ids."""

    def to_json(self, columns: Iterable[str]) -> dict[str, Any]:
        body: dict[str, Any] = super().to_json(columns)
        dashboards = body.get("dashboards") or []
        return body | {"dashboards": [item["id"] if isinstance(item, dict) else item for item in dashboards]}


class WholeCharts(Charts):  # type: ignore[misc]
    """Saves all of a chart that may be edited."""

    base_object = WholeChart
    edit_columns = ("slice_name", "description", "viz_type", "params", "datasource_id", "datasource_type")


def checked(response: requests.Response) -> Any:
    """The JSON of an answer. Raises SupersetError with Superset's words; an empty 500 points at its log."""
    where = f"{response.request.method} {response.request.path_url.partition('?')[0]}"
    if response.history and "/login" in response.url:
        raise SupersetError(f"{where}: Superset asks for a sign-in; its session or CSRF token is gone")
    if response.ok:
        return response.json() if response.content else {}
    try:
        body = response.json()
    except requests.JSONDecodeError:
        body = {}
    reason = (
        body.get("message") or body.get("errors") or body.get("msg") or "no reason given; see superset.log"
    )
    text = reason if isinstance(reason, str) else json.dumps(reason, ensure_ascii=False)
    raise SupersetError(f"{where}: {response.status_code}: {text}")


class Superset(SupersetClient):  # type: ignore[misc]
    """A signed-in Superset. Every method raises SupersetError when Superset does not do what was asked."""

    databases_cls = ListedDatabases
    charts_cls = WholeCharts

    def _send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """One request below /api/v1, signed in; what keeps it from an answer is told as a SupersetError."""
        arguments.setdefault("timeout", TIMEOUT)
        try:
            response: requests.Response = self.session.request(method, f"{self.base_url}/{path}", **arguments)
            return response
        except requests.HTTPError as error:  # the library's own sign-in
            reason = f"Superset at {self.host} refused the sign-in of {self.username}: {error}"
            raise SupersetError(reason) from error
        except requests.Timeout as error:
            raise SupersetError(f"{method} {path}: no answer within {TIMEOUT[1]:.0f} s") from error
        except requests.ConnectionError as error:
            reason = f"Superset does not answer at {self.host}; is it up? (citybrain status)"
            raise SupersetError(reason) from error

    def _request(self, method: str, path: str, **arguments: Any) -> Any:
        return checked(self._send(method, path, **arguments))

    def read(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """GET `path` below /api/v1, with Superset's `q` parameter."""
        return self._request("GET", path, params={"q": json.dumps(query)} if query is not None else None)

    def fetch(self, path: str, parameters: Mapping[str, str]) -> Any:
        """GET `path` below /api/v1, with plain parameters."""
        return self._request("GET", path, params=dict(parameters))

    def exported_assets(self) -> bytes:
        """Superset's own export of every asset: a zip of YAML files."""
        response = self._send("GET", "assets/export/")
        if not response.ok:
            checked(response)
        return bytes(response.content)

    def create(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._request("POST", path, json=dict(body))

    def change(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._request("PUT", path, json=dict(body))

    def remove(self, path: str) -> None:
        self._request("DELETE", path)

    def listed(
        self,
        path: str,
        columns: list[str] | None = None,
        filters: list[dict[str, object]] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Every object of a list endpoint, page after page (the library's `find` stops after the first)."""
        page = 0
        while True:
            query: dict[str, Any] = {"page": page, "page_size": PAGE}
            if columns:
                query["columns"] = columns
            if filters:
                query["filters"] = filters
            rows = self.read(path, query)["result"]
            yield from rows
            if len(rows) < PAGE:
                return
            page += 1

    def import_assets(self, bundle: bytes, passwords: Mapping[str, str]) -> None:
        """Create or overwrite everything in the bundle, in one transaction. Nothing gets deleted."""
        self._request(
            "POST",
            "assets/import/",
            files={"bundle": ("citybrain.zip", bundle, "application/zip")},
            data={"passwords": json.dumps(dict(passwords)), "sparse": "false"},
            headers={"Accept": "application/json"},
        )


def wait_until_it_answers(settings: Settings, seconds: float = 180.0) -> None:
    """Superset may still be starting, beside the job that publishes to it. Raises SupersetError."""
    address = f"{settings.superset_url}/health"
    try:
        for attempt in Retrying(
            retry=retry_if_exception_type(requests.RequestException),
            stop=stop_after_delay(seconds),
            wait=wait_fixed(1),
            reraise=True,
        ):
            with attempt:
                requests.get(address, timeout=TIMEOUT).raise_for_status()
    except requests.RequestException as error:
        raise SupersetError(f"{address} does not answer after {seconds:.0f} s: {error}") from error


def connect(settings: Settings) -> Superset:
    """Sign in as the administrator that set-up created. The first request does the sign-in."""
    if settings.superset_url.startswith("http://127.0.0.1:"):
        # The OAuth library refuses plain http; on loopback nobody is in between.
        os.environ.setdefault("OAUTHLIB_INSECURE_TRANSPORT", "1")
    return Superset(settings.superset_url, ADMIN, settings.secret("superset_admin_password"))
