"""The numbers that a peer gives by itself: InvokeID, DialogueID and SendSeqNo.

Knows: when a number is filled in and how it counts. Must not know: connections and steps. Rules: mr-wire.md (g),
dialogue procedure.
"""

from __future__ import annotations

from collections import Counter

from emulator.codec import Message, row_of

OUTSIDE_DIALOGUES = {"ROUTING_ENABLED", "ROUTING_DISABLED", "GRACEFUL_SHUTDOWN_EVENT"}
"""Task control messages whose DialogueID and SendSeqNo are NULL."""


class Numbering:
    """Counts for one peer, over all its connections."""

    def __init__(self) -> None:
        self._invoke_id = 0
        self._dialogue_id = 0
        self._sequence: Counter[int] = Counter()

    def fill_in(self, message: Message) -> None:
        """Give the message what its table has and the scenario left out."""
        fields = message.fields
        known = {entry.name for entry in row_of(message.protocol, message.name).fields}
        if "DialogueID" in known and message.name in OUTSIDE_DIALOGUES:
            fields.setdefault("DialogueID", -1)
            fields.setdefault("SendSeqNo", -1)
        elif "DialogueID" in known:
            self._fill_in_dialogue(message)
        if "InvokeID" in known and "InvokeID" not in fields:
            self._invoke_id += 1
            fields["InvokeID"] = self._invoke_id

    def _fill_in_dialogue(self, message: Message) -> None:
        fields = message.fields
        if message.name == "NEW_TASK" and "DialogueID" not in fields:
            self._dialogue_id += 1
            fields["DialogueID"] = self._dialogue_id
        dialogue = message.number("DialogueID")
        if "SendSeqNo" not in fields:
            # A dialogue's numbering begins anew with its NEW_TASK.
            self._sequence[dialogue] = 1 if message.name == "NEW_TASK" else self._sequence[dialogue] + 1
            fields["SendSeqNo"] = self._sequence[dialogue]
