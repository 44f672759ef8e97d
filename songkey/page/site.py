"""The page's server: its files, and POST /song, which answers one song after the other.

It is for this computer alone, and for the page that it serves: another site's script, which the
same browser runs, can neither send it a song nor read from it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from songkey.audio import printable
from songkey.detector import Detector
from songkey.errors import AudioKeyError
from songkey.page.reply import reply
from songkey.workers import Apart, Order

HOSTS = ["127.0.0.1", "localhost"]  # any other name is a stranger's that leads here: DNS rebinding
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; media-src blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # another songkey may serve another page at the same address
}


class Site:
    """What answers the page; `app` is its ASGI application. Close it at the end."""

    def __init__(self, order: Order, most_bytes: int, most_seconds: float):
        """A song may have so many bytes, and take so many seconds. Raises AudioKeyError."""
        self.info = Detector(order.model, minor_prior=order.minor_prior).info
        self.order = replace(order, timeline=True, picture=True)
        self.most_bytes, self.most_seconds = most_bytes, most_seconds
        self.worker, self.closed = Apart(self.order), False
        self.turn = asyncio.Lock()  # also of the disk: who waits has not sent the song yet
        self.app = Starlette(
            routes=[
                Route("/limits", self.limits),
                Route("/song", self.song, methods=["POST"]),
                Mount("/", StaticFiles(packages=[("songkey.page", "static")], html=True)),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)],
        )

    def close(self) -> None:
        """End what is going on."""
        self.closed = True
        self.worker.close()

    async def limits(self, _: Request) -> Response:
        """What a song may be."""
        return JSONResponse({"most_bytes": self.most_bytes, "most_seconds": self.most_seconds})

    async def song(self, request: Request) -> Response:
        """The answer to a song, which is the request's body, in any format."""
        origin = request.headers.get("origin")  # sent by browsers, and by no script of theirs
        if origin not in (None, f"http://{request.headers['host']}"):
            return _error(403, "this songkey answers its own page only")
        if int(request.headers.get("content-length", 0)) > self.most_bytes:
            return self._too_large()
        try:
            async with self.turn, asyncio.timeout(self.most_seconds):
                return await self._answer(request)
        except TimeoutError:
            return _error(
                504,
                f"not answered within {self.most_seconds:g} s; give a shorter song, "
                "or a higher --limit-seconds",
            )
        except ClientDisconnect:
            return Response(status_code=400)  # which nobody reads

    async def _answer(self, request: Request) -> Response:
        with TemporaryDirectory(prefix="songkey-") as folder:
            path = Path(folder, "song")
            if not await self._received(request, path):
                return self._too_large()
            async with self._worker() as worker:
                try:
                    heard = await asyncio.to_thread(worker.listen, path)
                except AudioKeyError as error:
                    return _error(422, str(error).removeprefix(f"{printable(path)}: "))
        return JSONResponse(reply(heard, self.info))

    async def _received(self, request: Request, path: Path) -> bool:
        """Whether the whole song is now in a file; False if it is too large."""
        size = 0
        with open(path, "wb") as file:
            async for block in request.stream():
                size += len(block)
                if size > self.most_bytes:
                    return False
                file.write(block)
        return True

    @asynccontextmanager
    async def _worker(self) -> AsyncIterator[Apart]:
        """The worker; if the block is cancelled, it is ended and another takes its place."""
        try:
            yield self.worker
        except asyncio.CancelledError:
            self.worker.close()  # or else it would have the file open, which is to be removed
            if not self.closed:
                self.worker = Apart(self.order)
            raise

    def _too_large(self) -> Response:
        return _error(
            413,
            f"larger than {self.most_bytes / 1e6:g} MB; give a smaller file, "
            "or a higher --limit-mb",
        )


def _error(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status)
