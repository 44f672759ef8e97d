"""Show the key of songs on a web page, which only this computer can open.

songkey page
songkey page --minor-prior 0.85 --port 8024 --no-browser

Ctrl-C ends it. (To name the key of a file that is called "page": songkey ./page)
"""

import argparse
import socket
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread

import uvicorn

from songkey.errors import AudioKeyError
from songkey.options import add_network_options
from songkey.page.site import HEADERS, Site
from songkey.workers import Order

ADDRESS = "127.0.0.1"
LIMIT_MB, LIMIT_SECONDS = 500.0, 300.0
END_SECONDS = 2  # that a song on its way may take once Ctrl-C was pressed


def main(words: Sequence[str]) -> None:
    """Serve the page until Ctrl-C. Raises AudioKeyError."""
    arguments = _parser().parse_args(words)
    order = Order(arguments.model, arguments.minor_prior)
    with suppress(KeyboardInterrupt), _listening(arguments.port) as sock:
        site = Site(order, round(1e6 * arguments.limit_mb), arguments.limit_seconds)
        address = f"http://{ADDRESS}:{sock.getsockname()[1]}/"
        print(f"{address}  (Ctrl-C ends it)", flush=True)
        if not arguments.no_browser:  # which may take its time, and then finds the socket open
            Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        _Server(site).run(sockets=[sock])


class _Server(uvicorn.Server):
    def __init__(self, site: Site):
        self.site = site
        config = uvicorn.Config(
            site.app, loop="asyncio", http="h11", ws="none", lifespan="off", log_level="warning",
            access_log=False, proxy_headers=False, server_header=False,
            headers=list(HEADERS.items()), timeout_graceful_shutdown=END_SECONDS,
        )  # fmt: skip
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the song that is listened to first: it would be waited for."""
        self.site.close()
        await super().shutdown(sockets)


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((ADDRESS, port))
    except OverflowError as error:
        raise AudioKeyError(f"--port {port}: give 1 to 65535, or 0 for any that is free") from error
    except OSError as error:
        raise AudioKeyError(
            f"--port {port}: not to be had; give another, or none for any that is free"
        ) from error


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        "songkey page", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--port", type=int, default=0, help="default: any that is free")
    made.add_argument("--no-browser", action="store_true", help="print the page's address only")
    made.add_argument(
        "--limit-mb", type=_positive, default=LIMIT_MB, metavar="MB",
        help=f"of a song's file; default: {LIMIT_MB:g}",
    )  # fmt: skip
    made.add_argument(
        "--limit-seconds", type=_positive, default=LIMIT_SECONDS, metavar="SECONDS",
        help=f"that a song's answer may take; default: {LIMIT_SECONDS:g}",
    )  # fmt: skip
    add_network_options(made)
    return made


def _positive(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text}: give more than 0")
    return number
