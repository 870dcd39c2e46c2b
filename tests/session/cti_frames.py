"""Frames that a CTI server sends, in hex, and the sample OPEN_REQs of cti-notes."""

from ctigw.wire import TaskId

VERSIONS = range(13, 26)
TASK = TaskId(153000, 7, 1)

SAMPLE_OPEN_25 = (
    "0000004100000003000000010000001900000078ffffffff000004100018000000003fff"
    "000000000000000000000000000000000001000564656d6f00000200000061000400001388"
)
SAMPLE_OPEN_19 = (
    "0000003b00000003000000010000001300000078ffffffff000004100018000000003fff"
    "00000000000000000000000000000000010564656d6f000200610400001388"
)
SAMPLE_CONF = "0000002000000004000000010000041000000000000000006553f100000100110000000000000001"


def failure_conf(status: int, invoke_id: int = 1, version: int = 25) -> str:
    """Hex of FAILURE_CONF in the form of a version."""
    if version >= 24:
        return f"0000000a00000001{invoke_id:08x}{status:04x}00000000"
    return f"0000000800000001{invoke_id:08x}{status:08x}"


def failure_event(status: int) -> str:
    """Hex of FAILURE_EVENT."""
    return f"0000000400000002{status:08x}"


def failure_resp(status: int, invoke_id: int) -> str:
    """Hex of FAILURE_RESP."""
    return f"00000008000000be{invoke_id:08x}{status:08x}"
