"""Servers on this machine for tests: a folder over HTTP, and an S3-compatible store."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
from moto.server import ThreadedMotoServer


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: tests read stderr."""


@contextmanager
def http_server(folder: Path) -> Iterator[str]:
    """The address at which the files of `folder` are served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Refusing(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: tests read stderr."""

    def _refuse(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        self.send_response(403)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_HEAD = do_PUT = do_DELETE = _refuse


@contextmanager
def refusing_s3_server(monkeypatch) -> Iterator[str]:
    """The address of a bucket to which nobody has access, to which fsspec is pointed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _point_fsspec_to(monkeypatch, f"http://127.0.0.1:{server.server_port}")
    try:
        yield "s3://refusing"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def s3_server(monkeypatch) -> Iterator[str]:
    """The address of an empty bucket of an S3-compatible server, to which fsspec is pointed."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    _point_fsspec_to(monkeypatch, f"http://{host}:{port}")
    try:
        bucket = f"bucket-{port}"  # the servers of one process share what they hold
        fsspec.filesystem("s3").mkdir(bucket)
        yield f"s3://{bucket}"
    finally:
        server.stop()


def _point_fsspec_to(monkeypatch, endpoint: str) -> None:
    """Make s3:// the store at `endpoint`, here and in the processes that are started from here."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "dummy")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("FSSPEC_S3_ENDPOINT_URL", endpoint)  # read when fsspec is loaded
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": endpoint})
