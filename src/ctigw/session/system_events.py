"""SYSTEM_EVENT: what happens to the site as a whole.

Knows the layout and the half hours; must not know who is told. Rules: cti.toml 31, cti-notes "Opening" and "Who may
send what" (ALL_EVENTS). That we go away is told by FAILURE_EVENT 15 to every session and by no SYSTEM_EVENT.
"""

from ctigw.wire import cti

HALF_HOUR_S = 1800
"""Reports of a site are cut at each half hour. Half hours of UTC are those of nearly every local time."""

_TIME_MASK = 0xFFFFFFFF
_NO_DEVICE = 0xFFFF
"""DEVID_NONE: an event that concerns no device."""


def system_event(event: cti.SystemEventId, now: float, argument: int = 0) -> cti.SystemEvent:
    """The event at `now` (UTC seconds); `argument` is a PeripheralID where the event is about one."""
    return cti.SystemEvent(
        pg_status=0,
        icm_central_controller_time=int(now) & _TIME_MASK,
        system_event_id=event,
        system_event_arg1=argument,
        system_event_arg2=0,
        system_event_arg3=0,
        event_device_type=_NO_DEVICE,
    )


def next_half_hour(now: float) -> float:
    """The first half hour after `now`, UTC seconds."""
    return (now // HALF_HOUR_S + 1) * HALF_HOUR_S
