"""Who may open a CTI session, and for which services.

Knows clients, passwords and certificates as values; must not know files or sessions. Rules: decisions C2 (checks in
order; a growing delay holds back only the refusal), G1 (passwords compared in constant time, one trailing NUL
ignored), C8.
"""

import hmac
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import attrs

from ctigw.session.session import PeerIdentity
from ctigw.session.subject import subject_matches
from ctigw.wire import cti

NULL_PERIPHERAL = 0xFFFFFFFF

FIRST_REFUSAL_DELAY_S = 0.25
"""Delay of the first refusal; doubled with every further one from the same address."""

LONGEST_REFUSAL_DELAY_S = 5.0
"""Decisions C2."""

REFUSAL_MEMORY_S = 300.0
"""An address that was quiet for so long starts again with the first delay."""

REMEMBERED_ADDRESSES = 4_096
"""Addresses with refusals that are remembered; the one that was refused longest ago is forgotten first."""


NO_SERVICE = cti.ServiceMask(0)


@attrs.frozen
class CtiClient:
    """One `[[cti_client]]` with its password read from the file."""

    id: str
    password: bytes | None = attrs.field(default=None, repr=False)
    certificate_subject: str = ""
    application_path: int | None = None
    services: cti.ServiceMask = NO_SERVICE


@attrs.frozen
class Grant:
    """What an OPEN_REQ gets."""

    client: CtiClient
    services: cti.ServiceMask
    application_path: int | None
    """Set when agent reporting is granted."""


@attrs.frozen
class Refusal:
    """Why an OPEN_REQ gets nothing."""

    status: cti.FailureStatus
    detail: str
    held_back: bool = False
    """True for wrong credentials: the refusal waits, so that passwords cannot be tried quickly."""


class CtiAccess:
    """The clients, and the paths and peripherals that exist."""

    def __init__(
        self, clients: Sequence[CtiClient], application_paths: Iterable[int] = (), peripherals: Iterable[int] = ()
    ) -> None:
        self._clients = {client.id: client for client in clients}
        self._paths = frozenset(application_paths)
        self.peripherals = tuple(sorted(peripherals))

    def check(self, request: cti.OpenReq, peer: PeerIdentity) -> Grant | Refusal:
        """Credentials, services, required data, path: the first that fails decides (decisions C2)."""
        client = self._clients.get(request.client_id or "")
        if client is None or not _credentials_hold(client, request.client_password, peer):
            return Refusal(
                cti.FailureStatus.INVALID_PASSWORD, "wrong client id, password or certificate", held_back=True
            )
        services = cti.ServiceMask(request.services_requested & client.services)
        if not services:
            return Refusal(
                cti.FailureStatus.INVALID_SERVICE_MASK, f"none of the services {request.services_requested:#x}"
            )
        problem = self._device_problem(request, services)
        if problem is not None:
            return problem
        if not services & cti.ServiceMask.AGENT_REPORTING:
            return Grant(client, services, None)
        path = request.application_path_id
        if path is None:
            return Refusal(cti.FailureStatus.REQUIRED_DATA_MISSING, "agent reporting without ApplicationPathID")
        if path != client.application_path or path not in self._paths:
            return Refusal(cti.FailureStatus.FUNCTION_NOT_AVAILABLE, f"application path {path} is not the client's")
        return Grant(client, services, path)

    def _device_problem(self, request: cti.OpenReq, services: cti.ServiceMask) -> Refusal | None:
        if not services & cti.ServiceMask.CLIENT_EVENTS:
            return None
        if request.peripheral_id == NULL_PERIPHERAL or not device_names(request):
            return Refusal(cti.FailureStatus.REQUIRED_DATA_MISSING, "client events without peripheral or agent device")
        if request.peripheral_id not in self.peripherals:
            return Refusal(cti.FailureStatus.INVALID_PERIPHERAL_ID, f"peripheral {request.peripheral_id}")
        if len(device_names(request)) > 1:
            return Refusal(cti.FailureStatus.INCONSISTENT_AGENT_DATA, "extension, id and instrument differ")
        return None


def device_names(request: cti.OpenReq) -> tuple[str, ...]:
    """The names by which an OPEN_REQ tells its agent device; extension, id and instrument are one namespace (decisions
    C5).
    """
    given = (request.agent_extension, request.agent_id, request.agent_instrument)
    return tuple(dict.fromkeys(name for name in given if name))


def service_mask(names: Iterable[str]) -> cti.ServiceMask:
    """The mask of service names as the configuration writes them (decisions C2). KeyError: no such service."""
    mask = cti.ServiceMask(0)
    for name in names:
        mask |= cti.ServiceMask[name.upper()]
    return mask


def _credentials_hold(client: CtiClient, password: bytes | None, peer: PeerIdentity) -> bool:
    if client.certificate_subject and not subject_matches(client.certificate_subject, peer.certificate_subject):
        return False
    if client.password is None:
        return bool(client.certificate_subject)
    given = password or b""
    return hmac.compare_digest(given.removesuffix(b"\0"), client.password) or hmac.compare_digest(
        given, client.password
    )


class RefusalLedger:
    """How long the next refusal to an address is held back. Bounded, shared by all sessions."""

    def __init__(self) -> None:
        self._refused: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """Address -> (refusals, time of the last), the one refused longest ago first."""

    def next_delay(self, address: str, now: float) -> float:
        """Note one more refusal; seconds to hold it back."""
        count, last = self._refused.pop(address, (0, now))
        if now - last > REFUSAL_MEMORY_S:
            count = 0
        self._refused[address] = (count + 1, now)
        if len(self._refused) > REMEMBERED_ADDRESSES:
            self._refused.popitem(last=False)
        # Five doublings of the first delay pass the longest one; more would only overflow.
        return min(LONGEST_REFUSAL_DELAY_S, FIRST_REFUSAL_DELAY_S * (1 << min(count, 5)))

    def __len__(self) -> int:
        return len(self._refused)
