"""Which configured entry a peer that dials us belongs to.

Knows `[[application]]` and `[[peripheral_gateway]]`; must not know sessions. Rules: decisions D1 (float 131 or the
certificate subject bind; an unbound application takes the only entry without an address), design 4.
"""

from collections.abc import Sequence

import attrs

from ctigw.config.settings import ApplicationSettings, PeripheralGatewaySettings
from ctigw.session.pim_registry import Pim
from ctigw.session.session import PeerIdentity
from ctigw.session.subject import subject_matches


@attrs.frozen
class ApplicationBinding:
    """What a channel application's session works with."""

    name: str = ""
    requeue_on_recovery: bool = False


class ApplicationBindings:
    """The `[[application]]` tables, searched when an application opens a session."""

    def __init__(self, applications: Sequence[ApplicationSettings]) -> None:
        self._applications = tuple(applications)

    def bind(self, peer: PeerIdentity, peripheral_id: int | None) -> ApplicationBinding:
        """The entry of a peer with this PeripheralID (float 131); the defaults when there is none.

        An entry that names a certificate subject is never given to a peer without that certificate, whatever it claims.
        """
        own = [
            entry
            for entry in self._applications
            if subject_matches(entry.certificate_subject, peer.certificate_subject)
        ]
        by_peripheral = [e for e in own if e.peripheral_id is not None and e.peripheral_id == peripheral_id]
        by_certificate = [e for e in own if e.certificate_subject and e.peripheral_id is None]
        without_address = [entry for entry in self._applications if not entry.address]
        alone = without_address if len(without_address) == 1 and without_address[0] in own else []
        for entry in (*by_peripheral, *by_certificate, *alone):
            return ApplicationBinding(entry.name, entry.requeue_on_recovery)
        return ApplicationBinding()


@attrs.frozen
class PimPlace:
    """Which PIM a peer is: the `[[peripheral_gateway]]` and its side."""

    pim: Pim
    gateway: str = ""
    """Name of the table, empty when none names the peer."""


class PimPlaces:
    """The `[[peripheral_gateway]]` tables, searched when a PIM opens a session."""

    def __init__(self, gateways: Sequence[PeripheralGatewaySettings]) -> None:
        self._gateways = tuple(gateways)

    def find(self, peer: PeerIdentity, peripheral_id: int | None) -> PimPlace:
        """The place of a peer by its certificate or its address; side "none" when no table names it."""
        for gateway in self._gateways:
            if peripheral_id is not None and peripheral_id != gateway.peripheral:
                continue
            for side, settings in (("A", gateway.side_a), ("B", gateway.side_b)):
                if settings is None:
                    continue
                named = settings.mr_certificate and subject_matches(settings.mr_certificate, peer.certificate_subject)
                if named or (settings.mr_address and settings.mr_address == peer.address):
                    return PimPlace(Pim(gateway.peripheral, side), gateway.name)
        return PimPlace(Pim(peripheral_id, "none"))
