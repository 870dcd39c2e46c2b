"""Dialogues of one MR connection: which are open, which were answered, and their numbers.

Knows DialogueIDs and SendSeqNo; must not know what a dialogue is about. Rules: mr-wire (g) "Dialogue procedure" (each
sender counts its messages per dialogue from 1; an id is unique among the open dialogues of a connection), decisions
A4, D2.
"""

from collections import OrderedDict

import attrs

FIRST_DIALOGUE_ID = 1
LAST_DIALOGUE_ID = 0xFFFFFFFE
NULL = 0xFFFFFFFF
"""DialogueID and SendSeqNo of messages that belong to no dialogue."""

FIRST_SEQUENCE = 1
"""SendSeqNo of each side's first message in a dialogue."""

_SEQUENCE_MODULUS = 1 << 32

OPEN_DIALOGUES = 131_072
"""Open dialogues of one connection. The largest known application queues 100,000 tasks (mr-wire (a)), the router's own
default limit is the same; what is beyond can only be an error of the peer.
"""

ENDED_DIALOGUES = 4_096
"""Ended dialogues remembered per connection, so that a CANCEL_TASK that crossed its answer is told so. At 1,000
answers a second it is four seconds, many times the round trip that such a crossing takes.
"""


@attrs.define
class Dialogue:
    """Counters of one dialogue."""

    send_next: int = FIRST_SEQUENCE
    receive_next: int = FIRST_SEQUENCE


class Dialogues:
    """All dialogues of one connection, open ones in order of arrival."""

    def __init__(self) -> None:
        self._open: dict[int, Dialogue] = {}
        self._ended: OrderedDict[int, Dialogue] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, dialogue_id: int) -> bool:
        return dialogue_id in self._open

    def open_ids(self) -> list[int]:
        """Open dialogues in the order in which they were opened."""
        return list(self._open)

    def open(self, dialogue_id: int) -> None:
        """Open a dialogue; the memory of an earlier one with this id goes."""
        self._ended.pop(dialogue_id, None)
        self._open[dialogue_id] = Dialogue()

    def end(self, dialogue_id: int, *, remember: bool) -> None:
        """Close a dialogue; with `remember`, `was_ended` says so for a while."""
        dialogue = self._open.pop(dialogue_id, None)
        if dialogue is None or not remember:
            return
        self._ended[dialogue_id] = dialogue
        if len(self._ended) > ENDED_DIALOGUES:
            self._ended.popitem(last=False)

    def was_ended(self, dialogue_id: int) -> bool:
        """Whether a dialogue with this id was ended lately and remembered."""
        return dialogue_id in self._ended

    def next_to_send(self, dialogue_id: int) -> int:
        """The SendSeqNo of our next message in a dialogue; 1 where no dialogue is known."""
        dialogue = self._find(dialogue_id)
        return FIRST_SEQUENCE if dialogue is None else dialogue.send_next

    def sent(self, dialogue_id: int) -> None:
        """Our message with that number is on its way."""
        dialogue = self._find(dialogue_id)
        if dialogue is not None:
            dialogue.send_next = (dialogue.send_next + 1) % _SEQUENCE_MODULUS

    def check_received(self, dialogue_id: int, number: int) -> int | None:
        """Note the peer's SendSeqNo; the number that was due when it is another one, else None. Counting goes on from
        it.
        """
        dialogue = self._find(dialogue_id)
        if dialogue is None:
            return None
        due = dialogue.receive_next
        dialogue.receive_next = (number + 1) % _SEQUENCE_MODULUS
        return None if number == due else due

    def _find(self, dialogue_id: int) -> Dialogue | None:
        return self._open.get(dialogue_id) or self._ended.get(dialogue_id)
