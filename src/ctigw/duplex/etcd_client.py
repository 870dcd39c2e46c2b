"""Calls to etcd: several endpoints, a deadline on each call, threads, and what its errors mean.

Knows etcd3gw (etcd's JSON gateway over `requests`), which blocks: each call runs in a worker thread that is left behind
when its time is over, and ends on its own soon after, because the socket has the same limit. Must not know keys or
records. Rules: issue of the pair (3.5.0 to 3.5.2 are refused by name), decisions F2, F3.
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import attrs
import trio
from etcd3gw.client import Etcd3Client
from etcd3gw.exceptions import Etcd3Exception

from ctigw.config.settings import EtcdTlsSettings
from ctigw.duplex.store import (
    BatchTooLargeError,
    LeaseUnknownError,
    StoreError,
    StoreFullError,
    StoreUnfitError,
    StoreUnreachableError,
)

T = TypeVar("T")

OLDEST = (3, 4, 0)
"""From then on the API is at /v3/, and leases and transactions are as we use them."""
CORRUPTING = ((3, 5, 0), (3, 5, 2))
"""First and last version that is known to corrupt data under load and sudden ends (fixed in 3.5.3)."""
THREADS = 16
"""Calls at once, those that were left behind included: renewal, look, record, append, read, and as many again and again
that hang. Beyond it calls wait, within their limit."""
API = "/v3/"

RESOURCE_EXHAUSTED, OUT_OF_RANGE = 8, 11
UNREACHABLE_CODES = frozenset({1, 2, 4, 10, 13, 14})
"""gRPC codes that say nothing about whether the request was carried out: cancelled, unknown, deadline, aborted,
internal, unavailable."""


class CompactedError(StoreError):
    """The history up to there is gone already."""


@attrs.define(eq=False)
class Endpoint:
    """One member of the cluster, and its idle clients: a client is used by one thread at a time."""

    url: str
    tls: EtcdTlsSettings | None
    verified: bool = False
    """Its version and cluster were looked at since it failed last."""
    idle: list[Etcd3Client] = attrs.Factory(list)

    def take(self, limit_s: float) -> Etcd3Client:
        """A client that gives up after `limit_s`."""
        try:
            client = self.idle.pop()
        except IndexError:  # Several threads come here; asking first whether there is one would race.
            client = self._client()
        client.timeout = limit_s
        return client

    def failed(self) -> None:
        """Its connections are not worth keeping, and another version may come back."""
        self.verified = False
        idle, self.idle = self.idle, []
        for client in idle:
            client.session.close()

    def _client(self) -> Etcd3Client:
        parts = urlsplit(self.url)
        client = Etcd3Client(
            parts.hostname or "",
            parts.port or 0,
            parts.scheme,
            ca_cert=str(self.tls.ca) if self.tls else None,
            cert_cert=str(self.tls.certificate) if self.tls and self.tls.certificate else None,
            cert_key=str(self.tls.private_key) if self.tls and self.tls.private_key else None,
            api_path=API,
        )
        # Proxies and netrc of the environment are not for the store.
        client.session.trust_env = False
        return client


class EtcdClient:
    """Endpoints are tried in turn, beginning with the one that answered last."""

    def __init__(self, urls: Sequence[str], tls: EtcdTlsSettings | None, limit_s: float) -> None:
        """`limit_s`: for one call, over all endpoints. Opens nothing yet."""
        self._endpoints = [Endpoint(url, tls) for url in urls]
        self._limit_s = limit_s
        self._limiter = trio.CapacityLimiter(THREADS)
        self._cluster_id: str | None = None

    async def call(self, work: Callable[[Etcd3Client], T]) -> T:
        """Let `work` use a client, in a thread, within the limit. It may run more than once, and must not mind.

        Raises StoreUnreachableError when no endpoint answered, StoreUnfitError when those that answered must not be
        used, and what the store refused. Cancelled, the outcome is not known.
        """
        deadline = trio.current_time() + self._limit_s
        problems: list[StoreError] = []
        for left in range(len(self._endpoints), 0, -1):
            endpoint = self._endpoints[0]
            share_s = (deadline - trio.current_time()) / left
            try:
                with trio.fail_after(max(0.0, share_s)):
                    return await trio.to_thread.run_sync(
                        partial(self._use, endpoint, work, share_s, time.monotonic() + share_s),
                        abandon_on_cancel=True,
                        limiter=self._limiter,
                    )
            except trio.TooSlowError:
                problems.append(StoreUnreachableError(f"{endpoint.url} gave no answer within {share_s:.2g} s"))
            except (StoreUnreachableError, StoreUnfitError) as error:
                problems.append(error)
            endpoint.failed()
            self._endpoints.append(self._endpoints.pop(0))
        unfit = [problem for problem in problems if isinstance(problem, StoreUnfitError)]
        kind = StoreUnfitError if len(unfit) == len(problems) else StoreUnreachableError
        raise kind("; ".join(str(problem) for problem in problems))

    def close(self) -> None:
        """Give connections back. Threads that were left behind close theirs."""
        for endpoint in self._endpoints:
            endpoint.failed()

    def _use(self, endpoint: Endpoint, work: Callable[[Etcd3Client], T], limit_s: float, until: float) -> T:
        """In a thread."""
        client = endpoint.take(limit_s)
        try:
            if not endpoint.verified:
                self._verify(endpoint, client.status())
            if time.monotonic() >= until:
                # Whoever asked has gone; it must not happen behind its back.
                raise StoreUnreachableError(f"{endpoint.url} was too slow")
            result = work(client)
        except BaseException as error:
            client.session.close()
            if isinstance(error, Etcd3Exception | OSError | ValueError):
                raise meaning_of(error, endpoint.url) from error
            raise
        endpoint.idle.append(client)
        return result

    def _verify(self, endpoint: Endpoint, status: Any) -> None:  # noqa: ANN401 - decoded JSON of somebody else
        try:
            version, cluster_id = str(status["version"]), str(status["header"]["cluster_id"])
        except (KeyError, TypeError) as error:
            raise StoreUnfitError(f"{endpoint.url} does not answer as etcd does") from error
        problem = version_problem(version)
        if problem is not None:
            raise StoreUnfitError(f"{endpoint.url} runs etcd {version}, {problem}")
        if self._cluster_id is None:
            self._cluster_id = cluster_id
        if cluster_id != self._cluster_id:
            raise StoreUnfitError(f"{endpoint.url} belongs to another cluster than the endpoint that answered first")
        endpoint.verified = True


def version_problem(version: str) -> str | None:
    """Why a version of etcd must not be used; None when it may."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if found is None:
        return "which is no version that this build knows"
    numbers = tuple(int(part) for part in found.groups())
    if numbers < OLDEST:
        return "which is too old: 3.4 is the oldest that can be used"
    if CORRUPTING[0] <= numbers <= CORRUPTING[1]:
        return "which is known to corrupt data, as are all of 3.5.0 to 3.5.2: upgrade to 3.5.3 or newer"
    return None


def meaning_of(error: Exception, url: str) -> StoreError:
    """What an error of etcd, of its gateway or of the way there means to us."""
    code, text = _code_and_text(error)
    if "lease not found" in text:
        return LeaseUnknownError(text)
    if code == RESOURCE_EXHAUSTED and "space exceeded" in text:
        return StoreFullError(f"{url}: {text}; etcd takes writes again after compaction, defrag and alarm disarm")
    if "request is too large" in text or "larger than max" in text:
        return BatchTooLargeError(text)
    if code == OUT_OF_RANGE and "compacted" in text:
        return CompactedError(text)
    if code is None or code in UNREACHABLE_CODES or code == RESOURCE_EXHAUSTED:
        return StoreUnreachableError(f"{url}: {text}")
    return StoreUnfitError(f"{url} refused: {text} (code {code})")


def _code_and_text(error: Exception) -> tuple[int | None, str]:
    """The gRPC code of an answer; None when none came."""
    detail = getattr(error, "detail_text", None)
    if isinstance(detail, str):
        try:
            body = json.loads(detail)
            return int(body["code"]), str(body.get("message") or body.get("error"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None, detail[:200] or repr(error)
    return None, str(error)[:200] or repr(error)
