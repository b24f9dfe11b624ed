"""Sign-in by an identity provider on its own port that signs what it says; and what is refused."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from desk_city import City
from django.test import Client, override_settings

pytestmark = pytest.mark.integration
BEGIN = "/sign-in/by-the-city/"


@dataclass
class Provider:
    """Issues one token for a code; `said` changes what the token says, `user` what it says of the person."""

    address: str = ""
    key: Any = field(default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048))
    signs_with: Any = None
    nonce: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    user: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, list[str]]] = field(default_factory=list)

    def token(self) -> str:
        now = int(time.time())
        told = {
            "iss": self.address,
            "aud": "desk",
            "sub": "1",
            "iat": now,
            "exp": now + 60,
            "nonce": self.nonce,
        }
        return jwt.encode(told | self.said, self.signs_with or self.key, "RS256", headers={"kid": "k1"})

    def keys(self) -> dict[str, Any]:
        shown = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [shown | {"kid": "k1", "alg": "RS256", "use": "sig"}]}


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            made.asked.append(parse_qs(body))
            self._tell({"access_token": "a", "token_type": "Bearer", "id_token": made.token()})

        def do_GET(self) -> None:
            self._tell(made.keys() if self.path == "/keys" else made.user)

        def _tell(self, told: dict[str, Any]) -> None:
            text = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_words: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.address = f"http://127.0.0.1:{server.server_port}"
    with override_settings(
        AUTHENTICATION_BACKENDS=[
            "axes.backends.AxesStandaloneBackend",
            "django.contrib.auth.backends.ModelBackend",
            "citybrain.desk.accounts.single_sign_on.KnownPeople",
        ],
        OIDC_ISSUER=made.address,
        OIDC_RP_CLIENT_ID="desk",
        OIDC_RP_CLIENT_SECRET="words of the desk",  # pragma: allowlist secret
        OIDC_RP_SIGN_ALGO="RS256",
        OIDC_RP_SCOPES="openid profile",
        OIDC_OP_AUTHORIZATION_ENDPOINT=f"{made.address}/authorize",
        OIDC_OP_TOKEN_ENDPOINT=f"{made.address}/token",
        OIDC_OP_USER_ENDPOINT=f"{made.address}/user",
        OIDC_OP_JWKS_ENDPOINT=f"{made.address}/keys",
        OIDC_USERNAME_CLAIM="preferred_username",
    ):
        yield made
    server.shutdown()
    server.server_close()


def come_back(provider: Provider, **changes: str) -> tuple[Client, Any]:
    """A person goes to the provider and comes back with a code; `changes` to what they bring."""
    client = Client(headers={"host": "127.0.0.1"})
    sent = client.get(f"{BEGIN}?next=/phone/")
    assert sent.status_code == 302 and sent.url.startswith(f"{provider.address}/authorize?")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(sent.url).query).items()}
    assert asked["client_id"] == "desk" and asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"].endswith("/sign-in/by-the-city/back/")
    provider.nonce = asked["nonce"]
    return client, client.get(f"{BEGIN}back/", {"code": "c", "state": asked["state"]} | changes)


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_known_person_comes_in_under_the_roles_of_the_desk(provider: Provider, desk_city: City) -> None:
    person = desk_city.person("property_company", desk_city.company)
    provider.user = {"preferred_username": person.username}
    assert "用统一身份认证登录" in Client(headers={"host": "127.0.0.1"}).get("/sign-in/").content.decode()
    client, answer = come_back(provider)
    assert answer.status_code == 302 and answer.url.endswith("/phone/")
    assert provider.asked[0]["client_secret"] == ["words of the desk"] and provider.asked[0]["code_verifier"]
    assert client.get("/phone/").status_code == 200 and client.get("/command/").status_code == 403


def test_an_administrator_still_shows_the_second_factor(provider: Provider, desk_city: City) -> None:
    admin = desk_city.person("system_admin", desk_city.people["system_admin"].organisation)
    provider.user = {"preferred_username": admin.username}
    client, _ = come_back(provider)
    assert client.get("/systems/").url.startswith("/sign-in/second-factor/")


def test_whoever_has_no_account_stays_outside(provider: Provider, desk_city: City) -> None:
    from citybrain.desk.accounts.models import User

    gone = desk_city.person("property_company", desk_city.company)
    gone.is_active = False
    gone.save()
    before = User.objects.count()
    for user in ({"preferred_username": "nobody_here"}, {}, {"preferred_username": gone.username}):
        provider.user = user
        client, answer = come_back(provider)
        assert answer.status_code == 302 and "refused" in answer.url and not signed_in(client), user
    assert User.objects.count() == before
    assert "这里没有您的账号" in client.get(answer.url).content.decode()


def test_tokens_that_are_refused(provider: Provider, desk_city: City) -> None:
    person = desk_city.person("property_company", desk_city.company)
    provider.user = {"preferred_username": person.username}
    for said in (
        {"aud": "another desk"},
        {"iss": "http://127.0.0.1:1"},
        {"nonce": "of another time"},
        {"exp": int(time.time()) - 3600},
    ):
        provider.said = said
        client, answer = come_back(provider)
        assert answer.status_code in (302, 400) and not signed_in(client), said
    provider.said = {}
    provider.signs_with = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    client, _ = come_back(provider)
    assert not signed_in(client), "signed by somebody else"
    provider.signs_with = None
    client, answer = come_back(provider, state="of somebody else's session")
    assert answer.status_code == 400 and not signed_in(client)


def test_a_provider_that_does_not_answer(provider: Provider, desk_city: City) -> None:
    with override_settings(OIDC_OP_TOKEN_ENDPOINT="http://127.0.0.1:1/token"):
        client, answer = come_back(provider)
    assert answer.status_code == 302 and "refused" in answer.url and not signed_in(client)


def test_without_a_provider_there_is_no_such_way(desk_city: City) -> None:
    client = Client(headers={"host": "127.0.0.1"})
    assert client.get(BEGIN).status_code == client.get(f"{BEGIN}back/").status_code == 404
    assert "统一身份认证" not in client.get("/sign-in/").content.decode()


def test_settings_name_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    from pydantic import ValidationError

    from citybrain.settings import Settings

    words = {
        "issuer": "https://id.example.org",
        "client_id": "desk",
        **{name: f"https://id.example.org/{name}" for name in ("authorization_url", "token_url")},
        **{name: f"https://id.example.org/{name}" for name in ("user_url", "keys_url")},
    }
    monkeypatch.setenv("CITYBRAIN_DESK_OIDC", json.dumps(words))
    found = Settings().desk_oidc
    assert found is not None and found.username_claim == "preferred_username"
    monkeypatch.setenv("CITYBRAIN_DESK_OIDC", json.dumps(words | {"sign_algorithm": "none"}))
    with pytest.raises(ValidationError, match="sign_algorithm"):
        Settings()
