"""The SQLite store: durable on return, one writer at a time, and honest about a full disk."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batches import chain
from ctigw.errors import (
    JournalDamageError,
    JournalFullError,
    JournalLockedError,
    JournalStoreError,
    JournalVersionError,
)
from ctigw.journal.batch import Chain, Head
from ctigw.journal.sqlite_store import FILE, RESERVE, SqliteStore

SMALL = 64 * 1024
"""Reserve of the tests, bytes."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path, reserve_bytes=SMALL)
    yield opened
    opened.close()


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[SqliteStore]:
    """One that does not sync, for many batches."""
    opened = SqliteStore(tmp_path, relaxed=True, reserve_bytes=SMALL)
    yield opened
    opened.close()


def in_another_process(script: str, *arguments: object, **options: object) -> "subprocess.CompletedProcess[str]":
    prefix = "import sys\nfrom pathlib import Path\nfrom ctigw.journal.sqlite_store import SqliteStore\n"
    prefix += "sys.path.insert(0, sys.argv[1])\nfrom batches import chain\n"
    command = [sys.executable, "-c", prefix + script, str(Path(__file__).parent), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload,no-any-return]  # options of run


def test_what_was_appended_is_read_in_order_from_any_number(quick: SqliteStore) -> None:
    store, stored = quick, chain(600)
    for number, body in stored:
        store.append(number, body)
    assert list(store.read(1)) == stored
    assert list(store.read(300)) == stored[299:]
    assert store.span() == (1, 600)
    assert store.size() > sum(len(body) for _, body in stored)


def test_everything_is_there_after_closing_and_opening_again(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path, reserve_bytes=SMALL)
    stored = chain(3)
    for number, body in stored:
        first.append(number, body)
    name = first.put_document(b"settings")
    first.put_snapshot(2, b"snapshot")
    first.close()
    second = SqliteStore(tmp_path, reserve_bytes=SMALL)
    assert (list(second.read(1)), second.document(name), second.snapshot(2)) == (stored, b"settings", b"snapshot")
    second.close()


def test_process_that_is_killed_loses_nothing_that_append_returned_for(tmp_path: Path) -> None:
    script = (
        "store = SqliteStore(Path(sys.argv[2]), reserve_bytes=65536)\n"
        "for number, body in chain(100000):\n"
        "    store.append(number, body)\n"
        "    print(number, flush=True)\n"
    )
    prefix = "import sys\nfrom pathlib import Path\nfrom ctigw.journal.sqlite_store import SqliteStore\n"
    prefix += "sys.path.insert(0, sys.argv[1])\nfrom batches import chain\n"
    arguments = [sys.executable, "-c", prefix + script, str(Path(__file__).parent), str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(200):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split("\n")
    acknowledged = max([acknowledged, *(int(line) for line in rest[:-1])])
    store = SqliteStore(tmp_path, reserve_bytes=SMALL)
    walk = Chain(Head())
    assert len(list(walk.walk(store.read(1)))) >= acknowledged
    assert walk.torn is None
    store.close()


def test_commit_durability_syncs_and_relaxed_leaves_it_to_the_checkpoint(tmp_path: Path) -> None:
    for relaxed, level in ((False, 2), (True, 1)):
        store = SqliteStore(tmp_path, relaxed=relaxed, reserve_bytes=SMALL)
        assert store._database.execute("PRAGMA synchronous").fetchone() == (level,)
        assert store._database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        store.close()


def test_appending_the_same_batch_again_is_like_appending_it_once(store: SqliteStore) -> None:
    store.append(1, b"batch")
    store.append(1, b"batch")
    assert list(store.read(1)) == [(1, b"batch")]
    with pytest.raises(JournalDamageError, match="another batch"):
        store.append(1, b"other")


def test_cut_and_forget(quick: SqliteStore) -> None:
    store = quick
    for number, body in chain(2500):
        store.append(number, body)
    assert store.cut(2401) == 100
    assert store.forget(2301) == 2300
    assert store.span() == (2301, 2400)
    assert store.cut(1) == 100
    assert store.span() is None


def test_snapshots_by_number(store: SqliteStore) -> None:
    for number in (3, 9, 5):
        store.put_snapshot(number, b"%d" % number)
    assert store.snapshots() == [9, 5, 3]
    store.drop_snapshot(5)
    store.drop_snapshot(77)
    assert store.snapshots() == [9, 3]
    with pytest.raises(KeyError):
        store.snapshot(5)


def test_document_is_kept_once_and_named_by_its_content(store: SqliteStore) -> None:
    name = store.put_document(b"settings")
    assert store.put_document(b"settings") == name
    assert store.document(name) == b"settings"
    with pytest.raises(JournalDamageError, match="missing"):
        store.document(b"x" * 16)
    store._database.execute("UPDATE document SET body = ?", (b"changed",))
    with pytest.raises(JournalDamageError, match="not what was written"):
        store.document(name)


# --- one writer ------------------------------------------------------------------------------------------------------


def test_second_process_is_refused_and_told_who_has_it(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(JournalLockedError, match=f"in use by another process \\(pid {os.getpid()}\\)"):
        SqliteStore(tmp_path)
    there = in_another_process("SqliteStore(Path(sys.argv[2]))", tmp_path)
    assert there.returncode == 1
    assert "JournalLockedError" in there.stderr


def test_place_is_free_again_when_its_holder_is_gone(tmp_path: Path) -> None:
    there = in_another_process("import os\nSqliteStore(Path(sys.argv[2]))\nos._exit(9)", tmp_path)
    assert there.returncode == 9
    SqliteStore(tmp_path, reserve_bytes=SMALL).close()


def test_looking_disturbs_nobody_and_changes_nothing(store: SqliteStore, tmp_path: Path) -> None:
    stored = chain(300)
    for number, body in stored:
        store.append(number, body)
    looking = SqliteStore.look(tmp_path)
    reading = looking.read(1)
    assert next(reading) == stored[0]
    store.append(*chain(301)[-1])
    assert [number for number, _ in reading] == list(range(2, 302))
    with pytest.raises(JournalStoreError):
        looking.append(400, b"batch")
    looking.close()


def test_looking_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(JournalStoreError, match="there is no journal"):
        SqliteStore.look(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("open_it", [SqliteStore, SqliteStore.look])
@pytest.mark.parametrize(
    ("statement", "complaint"),
    [("PRAGMA application_id = 7", "another application"), ("PRAGMA user_version = 9", "layout 9")],
)
def test_database_of_another_kind_is_left_alone(
    tmp_path: Path, open_it: Callable[[Path], SqliteStore], statement: str, complaint: str
) -> None:
    SqliteStore(tmp_path, reserve_bytes=SMALL).close()
    database = sqlite3.connect(tmp_path / FILE)
    database.execute(statement)
    database.close()
    for _ in range(2):  # the lock is let go after a refusal
        with pytest.raises(JournalVersionError, match=complaint):
            open_it(tmp_path)


def test_file_that_is_no_database_is_damage(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database at all" * 1000)
    with pytest.raises(JournalDamageError):
        SqliteStore(tmp_path, reserve_bytes=SMALL)


def test_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(JournalStoreError, match="No such file"):
        SqliteStore(tmp_path / "nowhere")


def test_damaged_page_costs_only_the_batches_on_it(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, reserve_bytes=SMALL)
    for number in range(1, 101):
        store.append(number, b"%04d" % number + bytes(3000))
    store.close()
    raw = (tmp_path / FILE).read_bytes()
    at = raw.index(b"0060" + bytes(3000))
    page = at - at % 4096
    (tmp_path / FILE).write_bytes(raw[:page] + b"\xff" * 4096 + raw[page + 4096 :])
    looking = SqliteStore.look(tmp_path)
    assert looking.problems()
    read: list[int] = []
    with pytest.raises(JournalDamageError):
        read.extend(number for number, _ in looking.read(1))
    assert len(read) > 50
    assert read == list(range(1, len(read) + 1))
    looking.close()


# --- full disk -------------------------------------------------------------------------------------------------------

FULL_DISK = """
import resource
from ctigw.errors import JournalFullError
store = SqliteStore(Path(sys.argv[2]), reserve_bytes=65536)
log = Path(sys.argv[2]) / "journal.sqlite3-wal"
limit = log.stat().st_size + 40_000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
kept, body = 0, bytes(5000)
try:
    while True:
        store.append(kept + 1, body)
        kept += 1
except JournalFullError as error:
    print("full:", error)
for _ in range(3):
    try:
        store.append(kept + 1, body)
        print("room where none can be")
    except JournalFullError:
        pass
print("tight", store.tight, "makes room", store.make_room())
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.append(kept + 1, body)
print("room again", store.make_room(), store.tight)
print("kept", kept + 1, len(list(store.read(1))), store.problems())
"""


def test_limit_of_the_file_size_is_a_full_disk_from_which_the_store_recovers_by_itself(tmp_path: Path) -> None:
    there = in_another_process(FULL_DISK, tmp_path)
    lines = there.stdout.splitlines()
    assert there.returncode == 0, there.stderr
    assert lines[0].startswith("full: ")
    assert lines[0].endswith("no room")
    assert lines[1] == "tight True makes room False"
    assert lines[2] == "room again True False"
    kept = int(lines[3].split()[1])
    assert kept > 3
    assert lines[3] == f"kept {kept} {kept} []"


def _refused(store: SqliteStore, number: int) -> bool:
    try:
        store.append(number, bytes(4000))
    except JournalFullError:
        return True
    return False


def test_full_disk_costs_the_reserve_first_and_work_under_way_goes_on(store: SqliteStore, tmp_path: Path) -> None:
    """SQLite's own page limit stands for the disk: what the reserve gave up is what fits then."""
    pages = store._database.execute("PRAGMA page_count").fetchone()[0]
    store._database.execute(f"PRAGMA max_page_count = {pages + 4}")
    given_up = []
    reserve = store._reserve
    assert reserve is not None

    def give_up() -> bool:
        held = type(reserve).give_up(reserve)
        if held:
            given_up.append((tmp_path / RESERVE).exists())
            store._database.execute(f"PRAGMA max_page_count = {pages + 8}")
        return held

    reserve.give_up = give_up  # type: ignore[method-assign]  # the disk of this test
    number = 0
    while not _refused(store, number + 1):
        number += 1
        assert store.tight == bool(given_up)
    assert given_up == [False]
    assert number > 4
    store._database.execute(f"PRAGMA max_page_count = {pages + 100}")
    store.append(number + 1, bytes(4000))
    assert store.make_room()
    assert not store.tight
    assert (tmp_path / RESERVE).stat().st_size == SMALL


def test_start_on_a_disk_without_room_for_the_reserve_is_tight(tmp_path: Path) -> None:
    script = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))\n"
        "store = SqliteStore(Path(sys.argv[2]), reserve_bytes=1_000_000)\n"
        "store.append(1, b'batch')\n"
        "print(store.tight, list(store.read(1)))\n"
    )
    there = in_another_process(script, tmp_path)
    assert there.stdout == "True [(1, b'batch')]\n", there.stderr
    assert not (tmp_path / RESERVE).exists()


def test_database_that_may_not_be_written_is_broken_and_not_full(store: SqliteStore) -> None:
    store._database.execute("PRAGMA query_only = 1")
    with pytest.raises(JournalStoreError):
        store.append(1, b"batch")
    assert not store.tight
