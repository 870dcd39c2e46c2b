"""Bytes and messages: frames, message classes, codec, readable forms.

Knows the two protocols as protocol/*.toml state them. Must not know connections, clocks or what a message means.
Imports nothing of the gateway but its errors. The modules `mr` and `cti` hold the generated classes and codes of each
protocol.
"""

from ctigw.errors import DecodeError, EncodeError, FrameError, WireError
from ctigw.wire import cti, layout, mr
from ctigw.wire.catalogue import lookup
from ctigw.wire.codec import AnyMessage, Codec, cti_codec, mr_codec
from ctigw.wire.corrected import codec_from_table
from ctigw.wire.frame import CTI_MAX_BODY, HEADER_BYTES, MR_MAX_BODY, FrameBuffer
from ctigw.wire.message import BodyOnly, FieldMessage, Message, UnknownMessage
from ctigw.wire.values import (
    AgentRef,
    EccArray,
    EccName,
    EccValue,
    Floating,
    FloatValue,
    NamedArray,
    NamedVariable,
    TaskId,
)

__all__ = [
    "CTI_MAX_BODY",
    "HEADER_BYTES",
    "MR_MAX_BODY",
    "AgentRef",
    "AnyMessage",
    "BodyOnly",
    "Codec",
    "DecodeError",
    "EccArray",
    "EccName",
    "EccValue",
    "EncodeError",
    "FieldMessage",
    "FloatValue",
    "Floating",
    "FrameBuffer",
    "FrameError",
    "Message",
    "NamedArray",
    "NamedVariable",
    "TaskId",
    "UnknownMessage",
    "WireError",
    "codec_from_table",
    "cti",
    "cti_codec",
    "layout",
    "lookup",
    "mr",
    "mr_codec",
]
