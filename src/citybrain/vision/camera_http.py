"""What a camera answers over HTTP, read within a time and a size, from the one address that was looked at."""

import time
from collections.abc import Generator

import httpx

from citybrain.vision.camera_address import MissingStillError, Pinned

MOST_BYTES = 32 * 1024 * 1024
READ_SECONDS = 15.0  # without a byte
WHOLE_SECONDS = 30.0  # for all of it, however slowly it drips


class CameraLogin(httpx.Auth):
    """Digest where the camera asks for it, else Basic, as cameras of every age do."""

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return
        challenge = response.headers.get("WWW-Authenticate", "").lower()
        scheme = httpx.DigestAuth if challenge.startswith("digest") else httpx.BasicAuth
        yield from scheme(self._user, self._password).auth_flow(request)


def ask(camera: Pinned, body: bytes | None = None, kind: str = "", most: int = MOST_BYTES) -> bytes:
    """The answer to a GET of the camera's URL, or to a POST of `body` as content type `kind`; cut off one
    byte after `most`.

    No redirect is followed, no proxy asked, nothing unpacked. Raises MissingStillError.
    """
    host = f"[{camera.address}]" if ":" in camera.address else camera.address
    url = camera.url._replace(netloc=f"{host}:{camera.port}", fragment="").geturl()
    headers = {"Host": camera.url.netloc, "Accept-Encoding": "identity"}
    if body is not None:
        headers["Content-Type"] = kind
    began = time.monotonic()
    try:
        with (
            httpx.Client(
                timeout=READ_SECONDS,
                follow_redirects=False,
                trust_env=False,
                auth=CameraLogin(*camera.login) if camera.login else None,
            ) as client,
            client.stream(
                "GET" if body is None else "POST",
                url,
                content=body,
                headers=headers,
                extensions={"sni_hostname": camera.host},
            ) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise MissingStillError("unreachable", f"{camera.origin} answers HTTP {response.status_code}")
            content = bytearray()
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > most:
                    break
                if time.monotonic() - began > WHOLE_SECONDS:
                    raise MissingStillError("unreachable", f"{camera.origin} takes too long")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise MissingStillError("unreachable", f"{camera.origin}: {type(error).__name__}") from error
    return bytes(content[: most + 1])
