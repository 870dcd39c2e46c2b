"""The admin HTTP face: `/metrics`, `/healthz`, `/readyz` and further pages (design 2 and 6, decisions G2).

Knows paths and status codes; must not know what makes the daemon ready or healthy: two functions say so, and a third
makes the pages. HTTP itself is
Hypercorn's.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import attrs
import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

SHUTDOWN_GRACE_S = 1.0
"""How long a scrape in progress may go on when the daemon stops; the whole stop has ten seconds."""


@attrs.frozen
class Health:
    """Answer to a probe: fine or not, and one line that says why."""

    fine: bool
    text: str


Pages = Callable[[str, str], tuple[int, str, bytes] | None]
"""Further pages: path and query in; status, content type and body out; None when there is no such page."""


def no_pages(path: str, query: str) -> None:
    """None at all."""


class AdminApplication:
    """ASGI application of the admin face."""

    def __init__(
        self,
        registry: CollectorRegistry,
        healthy: Callable[[], Health],
        ready: Callable[[], Health],
        pages: Pages = no_pages,
    ) -> None:
        self._registry = registry
        self._pages = pages
        self._probes = {"/healthz": healthy, "/readyz": ready}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; anything but HTTP is refused by returning."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            status, content_type, body = self._answer(scope["method"], scope["path"], scope["query_string"])
            headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, method: str, path: str, query: bytes) -> tuple[int, str, bytes]:
        plain = "text/plain; charset=utf-8"
        if method not in {"GET", "HEAD"}:
            return 405, plain, b"only GET and HEAD\n"
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(self._registry)
        probe = self._probes.get(path)
        if probe is None:
            page = self._pages(path, query.decode("ascii", "replace"))
            return page or (404, plain, b"known here: / /status /metrics /healthz /readyz\n")
        health = probe()
        return (200 if health.fine else 503), plain, f"{health.text}\n".encode()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


async def serve_admin(
    application: AdminApplication,
    address: str,
    stopping: trio.Event,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `stopping`; started with the addresses that are bound. OSError when the address cannot be had."""
    config = Config()
    config.bind = [address]
    config.graceful_timeout = SHUTDOWN_GRACE_S
    config.accesslog = None
    config.errorlog = None
    try:
        await serve(application, config, shutdown_trigger=stopping.wait, task_status=task_status)  # type: ignore[arg-type]  # Hypercorn's own narrower alias of the ASGI signature
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on {address} for [admin]: {error.strerror}") from error
