"""Cameras that answer as the test wants, and a trap that counts who connects to it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def camera_server(answer: Answer) -> Iterator[int]:
    """A real HTTP server on loopback; `answer` writes what it answers to any request. Its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                answer(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Nothing: pytest shows what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def trap() -> Iterator[tuple[int, list[str]]]:
    """A port nobody may connect to, and the list of who did."""
    caught: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def watch() -> None:
            while True:
                try:
                    end, address = door.accept()
                except OSError:
                    return
                caught.append(str(address))
                end.close()

        threading.Thread(target=watch, daemon=True).start()
        yield door.getsockname()[1], caught
        door.shutdown(socket.SHUT_RDWR)


def send(handler: BaseHTTPRequestHandler, body: bytes, kind: str = "image/jpeg", status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
