"""A receiver of webhooks that can be down, and remembers the keys it got."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Counts deliveries by key; answers 503 while `down`."""

    def __init__(self, port: int) -> None:
        self.down = False
        self.keys: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                if not receiver.down:
                    receiver.keys.append(self.headers["Idempotency-Key"])
                self.send_response(503 if receiver.down else 200)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Nothing: the test's output is not an access log."""

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
