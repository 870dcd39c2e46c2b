"""Looking a journal over, and saving what is sound of a damaged one.

Knows the chain of batches, snapshots and documents; must not know files or what an operator is asked. Rules: issue of
the journal (damage in the middle stops the daemon; `ctigw journal verify|repair`), decisions F1.
"""

from itertools import zip_longest

import attrs

from ctigw import __version__
from ctigw.errors import JournalDamageError, JournalError
from ctigw.journal.batch import Batch, Chain, Head, encode_batch
from ctigw.journal.entries import Entry
from ctigw.journal.follower import Documents, Follower
from ctigw.journal.snapshot import Snapshot, decode_snapshot, first_head
from ctigw.journal.store import Store
from ctigw.routing.facts import Event


@attrs.define
class Findings:
    """What is in a journal."""

    problems: list[str] = attrs.Factory(list)
    """What the daemon would stop at, or silently lacks."""
    notes: list[str] = attrs.Factory(list)
    snapshots: list[int] = attrs.Factory(list)
    """Sequences of the sound ones, oldest first."""
    first: int | None = None
    last: int | None = None
    """Sequences of the first and the last sound batch."""
    batches: int = 0
    inputs: int = 0
    events: int = 0
    began_at: float | None = None
    ended_at: float | None = None
    """UTC seconds of the first and the last input."""
    versions: dict[str, None] = attrs.Factory(dict)
    """Versions that decided, in order."""
    proved: int = 0
    """Inputs that were decided again, with the same outcome."""


def sound_snapshots(store: Store, problems: list[str]) -> list[Snapshot]:
    """Oldest first; what is wrong with the others is added."""
    sound = []
    for number in reversed(store.snapshots()):
        try:
            sound.append(decode_snapshot(store.snapshot(number)))
        except JournalDamageError as error:
            problems.append(f"snapshot {number}: {error.problem}")
    return sound


def verify(store: Store, *, decide_again: bool = False) -> Findings:
    """Read all of it. `decide_again`: what this version decided is decided again from the inputs, and compared."""
    findings = Findings()
    snapshots = sound_snapshots(store, findings.problems)
    findings.snapshots = [snapshot.head.sequence for snapshot in snapshots]
    documents = Documents(store)
    proof = Proof(documents, snapshots) if decide_again else None
    chain: Chain | None = None
    try:
        chain = Chain(first_head(store, snapshots))
        heads = {snapshot.head.sequence: snapshot.head for snapshot in snapshots}
        for batch in chain.walk(store.read(chain.head.sequence + 1)):
            _count(findings, batch, documents, proof)
            if heads.get(batch.sequence, chain.head) != chain.head:
                findings.problems.append(f"snapshot {batch.sequence} is of another history")
    except JournalError as error:
        findings.problems.append(str(error))
    if chain is not None and chain.torn is not None:
        findings.notes.append(f"the last batch, {chain.head.sequence + 1}, was not written whole: {chain.torn}")
    if proof is not None:
        findings.proved = proof.proved
    return findings


def _count(findings: Findings, batch: Batch, documents: Documents, proof: "Proof | None") -> None:
    entries = documents.entries(batch)
    documents.settings(batch.configuration)
    if len(entries) != batch.inputs:
        raise JournalDamageError(f"has {len(entries)} inputs, says {batch.inputs}", sequence=batch.sequence)
    findings.first = findings.first or batch.sequence
    findings.last = batch.sequence
    findings.batches += 1
    findings.inputs += len(entries)
    findings.events += sum(len(entry.events) for entry in entries)
    findings.versions[batch.engine_version] = None
    if entries:
        if findings.began_at is None:
            findings.began_at = entries[0].at
        findings.ended_at = entries[-1].at
    if proof is not None:
        proof.check(batch, entries)


class Proof:
    """Decides inputs again and compares: the same version must say the same (decisions F1)."""

    def __init__(self, documents: Documents, snapshots: list[Snapshot]) -> None:
        self._documents = documents
        self._snapshots = {snapshot.head.sequence: snapshot for snapshot in snapshots}
        self._follower: Follower | None = None
        self.proved = 0

    def check(self, batch: Batch, entries: list[Entry]) -> None:
        """One batch. JournalDamageError says which input has another outcome than the journal."""
        follower = self._follower
        if follower is None:
            follower = Follower(self._documents, batch.side)
            follower.begin(self._snapshots.get(batch.sequence - 1), batch.configuration)
            self._follower = follower
        if batch.engine_version != __version__:
            follower.follow(batch, entries)
            return
        follower.configure(batch.configuration)
        for entry in entries:
            events = tuple(follower.engine.handle(entry.input, entry.at))
            if events != entry.events:
                what = f"{type(entry.input).__name__} decided again has another outcome"
                difference = _first_difference(entry.events, events)
                raise JournalDamageError(f"{what}: {difference}", sequence=batch.sequence)
            self.proved += 1


def _first_difference(kept: tuple[Event, ...], now: tuple[Event, ...]) -> str:
    for before, after in zip_longest(kept, now):
        if before != after:
            return f"{before} was kept, {after} is decided now"
    return "none"


@attrs.frozen
class Salvage:
    """What can be saved of a journal."""

    head: Head
    """The last batch that is sound and follows on from a known state."""
    begin: Head
    """The first batch to keep follows on from it."""
    lost: int
    """Batches after the last sound one, as far as the store can count them."""
    dropped: int
    """Batches before the state that it goes on from; they were only history."""


def plan_salvage(store: Store) -> Salvage:
    """How far one gets from each state that is known. JournalDamageError when no state is known at all."""
    problems: list[str] = []
    snapshots = sound_snapshots(store, problems)
    heads = [snapshot.head for snapshot in snapshots]
    try:
        heads.insert(0, first_head(store, snapshots))
    except JournalDamageError:
        if not heads:
            raise
    reached = [(begin, _reach(store, begin)) for begin in dict.fromkeys(heads)]
    begin, end = max(reached, key=lambda way: way[1].sequence)
    span = store.span()
    first, last = (end.sequence, end.sequence) if span is None else span
    return Salvage(end, begin, max(0, last - end.sequence), max(0, begin.sequence + 1 - first))


def _reach(store: Store, begin: Head) -> Head:
    chain = Chain(begin)
    try:
        for _ in chain.walk(store.read(begin.sequence + 1)):
            pass
    except JournalError:
        pass
    return chain.head


def copy_sound(store: Store, salvage: Salvage, into: Store) -> None:
    """Copy what is to be saved into an empty store: documents that are needed, snapshots, batches."""
    needed: dict[bytes, None] = {}
    for snapshot in sound_snapshots(store, []):
        if salvage.begin.sequence <= snapshot.head.sequence <= salvage.head.sequence:
            needed[snapshot.configuration] = None
            into.put_snapshot(snapshot.head.sequence, store.snapshot(snapshot.head.sequence))
    chain = Chain(salvage.begin)
    for batch in chain.walk(store.read(salvage.begin.sequence + 1)):
        needed[batch.configuration] = needed[batch.schema] = None
        into.append(batch.sequence, encode_batch(batch))
        if batch.sequence == salvage.head.sequence:
            break
    for name in needed:
        into.put_document(store.document(name))
