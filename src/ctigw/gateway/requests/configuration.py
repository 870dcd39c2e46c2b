"""Configuration for CTI clients: keys, and blocks of records.

Knows the frame of a block and its end; the records are `ctigw.gateway.configuration`. These messages have no InvokeID:
a mask that cannot be is refused by FAILURE_EVENT, everything else by the status of the answer. Customers do not exist
here, so CustomerID is not looked at. Rules: cti.toml 230 to 234, decisions A2 and A8.
"""

from collections.abc import Iterable, Iterator

from ctigw.gateway.audience import CtiClient
from ctigw.gateway.configuration import KEY_TAGS, Kind, Known, Scope
from ctigw.gateway.requests.desk import Desk, Handler, Letter, every_bit
from ctigw.wire import Message, cti
from ctigw.wire.values import NULL_UINT

_EVERY_KIND = every_bit(Kind)
_KINDS_WITH_KEY = Kind(sum(KEY_TAGS))
_TOO_MUCH = "more than may be sent at once: ask for the rest in ten seconds"


def keys(desk: Desk, client: CtiClient, message: cti.ConfigRequestKeyEvent, now: float) -> Iterator[Letter]:
    """CONFIG_REQUEST_KEY_EVENT; PeripheralID NULL: of the whole site."""
    peripheral = _peripheral(message.peripheral_id)
    if peripheral is not None and peripheral not in desk.directory.peripherals:
        yield Letter(client, cti.ConfigKeyEvent(cti.ConfigKeyStatus.SERVICE_PROVIDER))
    else:
        found = desk.configuration.keys(_KINDS_WITH_KEY, Scope(peripheral, client.version, now))
        yield Letter(client, cti.ConfigKeyEvent(cti.ConfigKeyStatus.SUCCESS, found))


def block(desk: Desk, client: CtiClient, message: cti.ConfigRequestEvent, now: float) -> Iterator[Letter]:
    """CONFIG_REQUEST_EVENT; PeripheralID NULL: the whole site. ConfigMsgMask replaces the one of the opening: kinds
    whose changes the client wants to hear of.
    """
    if (message.config_information | message.config_msg_mask) & ~_EVERY_KIND:
        yield Letter(client, cti.FailureEvent(cti.FailureStatus.INVALID_CONFIG_MSG_MASK))
        return
    if message.config_msg_mask:
        client.config_mask = message.config_msg_mask
    kinds, peripheral = Kind(message.config_information), _peripheral(message.peripheral_id)
    if peripheral is not None and peripheral not in desk.directory.peripherals:
        yield Letter(client, cti.ConfigBeginEvent(cti.ConfigType.SOLICITED, kinds))
        yield Letter(client, cti.ConfigEndEvent(cti.ConfigEndStatus.NO_SERVICE_PROVIDER))
        return
    scope = Scope(peripheral, client.version, now)
    known = desk.configuration.keys(kinds, scope)
    yield Letter(client, cti.ConfigBeginEvent(cti.ConfigType.SOLICITED, kinds, known))
    yield from _records(client, desk.configuration.messages(kinds, scope), now)


def known_before(desk: Desk, now: float) -> dict[int, Known]:
    """By version of those who want to hear of changes, the records before a change; nothing where nobody does."""
    versions = {client.version for client in desk.audience.sessions() if client.config_mask}
    return {version: desk.configuration.known(Scope(None, version, now)) for version in sorted(versions)}


def changes(desk: Desk, before: dict[int, Known], now: float) -> Iterator[Letter]:
    """The configuration has changed: a block of what is new, changed and gone, for each who asked by ConfigMsgMask.

    [OURS] Of the whole site, whatever peripheral the client asked for before. Who is told more than may be sent at once
    gets what fits and PARTIAL, and learns from the keys that there is more.
    """
    for client in desk.audience.sessions():
        kinds, scope = Kind(client.config_mask & _EVERY_KIND), Scope(None, client.version, now)
        if not kinds or client.version not in before:
            continue
        found = list(desk.configuration.changes(kinds, before[client.version], scope))
        if found:
            yield Letter(
                client, cti.ConfigBeginEvent(cti.ConfigType.UNSOLICITED, kinds, desk.configuration.keys(kinds, scope))
            )
            yield from _records(client, found, now)


def _records(client: CtiClient, found: Iterable[tuple[Message, int]], now: float) -> Iterator[Letter]:
    """Records as far as they may be sent at once, and the end of the block."""
    status = cti.ConfigEndStatus.EMPTY
    for records, size in found:
        if not client.bulk.take(size, now):
            partial = cti.ConfigEndStatus.PARTIAL
            yield Letter(client, cti.ConfigEndEvent(partial, [(cti.ConfigEndEvent.TEXT, _TOO_MUCH)]))
            return
        yield Letter(client, records)
        status = cti.ConfigEndStatus.SUCCESS
    yield Letter(client, cti.ConfigEndEvent(status))


def _peripheral(wire: int) -> int | None:
    return None if wire == NULL_UINT else wire


HANDLERS: dict[type[Message], Handler] = {
    cti.ConfigRequestKeyEvent: keys,
    cti.ConfigRequestEvent: block,
}
