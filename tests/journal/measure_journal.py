"""Measures the journal: `python tests/journal/measure_journal.py [INPUTS]`. Not a test: numbers depend on the machine.

Prints what keeping a routed task costs, how fast a real disk commits, how long a restart takes over a journal of a
million inputs (or INPUTS) without a snapshot, with its memory, and over a snapshot of 20,000 queued tasks and 2,500
agents with a tail.
"""

import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import trio

from ctigw import __version__
from ctigw.journal.backlog import Backlog, Stamp
from ctigw.journal.batch import Chain, Head
from ctigw.journal.entries import EntryReader, EntryWriter
from ctigw.journal.restore import restore
from ctigw.journal.settings_document import settings_document
from ctigw.journal.snapshot import Snapshot, encode_snapshot, keep_snapshot
from ctigw.journal.sqlite_store import SqliteStore
from ctigw.journal.state_image import freeze, thaw
from ctigw.journal.writer import JournalWriter
from ctigw.routing import events, inputs
from ctigw.routing.engine import Engine
from ctigw.routing.facts import Event
from ctigw.routing.inputs import Input, Origin, TaskId
from measure_decisions import new_tasks, sign_in, site
from routing_site import CHAT, DESKTOP, PATH, START, WEB

AGENTS, QUEUED = 2_500, 20_000
BATCH = 32
"""Inputs in a batch of the written journals: what forms at some ten thousand inputs a second."""
TAIL = 50_000
"""Inputs after the snapshot."""


def work(engine: Engine, opening: Iterable[Input] = ()) -> Iterator[tuple[Input, list[Event]]]:
    """Inputs without end, each with its events: after the opening every task is asked for, offered, started, ended."""
    asking = new_tasks()
    having = [(chosen.skill_target_id, chosen.task_id) for chosen in engine.pending_pre_calls(PATH)]
    now = START + 10
    for item in opening:
        yield item, engine.handle(item, now)
    while True:
        now += 0.01
        for item in _turn(next(asking), having):
            happened = engine.handle(item, now)
            having.extend((e.skill_target_id, e.task_id) for e in happened if isinstance(e, events.AgentChosen))
            yield item, happened


def opening() -> Iterator[Input]:
    """Sessions open and agents sign in."""
    yield inputs.RoutingClientOpened(WEB, "webchat")
    yield inputs.ArmClientOpened(DESKTOP, PATH)
    for number in range(1, AGENTS + 1):
        yield inputs.MediaLogin(Origin(DESKTOP, 1), PATH, CHAT, number, True, 1)
        yield inputs.MakeAgentReady(Origin(DESKTOP, 2), PATH, CHAT, number)


def _turn(task: Input, having: list[tuple[int, TaskId]]) -> Iterator[Input]:
    yield task
    if having:
        number, task_id = having.pop(0)
        for kind in (inputs.OfferTask, inputs.StartTask, inputs.EndTask):
            yield kind(Origin(DESKTOP, 1), PATH, CHAT, number, task_id)


def best(call: object, rounds: int) -> float:
    """Microseconds of the fastest of five runs, each of so many rounds."""
    assert callable(call)
    fastest = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(rounds):
            call()
        fastest = min(fastest, (time.perf_counter() - begin) / rounds * 1e6)
    return fastest


def measure_task() -> None:
    engine = site(25)
    sign_in(engine, 25, 1000)
    writer = EntryWriter()
    entries = []
    for item, happened in work(engine):
        entries.append((START, item, happened))
        if len(entries) == 4:
            break
    encoded = [writer.encode(*entry) for entry in entries]
    payload = writer.payload(encoded)
    reader = EntryReader(writer.schema)
    facts = sum(len(happened) for _, _, happened in entries)
    print(f"a routed task with ten variables: {len(entries)} inputs, {facts} events, {sum(map(len, encoded))} bytes")
    print(f"  encode   {best(lambda: [writer.encode(*entry) for entry in entries], 2_000):6.1f} us")
    print(f"  decode   {best(lambda: reader.entries(payload), 2_000):6.1f} us")
    stamp = Stamp(0, "A", __version__, bytes(16))
    backlog = Backlog(Head(), stamp, writer)

    def one_batch() -> None:
        for entry in entries:
            backlog.submit(*entry)
        backlog.begin(0.0)
        backlog.succeeded(0.0)

    print(f"  as one batch, chained and checksummed {best(one_batch, 2_000):6.1f} us")


def write(
    state_dir: Path, engine: Engine, work: Iterable[tuple[Input, list[Event]]], count: int, snapshot: bool
) -> None:
    """A journal of so many inputs that this engine decides, with a snapshot before them."""
    state_dir.mkdir()
    store = SqliteStore(state_dir, relaxed=True)
    begun = restore(store, engine.state.settings, "A")
    backlog = Backlog(begun.head, Stamp(0, "A", __version__, begun.configuration))
    if snapshot:
        kept = Snapshot(Head(), "A", __version__, begun.configuration, freeze(engine.state))
        keep_snapshot(store, 0, encode_snapshot(kept))
    for number, (item, happened) in enumerate(work, start=1):
        backlog.submit(engine.state.last_now, item, happened)
        if number % BATCH == 0 or number == count:
            batch = backlog.begin(0.0)
            assert batch is not None
            store.append(*batch)
            backlog.succeeded(0.0)
        if number == count:
            break
    print(f"  journal of {count:,} inputs: {store.size() / 1e6:,.0f} MB")
    store.close()


def restart(state_dir: Path) -> None:
    """In a process of its own, for its memory."""
    done = subprocess.run(
        [sys.executable, __file__, "--restart", str(state_dir)], check=True, capture_output=True, text=True
    )
    print(f"  {done.stdout.strip()}")


def memory(row: str) -> float:
    """MiB of this process: VmRSS now, VmHWM at most."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = [line for line in text.splitlines() if line.startswith(row)]
    return int(line.split()[1]) / 1024


def restart_here(state_dir: Path) -> None:
    begin = time.perf_counter()
    store = SqliteStore(state_dir)
    settings = site(AGENTS).state.settings
    before = memory("VmRSS")
    begin = time.perf_counter()
    restored = restore(store, settings, "A")
    took = time.perf_counter() - begin
    print(
        f"restart: {took:.2f} s, {restored.inputs:,} inputs followed ({restored.inputs / took:,.0f}/s),"
        f" memory {memory('VmHWM'):.0f} MiB at most, {before:.0f} before; {restored.engine.state.queued:,} queued"
    )
    store.close()


def begun(agents: int, limit: int, queued: int) -> Engine:
    engine = site(agents)
    sign_in(engine, agents, limit)
    asking = new_tasks()
    for _ in range(queued):
        engine.handle(next(asking), START)
    return engine


def measure_image() -> None:
    engine = begun(AGENTS, 1, QUEUED + AGENTS)
    settings = engine.state.settings
    image = b""
    took = []
    for _ in range(5):
        gc.collect()
        begin = time.perf_counter()
        image = freeze(engine.state)
        took.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    state = thaw(image, settings, "A")
    print(
        f"image of {state.queued:,} queued and {len(state.tasks) - state.queued:,} assigned tasks, {AGENTS:,} agents:"
    )
    print(f"  freeze {min(took):.2f} s, thaw {time.perf_counter() - begin:.2f} s, {len(image) / 1e6:.1f} MB")
    print(f"  settings document {len(settings_document(settings)) / 1e3:.0f} KB")


def measure_commits(folder: Path) -> None:
    """A real thread and a real disk: so many clients, each waiting for its input to be durable."""
    item = next(new_tasks())
    engine = begun(25, 1000, 0)
    happened = engine.handle(item, START)
    for clients in (1, 10, 100):
        state_dir = folder / f"commits-{clients}"
        state_dir.mkdir()
        store = SqliteStore(state_dir)
        writer = JournalWriter(store, Backlog(Head(), Stamp(0, "A", __version__, bytes(16))))
        waits: list[float] = []

        async def client(writer: JournalWriter = writer, waits: list[float] = waits, until: float = 3.0) -> None:
            end = trio.current_time() + until
            while (begin := trio.current_time()) < end:
                await writer.wait_durable(writer.submit(START, item, happened))
                waits.append(trio.current_time() - begin)

        async def run(writer: JournalWriter = writer, clients: int = clients) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(writer.run)
                async with trio.open_nursery() as all_clients:
                    for _ in range(clients):
                        all_clients.start_soon(client)
                nursery.cancel_scope.cancel()

        trio.run(run)
        waits.sort()
        middle, high = waits[len(waits) // 2] * 1e3, waits[len(waits) * 99 // 100] * 1e3
        print(f"  {clients:4} waiting: {len(waits) / 3:8,.0f} inputs/s, p50 {middle:5.2f} ms, p99 {high:5.2f} ms")
        store.close()


def measure_read(state_dir: Path) -> None:
    store = SqliteStore(state_dir)
    begin = time.perf_counter()
    count = sum(1 for _ in Chain(Head()).walk(store.read(1)))
    print(f"  reading and checking {count:,} batches alone: {time.perf_counter() - begin:.2f} s")
    store.close()


def main() -> None:
    if sys.argv[1:2] == ["--restart"]:
        restart_here(Path(sys.argv[2]))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    measure_task()
    measure_image()
    with tempfile.TemporaryDirectory(dir=os.environ.get("CTIGW_MEASURE_DIR")) as name:
        folder = Path(name)
        print("commits, synchronous=FULL:")
        measure_commits(folder)
        print("snapshot and tail:")
        engine = begun(AGENTS, 1, QUEUED + AGENTS)
        write(folder / "tail", engine, work(engine), TAIL, snapshot=True)
        restart(folder / "tail")
        print("without a snapshot:")
        engine = Engine(site(AGENTS).state.settings)
        write(folder / "long", engine, work(engine, opening()), count, snapshot=False)
        measure_read(folder / "long")
        restart(folder / "long")


if __name__ == "__main__":
    main()
