"""Calls of the JSON API through Django's client, as a registered system makes them."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

BASE = "/api/v1"


@dataclass(frozen=True)
class Caller:
    """A system with its key; `client` knows no session."""

    client: Any
    system: Any
    key: str

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"{BASE}{path}", query, headers=self._headers())

    def post(self, path: str, body: Any = None, again: str | None = None) -> Any:
        return self._sent(self.client.post, path, body, again)

    def patch(self, path: str, body: Any) -> Any:
        return self._sent(self.client.patch, path, body, None)

    def delete(self, path: str) -> Any:
        return self.client.delete(f"{BASE}{path}", headers=self._headers())

    def form(self, path: str, fields: dict[str, Any], again: str | None = None) -> Any:
        """A multipart form, files among its fields."""
        return self.client.post(f"{BASE}{path}", fields, headers=self._headers(again))

    def _sent(self, send: Any, path: str, body: Any, again: str | None) -> Any:
        text = "" if body is None else json.dumps(body)
        return send(f"{BASE}{path}", text, content_type="application/json", headers=self._headers(again))

    def _headers(self, again: str | None = None) -> dict[str, str]:
        return {"X-Api-Key": self.key} | ({"Idempotency-Key": again} if again else {})


def caller(client: Any, organisation: str, *roles: str, calls_a_day: int = 5000) -> Caller:
    """A new system of an organisation (its code) that holds the roles."""
    from citybrain.desk.systems.keys import register

    made = register(f"sys-{uuid.uuid4().hex[:8]}", "部门系统", organisation, calls_a_day, roles)
    return Caller(client, made.system, made.key)


def faults(answer: Any) -> set[str]:
    """The fields that a problem names."""
    assert answer["Content-Type"] == "application/problem+json", answer.content
    told = answer.json()
    assert told["status"] == answer.status_code
    return {one["field"] for one in told["faults"]}
