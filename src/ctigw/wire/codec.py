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
    """Decodes and encodes the messages of one protocol in one version; free to share.

    The functions of a message are made when the number is first met: most sessions never see most of the catalogue.
    """

    protocol: ProtocolName
    version: int
    rows: ProtocolRow
    """The tables that this codec follows."""
    _late: dict[int, list[MessageRow]] = attrs.field(repr=False)
    """Number -> rows whose functions are not made yet."""
    _tools: Callable[[MessageRow], Tools] = attrs.field(repr=False)
    _decoders: dict[int, Callable[[bytes], AnyMessage]] = attrs.field(factory=dict, init=False, repr=False)
    _encoders: dict[type[Message], Encoder] = attrs.field(factory=dict, init=False, repr=False)
    _rows_by_class: dict[type[Message], MessageRow] = attrs.field(factory=dict, init=False, repr=False)

    def decode(self, message_type: int, body: bytes) -> AnyMessage:
        """The message in `body` (what follows the header).

        Raises `DecodeError` when a fixed part is cut short or the floating part does not end with the body. A value
        that does not fit its type, and an unknown tag, are kept as bytes; an unknown number is an `UnknownMessage`.
        """
        try:
            decoder = self._decoders[message_type]
        except KeyError:
            if message_type not in self._late:
                return UnknownMessage(message_type, None, body)
            self._make(message_type)
            decoder = self._decoders[message_type]
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
        self._make(message.TYPE)
        encoder = self._encoders.get(type(message))
        if encoder is None:
            raise EncodeError(message=message.NAME, field=None, offset=0, problem=f"is no {self.protocol} message")
        return encoder(message)

    def class_of(self, row: MessageRow) -> Callable[..., Message]:
        """The class of a row of this codec's tables."""
        self._make(row.number)
        return next(known for known, found in self._rows_by_class.items() if found is row)

    def row_of(self, message: Message) -> MessageRow:
        """The row that `message` is encoded by. KeyError when it is of another protocol."""
        self._make(message.TYPE)
        return self._rows_by_class[type(message)]

    def make_all(self) -> None:
        """Make every function now, so that a mistake in the tables shows now."""
        for number in list(self._late):
            self._make(number)

    def _make(self, number: int) -> None:
        """Make the functions of the messages with that number, where that is still to be done."""
        forms: dict[int | None, dict[int | None, Decoder]] = {}
        for row in self._late.get(number, ()):
            decode, encode, made = _functions(self._tools(row), row)
            for known_class in (made, catalogue.message_class(row)):
                self._encoders[known_class] = encode
                self._rows_by_class[known_class] = row
            forms.setdefault(row.subtype, {})[row.body_length] = decode
        if not forms:
            return
        envelope = dict(self.rows.envelopes).get(number)
        if envelope is None:
            self._decoders[number] = _by_length(forms[None])
        else:
            inner = {subtype: _by_length(found) for subtype, found in forms.items() if subtype is not None}
            self._decoders[number] = _by_subtype(number, self.rows.type(envelope).code, inner)
        del self._late[number]


def build_codec(rows: ProtocolRow, version: int) -> Codec:
    """A codec for tables that may differ from the committed ones. ValueError for a version that they do not have."""
    if not rows.oldest <= version <= rows.newest:
        raise ValueError(f"{rows.name} version {version} is not within {rows.oldest} to {rows.newest}")
    late: dict[int, list[MessageRow]] = {number: [] for number, _ in rows.envelopes}
    for row in rows.messages:
        late.setdefault(row.number, []).append(row)
    return Codec(rows.name, version, rows, late, _tools_of(rows, version))


def _tools_of(rows: ProtocolRow, version: int) -> Callable[[MessageRow], Tools]:
    """What the functions of each message need: walk and join are shared, readers and writers are its own."""
    header = rows.float_header(version)
    tag_code, length_code = rows.type(header.tag).code, rows.type(header.length).code
    highest_tag = (1 << (8 * struct.calcsize(">" + tag_code))) - 1
    walk = walker(tag_code, length_code)
    join = joiner(tag_code, length_code, older_form=header.upto is not None)

    def tools(row: MessageRow) -> Tools:
        floats = rows.floats_of(row)
        now = {
            known.tag: functions(rows, known)
            for known in floats
            if known.min_version <= version and known.tag <= highest_tag
        }
        return Tools(
            protocol=rows,
            version=version,
            walk=walk,
            join=join,
            readers={tag: read for tag, (read, _) in now.items()},
            writers={tag: write for tag, (_, write) in now.items()},
            newer=frozenset(known.tag for known in floats if known.min_version > version),
        )

    return tools


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
    by_bytes = {packer.pack(subtype): decoder for subtype, decoder in inner.items()}

    def decode(body: bytes) -> AnyMessage:
        decoder = by_bytes.get(body[:size])
        if decoder is not None:
            return decoder(body)
        if len(body) < size:
            problem = f"needs {size} bytes, {len(body)} are left"
            raise DecodeError(message=None, field="Subtype", offset=0, problem=problem)
        return UnknownMessage(number, unpack_from(body)[0], body)

    return decode


@cache
def mr_codec(version: int = MR_VERSION) -> Codec:
    """The codec of the committed MR profile. ValueError outside 1 to 5."""
    return build_codec(catalogue.protocol("mr"), version)


@cache
def cti_codec(version: int = CTI_VERSION) -> Codec:
    """The codec of the committed CTI tables. ValueError outside 13 to 25."""
    return build_codec(catalogue.protocol("cti"), version)
