"""Configuration for CTI clients: keys, and blocks of records.

Knows the frame of a block and its end; the records are `ctigw.gateway.configuration`. These messages have no InvokeID:
a mask that cannot be is refused by FAILURE_EVENT, everything else by the status of the answer. Customers do not exist
here, so CustomerID is not looked at. Rules: cti.toml 230 to 234, decisions A2 and A8.
"""

from collections.abc import Iterator

from ctigw.gateway.audience import CtiClient
from ctigw.gateway.configuration import KEY_TAGS, Kind, Scope
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
    status = cti.ConfigEndStatus.EMPTY
    for records, size in desk.configuration.messages(kinds, scope):
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
