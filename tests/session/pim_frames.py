"""Frames that a PIM sends, in hex, and NEW_TASKs with more to say."""

from ctigw.wire import FloatValue, mr
from session_pair import (
    mr_frame,
    new_task,
)

T1_NEW_TASK = bytes.fromhex(
    "0000005e0000002f0000000300000001000000010000138b"
    "ffffffffffffffffffffffff00000000ffffffffffffffffffffffff"
    "0000000000000000200438303030"
    "2a1800000001757365722e63696d2e61637469766974792e6964"
    "2b080000000131313738"
)
ROUTING_ENABLED = "0000000c0000002f00000001ffffffffffffffff"


def failure(reason: int, dialogue_id: int = 1, cause: int = 0, sequence: int = 1) -> str:
    """Hex of a NEW_TASK_FAILURE."""
    return "000000140000002f00000005" + "".join(f"{number:08x}" for number in (dialogue_id, sequence, reason, cause))


def dialogue_failure(status: int, dialogue_id: int = 1, sequence: int = 1) -> str:
    """Hex of a DIALOGUE_FAILURE_EVENT."""
    return "000000100000002f0000000b" + "".join(f"{number:08x}" for number in (dialogue_id, sequence, status))


def cancel_conf(status: int, dialogue_id: int = 1, sequence: int = 1, invoke_id: int = 7) -> str:
    """Hex of a CANCEL_TASK_CONF."""
    return "000000140000002f00000007" + "".join(f"{n:08x}" for n in (dialogue_id, sequence, invoke_id, status))


def with_floats(*floats: tuple[int, FloatValue]) -> bytes:
    """A NEW_TASK with more floating fields than its selector."""
    message = new_task()
    message.floating.extend(floats)
    return mr_frame(message)


def cancel(dialogue_id: int = 1, sequence: int = 2) -> bytes:
    """Bytes of a CANCEL_TASK with InvokeID 7."""
    return mr_frame(mr.CancelTask(dialogue_id, sequence, 7, 0))
