"""One picture out of a camera's RTSP stream. Needs the vision environment (PyAV).

FFmpeg speaks to a relay on this machine, and only the relay to the camera: a stream that answers with another
place to look, or with another protocol, reaches nobody.
"""

import io
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from citybrain.vision.camera_address import MissingStillError, Pinned
from citybrain.vision.pictures import MOST_PIXELS

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 20.0
MOST_STREAM = 64 * 1024 * 1024
FRAMES = 250  # without a whole picture among them, the stream has none
QUALITY = 92
_ELSEWHERE = (b"RTSP/1.0 3", b"RTSP/2.0 3")


def rtsp_still(camera: Pinned) -> bytes:
    """The first whole picture of the stream as JPEG. Raises MissingStillError, VisionEnvironmentError."""
    from citybrain.vision.environment import require_environment

    require_environment()
    import av

    account = "".join(
        f"{quote(part, safe='')}{end}" for part, end in zip(camera.login or (), ":@", strict=False)
    )
    until = time.monotonic() + WHOLE_SECONDS
    with relay(camera, until) as port:
        path = camera.url._replace(scheme="", netloc="", fragment="").geturl() or "/"
        try:
            with av.open(
                f"rtsp://{account}127.0.0.1:{port}{path}",
                format="rtsp",
                options={"rtsp_transport": "tcp", "protocol_whitelist": "rtsp,rtp,tcp"},
                timeout=(CONNECT_SECONDS * 2, CONNECT_SECONDS),
            ) as stream:
                return _first_picture(camera, stream, until)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise MissingStillError("unreachable", f"{camera.origin}: {type(error).__name__}") from error


def _first_picture(camera: Pinned, stream: object, until: float) -> bytes:
    videos = stream.streams.video  # type: ignore[attr-defined]
    if not videos:
        raise MissingStillError("unreachable", f"{camera.origin} streams no video")
    context = videos[0].codec_context
    context.thread_count = 1
    for number, packet in enumerate(stream.demux(videos[0])):  # type: ignore[attr-defined]
        if context.width * context.height > MOST_PIXELS:
            raise MissingStillError("unreachable", f"{camera.origin} streams too large a picture")
        if number > FRAMES or time.monotonic() > until:
            break
        for frame in packet.decode():
            if frame.width * frame.height <= MOST_PIXELS and not frame.is_corrupt:
                content = io.BytesIO()
                frame.to_image().save(content, "JPEG", quality=QUALITY)
                return content.getvalue()
    raise MissingStillError("unreachable", f"{camera.origin} streams no whole picture")


@contextmanager
def relay(camera: Pinned, until: float) -> Iterator[int]:
    """A port on loopback whose one connection leads to the camera's address, until the monotonic time
    `until`, MOST_STREAM bytes, or an answer that sends the client elsewhere. Raises MissingStillError.
    """
    try:
        far = socket.create_connection((camera.address, camera.port), timeout=CONNECT_SECONDS)
    except OSError as error:
        raise MissingStillError("unreachable", f"{camera.origin}: {error}") from error
    with far, socket.create_server(("127.0.0.1", 0), backlog=1) as door:
        door.settimeout(CONNECT_SECONDS)
        pump = threading.Thread(target=_serve, args=(door, far, until), daemon=True)
        pump.start()
        try:
            yield door.getsockname()[1]
        finally:
            _shut(far)
            pump.join(timeout=CONNECT_SECONDS * 2)


def _serve(door: socket.socket, far: socket.socket, until: float) -> None:
    try:
        near, _ = door.accept()
    except OSError:  # nobody came: the stream was never opened
        return
    with near, selectors.DefaultSelector() as waiting:
        waiting.register(near, selectors.EVENT_READ, far)
        waiting.register(far, selectors.EVENT_READ, near)
        try:
            _pump(waiting, far, until)
        except OSError:  # one side has hung up
            return
        finally:
            _shut(near)


def _pump(waiting: selectors.BaseSelector, far: socket.socket, until: float) -> None:
    passed, tail = 0, b""
    while (left := until - time.monotonic()) > 0 and passed <= MOST_STREAM:
        for key, _ in waiting.select(min(left, 1.0)):
            source, target = key.fileobj, key.data
            chunk = source.recv(65536)  # type: ignore[union-attr]
            if not chunk:
                return
            if source is far:
                passed += len(chunk)
                if any(mark in tail + chunk for mark in _ELSEWHERE):
                    return
                tail = chunk[-len(_ELSEWHERE[0]) :]
            target.settimeout(CONNECT_SECONDS)
            target.sendall(chunk)


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:  # it was never open, or is closed already
        return
