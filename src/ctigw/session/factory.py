"""Making sessions: what they share, and what the process is at this moment.

Knows everything that a new session needs; must not know sockets. One factory serves all listeners and dialled
connections of a process. Rules: decisions A1, C2, C8, D1.
"""

from ctigw.session.access import CtiAccess, RefusalLedger
from ctigw.session.bindings import ApplicationBinding, ApplicationBindings, PimPlaces
from ctigw.session.cti_server import AgentStateOf, CtiServerSession, no_agent_state
from ctigw.session.device_registry import DeviceRegistry
from ctigw.session.mr_application import MrApplicationSession
from ctigw.session.mr_pim import MrPimSession
from ctigw.session.mr_session import CodecProvider
from ctigw.session.pim_registry import PimRegistry
from ctigw.session.session import PeerIdentity
from ctigw.wire import mr, mr_codec


class SessionFactory:
    """Sessions made here share registries and ledger. The public attributes may be changed; new sessions see the
    change.
    """

    def __init__(
        self,
        cti_access: CtiAccess,
        applications: ApplicationBindings,
        pims: PimPlaces,
        *,
        mr_codecs: CodecProvider = mr_codec,
        standby: bool = False,
        routing_enabled: bool = True,
    ) -> None:
        """`mr_codecs` gives the codec of an MR version; not the default one where the MR table is corrected."""
        self.cti_access = cti_access
        self.applications = applications
        self.pims = pims
        self.mr_codecs = mr_codecs
        self.standby = standby
        self.routing_enabled = routing_enabled
        self.routing_disabled_reason: int = mr.RoutingDisabledReason.ROUTER_UNREACHABLE
        self.agent_state: AgentStateOf = no_agent_state
        """For OPEN_CONF; whoever knows agents puts his own here."""
        self._pim_registry = PimRegistry()
        self._devices = DeviceRegistry()
        self._ledger = RefusalLedger()

    def take_over(self, other: "SessionFactory") -> None:
        """New sessions are admitted and bound as those of another factory; registries and ledger stay."""
        self.cti_access = other.cti_access
        self.applications = other.applications

    def mr_pim(self, peer: PeerIdentity, now: float) -> MrPimSession:
        """We are the PIM of an application that dialled us."""
        return self._mr_pim(peer, now, None, None)

    def mr_pim_dialled(
        self, peer: PeerIdentity, binding: ApplicationBinding, heartbeat_s: float, now: float
    ) -> MrPimSession:
        """We are the PIM and dialled the application; OPEN_REQ is ready to be taken."""
        return self._mr_pim(peer, now, binding, heartbeat_s)

    def mr_application(self, peer: PeerIdentity, now: float) -> MrApplicationSession:
        """We are the application of a PIM that dialled us."""
        return MrApplicationSession(self.mr_codecs, self.pims, self._pim_registry, peer, now, standby=self.standby)

    def cti_server(self, peer: PeerIdentity, now: float) -> CtiServerSession:
        """We are the CTI server of a client that dialled us."""
        return CtiServerSession(
            self.cti_access,
            self._ledger,
            self._devices,
            peer,
            now,
            standby=self.standby,
            agent_state=self.agent_state,
        )

    def _mr_pim(
        self, peer: PeerIdentity, now: float, dialled: ApplicationBinding | None, heartbeat_s: float | None
    ) -> MrPimSession:
        return MrPimSession(
            self.mr_codecs,
            self.applications,
            peer,
            now,
            routing_enabled=self.routing_enabled,
            routing_disabled_reason=self.routing_disabled_reason,
            standby=self.standby,
            dialled=dialled,
            we_open_heartbeat_s=heartbeat_s,
        )
