"""Everything else that a configuration file may say: faces, limits, files, and the whole file as one value.

Knows units, ranges and defaults; must not know TOML, sockets, sessions. Rules: design 4, decisions A8, D1, F2, G1.
"""

from pathlib import Path

import attrs

from ctigw.config.key import Form, key
from ctigw.config.routing import ID_HIGH, RoutingSettings


@attrs.frozen
class GatewaySettings:
    """`[gateway]`."""

    name: str = key("name of this daemon in logs and events", default="ctigw", max_bytes=64)
    side: str = key("identity of this side", default="A", choices=("A", "B"))
    state_dir: Path = key("directory for what must survive", default=Path("/var/lib/ctigw"), form=Form.DIRECTORY)


@attrs.frozen
class TlsSettings:
    """`tls = {...}` of a listener; files are PEM (decisions G1 says where a bare name is looked up)."""

    certificate: Path = key("server certificate chain, PEM", form=Form.FILE)
    private_key: Path = key("its private key, PEM", form=Form.FILE)
    client_ca: Path | None = key("CA of client certificates; absent: none is asked for", default=None, form=Form.FILE)
    require_client_certificate: bool = key("refuse a client without a certificate", default=False)


@attrs.frozen
class LimitSettings:
    """`limits = {...}` of a listener."""

    connections: int = key("connections at once on this listener", default=4096, low=1, high=1_000_000)
    connections_per_peer: int = key("connections at once from one address", default=4096, low=1, high=1_000_000)
    handshake_s: float = key("time for the TLS handshake", default=5.0, low=0.1, high=300)
    first_message_s: float = key(
        "time for the whole first message after the handshake", default=10.0, low=0.1, high=300
    )
    send_s: float = key("time for one write to be taken by the peer", default=10.0, low=0.1, high=300)
    close_s: float = key("time for the orderly end of a connection", default=5.0, low=0.1, high=300)
    outbox_bytes: int = key(
        "bytes waiting to be written to one connection, control messages not counted",
        default=4 * 1024 * 1024,
        low=65_536,
        high=1 << 30,
    )
    outbox_age_s: float = key("age of the oldest waiting byte", default=10.0, low=0.1, high=3600)


@attrs.frozen(kw_only=True)
class ListenerSettings:
    """`[[listener]]`."""

    address: str = key("where to listen; [::] takes IPv4 too", form=Form.BIND_ADDRESS)
    protocols: tuple[str, ...] = key("protocols that this listener takes", default=("mr", "cti"), choices=("mr", "cti"))
    tls: TlsSettings | None = key("TLS files; `tls = false` is plain TCP (lab, replay)")
    limits: LimitSettings = key("limits", default=attrs.Factory(LimitSettings))


@attrs.frozen
class AdminSettings:
    """`[admin]`."""

    address: str = key("where metrics and health are served", default="127.0.0.1:9108", form=Form.BIND_ADDRESS)


@attrs.frozen
class JournalSettings:
    """`[journal]` (decisions F2: solo needs sqlite, pair needs etcd)."""

    kind: str = key("where inputs and facts are kept", default="sqlite", choices=("sqlite", "etcd"))
    durability: str = key(
        "commit: answer after the batch is on disk; relaxed: before", default="commit", choices=("commit", "relaxed")
    )


@attrs.frozen
class TaskRecordsSettings:
    """`[task_records]`: one line for each task that ended, for reporting (`ctigw.records.form` says what is in it)."""

    enabled: bool = key("write task detail records", default=True)
    directory: str = key("where they are kept, relative to state_dir", default="records", max_bytes=4096)
    rotate_bytes: int = key("size at which a new file begins", default=64 << 20, low=4096, high=1 << 40)
    rotate_s: float = key("age at which a new file begins", default=3600.0, low=1, high=31 * 86_400)
    keep_files: int = key("files that are kept; 0: any number", default=1000, low=0, high=1_000_000)
    keep_days: float = key("how long files are kept; 0: for ever", default=31.0, low=0, high=36_500)
    keep_bytes: int = key("size of all files that are kept; 0: any size", default=10 << 30, low=0, high=1 << 50)
    variables: tuple[str, ...] = key(
        "variables that go into the records: call.1 to call.10, ecc.NAME; they are customers' data", default=()
    )


@attrs.frozen
class EtcdTlsSettings:
    """`etcd_tls = {...}`."""

    ca: Path = key("CA of the store, PEM", form=Form.FILE)
    certificate: Path | None = key("client certificate, PEM", default=None, form=Form.FILE)
    private_key: Path | None = key("its private key, PEM", default=None, form=Form.FILE)


@attrs.frozen
class DuplexSettings:
    """`[duplex]`."""

    kind: str = key("alone or one side of a pair", default="solo", choices=("solo", "pair"))
    etcd: tuple[str, ...] = key("URLs of the store", default=(), form=Form.STORE_URL)
    etcd_tls: EtcdTlsSettings | None = key("TLS towards the store", default=None)
    etcd_prefix: str = key(
        "where the pair's keys begin; pairs that share a store need different ones", default="/ctigw"
    )
    lease_s: float = key("lease of the active side; whole seconds fail over soonest", default=3.0, low=2.0, high=30.0)
    heartbeat_s: float | None = key(
        "time between two renewals of the lease; absent: a sixth of lease_s", default=None, low=0.05, high=10.0
    )
    heartbeat_misses: int = key("renewals without an answer before the side steps down", default=3, low=1, high=100)
    send_limit_s: float | None = key(
        "time for one request to the store; absent: a sixth of lease_s", default=None, low=0.05, high=10.0
    )
    margin_s: float | None = key(
        "end of the lease that is never used, for clocks that drift; absent: a sixth of lease_s",
        default=None,
        low=0.05,
        high=10.0,
    )
    on_store_loss: str = key(
        "without the store: step_down, or stay_active and risk that both sides act",
        default="step_down",
        choices=("step_down", "stay_active"),
    )


@attrs.frozen
class ProtocolSettings:
    """`[protocol]`: a corrected MR table, because the MR layout is a reconstruction."""

    mr: Path | None = key("MR message table used instead of the built-in one", default=None, form=Form.FILE)


@attrs.frozen
class CtiClientSettings:
    """`[[cti_client]]`: credentials and what they allow (decisions C1, C2)."""

    id: str = key("ClientID", max_bytes=63)
    password_file: Path | None = key(
        "file that holds the password; absent: only with a certificate subject", default=None, form=Form.FILE
    )
    certificate_subject: str = key(
        "only this client certificate may use the id; empty: any", default="", form=Form.SUBJECT
    )
    application_path: int | None = key(
        "ApplicationPathID that agent reporting needs", default=None, low=1, high=ID_HIGH
    )
    services: tuple[str, ...] = key("names of the service mask without CTI_SERVICE_, lower case", default=())


@attrs.frozen
class ApplicationSettings:
    """`[[application]]`: a channel application; with an address we dial it, else it dials us (decisions D1, D6)."""

    name: str = key("unique name", max_bytes=64)
    address: str = key("where to dial; empty: it dials us", default="", form=Form.DIAL_ADDRESS)
    address_2: str = key("second address of a redundant pair", default="", form=Form.DIAL_ADDRESS)
    tls_ca: Path | None = key(
        "CA of the application's certificate when we dial; absent: system trust", default=None, form=Form.FILE
    )
    tls: bool = key("dial with TLS", default=True)
    certificate_subject: str = key(
        "client certificate that binds a connection to this entry", default="", form=Form.SUBJECT
    )
    peripheral_id: int | None = key(
        "float 131 that binds a connection to this entry", default=None, low=1, high=ID_HIGH
    )
    requeue_on_recovery: bool = key("keep queued tasks when the link is lost (decisions D6)", default=False)
    heartbeat_s: float = key("heartbeat interval when we dial", default=5.0, low=0.1, high=3600)
    reconnect_s: float = key("pause between attempts when we dial", default=10.0, low=0.1, high=3600)


@attrs.frozen
class PeripheralGatewaySideSettings:
    """One side of a real peripheral gateway pair."""

    cti: str = key("where its CTI server listens", default="", form=Form.DIAL_ADDRESS)
    mr_certificate: str = key("certificate subject of its PIM when it dials us", default="", form=Form.SUBJECT)
    mr_address: str = key("address that its PIM dials from, instead of a certificate", default="", form=Form.IP_ADDRESS)


@attrs.frozen
class PeripheralGatewaySettings:
    """`[[peripheral_gateway]]`."""

    name: str = key("unique name", max_bytes=64)
    peripheral: int = key("PeripheralID", low=1, high=ID_HIGH)
    side_a: PeripheralGatewaySideSettings = key("side A")
    side_b: PeripheralGatewaySideSettings | None = key("side B", default=None)


@attrs.frozen
class Settings:
    """One whole configuration, cross-checked."""

    gateway: GatewaySettings = attrs.Factory(GatewaySettings)
    listeners: tuple[ListenerSettings, ...] = ()
    admin: AdminSettings = attrs.Factory(AdminSettings)
    journal: JournalSettings = attrs.Factory(JournalSettings)
    duplex: DuplexSettings = attrs.Factory(DuplexSettings)
    task_records: TaskRecordsSettings = attrs.Factory(TaskRecordsSettings)
    protocol: ProtocolSettings = attrs.Factory(ProtocolSettings)
    cti_clients: tuple[CtiClientSettings, ...] = ()
    applications: tuple[ApplicationSettings, ...] = ()
    peripheral_gateways: tuple[PeripheralGatewaySettings, ...] = ()
    routing: RoutingSettings = attrs.Factory(RoutingSettings)
