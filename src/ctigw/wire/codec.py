"""Messages to frames and back, for one protocol in one version.

Knows which function decodes and encodes which message, and that an unknown number is not an error. Must not know
connections, sessions or what a message means: structure is the codec's business, meaning the session's (decisions A6).
Rules: decisions A2 to A6, engineering B3 to B6.
"""

import struct
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

import attrs

from ctigw.errors import DecodeError, EncodeError
from ctigw.wire import catalogue
from ctigw.wire.build import Decoder, Encoder, Tools, build, build_body_only
from ctigw.wire.floating import functions, joiner, walker
from ctigw.wire.layout import MessageRow, ProtocolName, ProtocolRow
from ctigw.wire.message import BodyOnly, FieldMessage, Message, UnknownMessage

MR_VERSION: Final = 5
CTI_VERSION: Final = 25

_HEADER: Final = struct.Struct(">II")

AnyMessage = Message | UnknownMessage


@attrs.frozen(eq=False)
class Codec:
    """Decodes and encodes the messages of one protocol in one version. Immutable; free to share."""

    protocol: ProtocolName
    version: int
    rows: ProtocolRow
    """The tables that this codec follows."""
    _decoders: Mapping[int, Callable[[bytes], AnyMessage]] = attrs.field(repr=False)
    _encoders: Mapping[type[Message], Encoder] = attrs.field(repr=False)
    _rows_by_class: Mapping[type[Message], MessageRow] = attrs.field(repr=False)

    def decode(self, message_type: int, body: bytes) -> AnyMessage:
        """The message in `body` (what follows the header).

        Raises `DecodeError` when a fixed part is cut short or the floating part does not end with the body. A value
        that does not fit its type, and an unknown tag, are kept as bytes; an unknown number is an `UnknownMessage`.
        """
        decoder = self._decoders.get(message_type)
        if decoder is None:
            return UnknownMessage(message_type, None, body)
        return decoder(body)

    def encode(self, message: AnyMessage) -> bytes:
        """The whole frame, header included.

        Raises `EncodeError` when a value does not fit its field. Fields and tags that are newer than the version are
        not encoded (decisions A3).
        """
        encoder = self._encoders.get(type(message))  # type: ignore[arg-type]  # UnknownMessage is no key, and not found
        if encoder is not None:
            return encoder(message)  # type: ignore[arg-type]  # found by the class of the message
        if isinstance(message, UnknownMessage):
            return _HEADER.pack(len(message.body), message.type) + message.body
        raise EncodeError(message=message.NAME, field=None, offset=0, problem=f"is no {self.protocol} message")

    def class_of(self, row: MessageRow) -> Callable[..., Message]:
        """The class of a row of this codec's tables."""
        return next(known for known, found in self._rows_by_class.items() if found is row)

    def row_of(self, message: Message) -> MessageRow:
        """The row that `message` is encoded by. KeyError when it is of another protocol."""
        return self._rows_by_class[type(message)]


def build_codec(rows: ProtocolRow, version: int) -> Codec:
    """A codec for tables that may differ from the committed ones. ValueError for a version that they do not have."""
    if not rows.oldest <= version <= rows.newest:
        raise ValueError(f"{rows.name} version {version} is not within {rows.oldest} to {rows.newest}")
    header = rows.float_header(version)
    tag_code, length_code = rows.type(header.tag).code, rows.type(header.length).code
    highest_tag = (1 << (8 * struct.calcsize(">" + tag_code))) - 1
    walk = walker(tag_code, length_code)
    join = joiner(tag_code, length_code, older_form=header.upto is not None)
    encoders: dict[type[Message], Encoder] = {}
    by_class: dict[type[Message], MessageRow] = {}
    decoders: dict[tuple[int, int | None], dict[int | None, Decoder]] = {}
    for row in rows.messages:
        floats = rows.floats_of(row)
        now = {
            known.tag: functions(rows, known)
            for known in floats
            if known.min_version <= version and known.tag <= highest_tag
        }
        tools = Tools(
            protocol=rows,
            version=version,
            walk=walk,
            join=join,
            readers={tag: read for tag, (read, _) in now.items()},
            writers={tag: write for tag, (_, write) in now.items()},
            newer=frozenset(known.tag for known in floats if known.min_version > version),
        )
        decode, encode, made = _functions(tools, row)
        for known_class in (made, catalogue.message_class(row)):
            encoders[known_class] = encode
            by_class[known_class] = row
        decoders.setdefault((row.number, row.subtype), {})[row.body_length] = decode
    by_number = {number: _by_length(forms) for (number, subtype), forms in decoders.items() if subtype is None}
    dispatch: dict[int, Callable[[bytes], AnyMessage]] = dict(by_number)
    for number, kind in rows.envelopes:
        inner = {
            sub: _by_length(forms) for (outer, sub), forms in decoders.items() if outer == number and sub is not None
        }
        dispatch[number] = _by_subtype(number, rows.type(kind).code, inner)
    return Codec(rows.name, version, rows, dispatch, encoders, by_class)


def _functions(tools: Tools, row: MessageRow) -> tuple[Decoder, Encoder, type[Message]]:
    message_class = catalogue.message_class(row)
    if issubclass(message_class, BodyOnly):
        return *build_body_only(tools, row, message_class), message_class
    if not issubclass(message_class, FieldMessage):
        raise TypeError(f"{message_class.__name__} is no message class")
    widened = _with_new_fields(row, message_class)
    return *build(tools, row, widened), widened


def _with_new_fields(row: MessageRow, message_class: type[FieldMessage]) -> type[FieldMessage]:
    """The class itself, or one that also holds fields that only a corrected table has; they are 0 unless received."""
    known = {attribute.name for attribute in attrs.fields(message_class)}
    extra = {field.attribute: attrs.field(default=0) for field in row.fields if field.attribute not in known}
    if not extra:
        return message_class
    made: type[FieldMessage] = attrs.make_class(message_class.__name__, extra, bases=(message_class,), slots=True)
    return made


def _by_length(forms: Mapping[int | None, Decoder]) -> Decoder:
    """A message with two layouts is told apart by the length of its body; the one without a length takes the rest."""
    otherwise = forms[None]
    if len(forms) == 1:
        return otherwise

    def decode(body: bytes) -> Message:
        return forms.get(len(body), otherwise)(body)

    return decode


def _by_subtype(number: int, code: str, inner: Mapping[int, Decoder]) -> Callable[[bytes], AnyMessage]:
    packer = struct.Struct(">" + code)
    size, unpack_from = packer.size, packer.unpack_from

    def decode(body: bytes) -> AnyMessage:
        if len(body) < size:
            problem = f"needs {size} bytes, {len(body)} are left"
            raise DecodeError(message=None, field="Subtype", offset=0, problem=problem)
        subtype: int = unpack_from(body)[0]
        decoder = inner.get(subtype)
        return UnknownMessage(number, subtype, body) if decoder is None else decoder(body)

    return decode


@cache
def mr_codec(version: int = MR_VERSION) -> Codec:
    """The codec of the committed MR profile. ValueError outside 1 to 5."""
    return build_codec(catalogue.protocol("mr"), version)


@cache
def cti_codec(version: int = CTI_VERSION) -> Codec:
    """The codec of the committed CTI tables. ValueError outside 13 to 25."""
    return build_codec(catalogue.protocol("cti"), version)
