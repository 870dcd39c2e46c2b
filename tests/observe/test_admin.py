"""The admin face answers as decisions G2 say, over real HTTP."""

import trio
from prometheus_client import CollectorRegistry, Counter

from ctigw.observe.admin import AdminApplication, Health, serve_admin


async def get(address: str, path: str, method: str = "GET") -> tuple[int, str]:
    host, _, port = address.removeprefix("http://").rpartition(":")
    async with await trio.open_tcp_stream(host, int(port)) as stream:
        await stream.send_all(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join([bytes(part) async for part in stream])
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


async def test_metrics_and_probes_over_http() -> None:
    registry = CollectorRegistry()
    Counter("seen", "Something", registry=registry).inc()
    ready = Health(False, "starting")
    application = AdminApplication(registry, lambda: Health(True, "alive"), lambda: ready)
    stopping = trio.Event()
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            addresses: list[str] = await nursery.start(serve_admin, application, "127.0.0.1:0", stopping)
            status, body = await get(addresses[0], "/metrics")
            assert status == 200
            assert "seen_total 1.0" in body
            assert await get(addresses[0], "/healthz") == (200, "alive\n")
            assert await get(addresses[0], "/readyz") == (503, "starting\n")
            ready = Health(True, "ready")
            assert await get(addresses[0], "/readyz") == (200, "ready\n")
            assert (await get(addresses[0], "/elsewhere"))[0] == 404
            assert (await get(addresses[0], "/metrics", "POST"))[0] == 405
            stopping.set()
