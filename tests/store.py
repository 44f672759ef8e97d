"""An object store on this machine that is gone, slow or wrong: a process that serves a folder."""

import os
import random
import signal
import socket
import time
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WRONG_SHARE = 0.3  # of the answers of a store that is wrong now and then
SLOW_SECONDS = 0.3  # before each answer of a slow one


class Store:
    """Serves `folder` at `address`, in a mood: "well", "slow", "failing" or "truncating"."""

    def __init__(self, folder: Path, mood: str = "well", seed: float = 0.0):
        self.folder, self.mood, self.seed = folder, mood, seed
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.pid = 0

    def start(self) -> None:
        """Serve from now on."""
        self.pid = os.fork()
        if self.pid:
            return
        try:
            chance = random.Random(self.seed)
            handler = partial(_Handler, self.mood, chance, directory=str(self.folder))
            ThreadingHTTPServer(("127.0.0.1", self.port), handler).serve_forever()
        finally:
            os._exit(1)

    def end(self) -> None:
        """Be gone, with all connections."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, mood: str, chance: random.Random, *arguments, **options):
        self.mood, self.chance = mood, chance
        super().__init__(*arguments, **options)

    def do_GET(self) -> None:
        is_wrong = self.chance.random() < WRONG_SHARE
        if self.mood == "slow":
            time.sleep(SLOW_SECONDS * 2 * self.chance.random())
        if self.mood == "failing" and is_wrong:
            self.send_error(500)
        elif self.mood == "truncating" and is_wrong and (file := self.send_head()):
            with file:
                data = file.read()
            self.wfile.write(data[: self.chance.randrange(len(data) + 1)])
            self.close_connection = True
        else:
            super().do_GET()

    def handle(self) -> None:
        with suppress(ConnectionError):  # who asked was killed
            super().handle()

    def log_message(self, *_: object) -> None:
        """Nothing: trials read what programs tell."""
