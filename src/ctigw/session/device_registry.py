"""Which session owns an agent device (client events).

Knows sessions by what they can do here; must not know protocols. Shared by all sessions of one factory; every entry is
given back when its session ends, so the sizes are bounded by the number of sessions. Rule: decisions C1.
"""

from typing import Protocol

from ctigw.session.session import Session


class DeviceOwner(Session, Protocol):
    """A session that may own agent devices."""

    client_id: str

    def replace(self, now: float) -> None:
        """Another session of the same client took the device: end."""


Device = tuple[int, str]
"""(PeripheralID, name of the device)."""


class DeviceRegistry:
    """Owners of agent devices."""

    def __init__(self) -> None:
        self._owners: dict[Device, DeviceOwner] = {}

    def __len__(self) -> int:
        return len(self._owners)

    def is_taken(self, devices: tuple[Device, ...], client_id: str) -> bool:
        """Whether another client owns one of the devices."""
        return any(device in self._owners and self._owners[device].client_id != client_id for device in devices)

    def claim(self, devices: tuple[Device, ...], owner: DeviceOwner, now: float) -> list[Session]:
        """Give the devices to `owner`; the sessions that were replaced, in order of the devices."""
        replaced: list[Session] = []
        for device in devices:
            previous = self._owners.get(device)
            if previous is not None and previous is not owner:
                previous.replace(now)  # gives its devices back
                replaced.append(previous)
            self._owners[device] = owner
        return replaced

    def release(self, devices: tuple[Device, ...], owner: DeviceOwner) -> None:
        """Take back what `owner` still owns."""
        for device in devices:
            if self._owners.get(device) is owner:
                del self._owners[device]
