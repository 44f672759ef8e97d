"""A web server on loopback for tests: it serves bytes by path and misbehaves on request.

with serving({"/a.mp3": b"..."}) as server:
    server.faults["/a.mp3"] = Fault(status=500, times=2)
    ... server.url("/a.mp3") ...
"""

import hashlib
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HTML_PAGE = b"<!DOCTYPE html>\n<html><body>The file is on holiday</body></html>\n"


@dataclass
class Fault:
    """What goes wrong at a path, for its first `times` requests; its fields go together."""

    times: int = 10**9
    status: int = 0  # answered, with `headers` and `answer`, in place of the file
    answer: bytes = b"sorry\n"
    headers: Mapping[str, str] = field(default_factory=dict)  # added, such as Retry-After, Location
    body: bytes | None = None  # served as if it were the file, with status 200
    drop_after_bytes: int | None = None  # of the body; then the connection is reset
    wait_seconds: float = 0.0  # before the answer
    ignore_range: bool = False  # 200 and the whole file in place of 206


def html_page(times: int = 10**9) -> Fault:
    """An error page with status 200."""
    return Fault(times=times, body=HTML_PAGE, headers={"Content-Type": "text/html; charset=utf-8"})


@dataclass(frozen=True)
class Request:
    """One request as it arrived; `path` holds the query too, `range` is the header or ""."""

    path: str
    range: str
    headers: Mapping[str, str]


class Server(ThreadingHTTPServer):
    """`files` and `faults` go by path, with its query; `requests` are in order of arrival."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, files: Mapping[str, bytes], wait_seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = dict(files)
        self.wait_seconds = wait_seconds  # before every answer
        self.faults: dict[str, Fault] = {}
        self.requests: list[Request] = []
        self.peak = 0  # most requests that were in work at the same time
        self._running = 0
        self._lock = threading.Lock()

    def url(self, path: str = "") -> str:
        """The address of `path`, which begins with a slash."""
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def asked(self, path: str) -> list[str]:
        """The Range header, or "", of every request for `path`."""
        return [request.range for request in self.requests if request.path == path]

    def begin(self, request: Request) -> Fault:
        """Count a request in; gives the fault it meets."""
        with self._lock:
            self.requests.append(request)
            self._running += 1
            self.peak = max(self.peak, self._running)
            fault = self.faults.get(request.path, Fault())
            if fault.times <= 0:
                return Fault()
            fault.times -= 1
            return fault

    def end(self) -> None:
        """Count a request out."""
        with self._lock:
            self._running -= 1

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


@contextmanager
def serving(files: Mapping[str, bytes], wait_seconds: float = 0.0) -> Iterator[Server]:
    """Serve `files` for the duration of the block."""
    server = Server(files, wait_seconds)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        fault = self.server.begin(Request(self.path, asked, dict(self.headers)))
        try:
            time.sleep(self.server.wait_seconds + fault.wait_seconds)
            self._answer(fault, "" if fault.ignore_range else asked)
            self.wfile.flush()
        finally:
            self.server.end()

    def _answer(self, fault: Fault, asked: str) -> None:
        body = self.server.files.get(self.path) if fault.body is None else fault.body
        if fault.status or body is None:
            self._send(fault.status or 404, fault.answer, fault.headers, None)
            return
        headers = {"ETag": f'"{hashlib.md5(body).hexdigest()}"', **fault.headers}
        if self.headers.get("If-Range", headers["ETag"]) != headers["ETag"]:
            asked = ""
        first = re.fullmatch(r"bytes=(\d+)-", asked)
        start = int(first[1]) if first else 0
        if first and start >= len(body):
            self._send(416, b"", {"Content-Range": f"bytes */{len(body)}"}, None)
            return
        if first:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        self._send(206 if first else 200, body[start:], headers, fault.drop_after_bytes)

    def _send(
        self, status: int, body: bytes, headers: Mapping[str, str], drop_after_bytes: int | None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/octet-stream", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:drop_after_bytes])
        if drop_after_bytes is not None:
            self._hang_up()

    def _hang_up(self) -> None:
        self.wfile.flush()
        time.sleep(0.02)  # a reset overtakes what is on its way
        reset = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """The tests look at `requests`."""
