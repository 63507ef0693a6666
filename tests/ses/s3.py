"""A bucket on the loopback interface, as far as fetching an object needs one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class FakeS3:
    """:ivar objects: what is there, by ``/bucket/key``.
    :ivar asked: path and whether it was signed, of each request.
    :ivar hold: requests wait until it is set.
    :ivar short: bytes that an answer lacks of what it promised.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked: list[tuple[str, bool]] = []
        self.hold = threading.Event()
        self.hold.set()
        self.short = 0
        fake = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = unquote(self.path.partition("?")[0])
                signed = self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256")
                fake.asked.append((path, signed))
                fake.hold.wait(30)
                content = fake.objects.get(path)
                if content is None:
                    body = b"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>"
                    self.send_response(404)
                else:
                    body = content
                    self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) - fake.short])
                self.close_connection = bool(fake.short)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes boto3 ask here."""
        port = self._server.server_address[1]
        return {**ENVIRONMENT, "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}"}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@contextmanager
def fake_s3() -> Iterator[FakeS3]:
    server = FakeS3()
    server.start()
    try:
        yield server
    finally:
        server.stop()
