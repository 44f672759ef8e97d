"""Servers on this machine for tests: a folder over HTTP, and an S3-compatible store."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
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


@contextmanager
def s3_server(monkeypatch) -> Iterator[str]:
    """The address of an empty bucket of an S3-compatible server, to which fsspec is pointed."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "dummy")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    endpoint = f"http://{host}:{port}"
    monkeypatch.setenv("FSSPEC_S3_ENDPOINT_URL", endpoint)  # read where fsspec is loaded: elsewhere
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": endpoint})  # and here
    try:
        bucket = f"bucket-{port}"  # the servers of one process share what they hold
        fsspec.filesystem("s3").mkdir(bucket)
        yield f"s3://{bucket}"
    finally:
        server.stop()
