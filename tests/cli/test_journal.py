"""`ctigw journal`: what an operator sees of a journal, sound and damaged."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ctigw import __version__
from ctigw.cli import group
from ctigw.journal.backlog import Backlog, Stamp
from ctigw.journal.restore import restore
from ctigw.journal.snapshot import Snapshot, encode_snapshot, keep_snapshot
from ctigw.journal.sqlite_store import FILE, SqliteStore
from ctigw.journal.state_image import freeze
from ctigw.routing.inputs import (
    ArmClientOpened,
    DialogueKey,
    Input,
    MakeAgentReady,
    MediaLogin,
    NewTask,
    RoutingClientOpened,
    TaskContext,
    Variable,
)
from portrait import portrait
from routing_site import CHAT, DESKTOP, PATH, START, WEB, Site, settings

INPUTS: tuple[Input, ...] = (
    RoutingClientOpened(WEB, "webchat"),
    ArmClientOpened(DESKTOP, PATH),
    NewTask(DialogueKey(WEB, 1), TaskContext("8000", (Variable("call.1", None, "x"),), b"\x01u")),
    *(kind(Site().origin(), PATH, CHAT, number) for number in (101, 102) for kind in (MediaLogin, MakeAgentReady)),
)
"""One batch for each."""


def keep(state_dir: Path, snapshot_after: int | None = None, inputs: tuple[Input, ...] = INPUTS) -> str:
    """A journal of the inputs; the portrait of the engine that decided them."""
    store = SqliteStore(state_dir, reserve_bytes=4096)
    begun = restore(store, settings(), "A")
    stamp = Stamp(0, "A", __version__, begun.configuration)
    backlog = Backlog(begun.head, stamp)
    for number, item in enumerate(inputs, start=1):
        backlog.submit(START + number, item, begun.engine.handle(item, START + number))
        batch = backlog.begin(0.0)
        assert batch is not None
        store.append(*batch)
        backlog.succeeded(0.0)
        if number == snapshot_after:
            image = freeze(begun.engine.state)
            kept = Snapshot(backlog.head, "A", __version__, begun.configuration, image)
            keep_snapshot(store, number, encode_snapshot(kept))
    store.close()
    return str(portrait(begun.engine))


def damage(state_dir: Path, sequence: int) -> None:
    database = sqlite3.connect(state_dir / FILE)
    (body,) = database.execute("SELECT body FROM batch WHERE sequence = ?", (sequence,)).fetchone()
    database.execute("UPDATE batch SET body = ? WHERE sequence = ?", (body[:-1] + b"\0", sequence))
    database.commit()
    database.close()


def run(*arguments: str | Path, answer: str | None = None) -> Result:
    return CliRunner().invoke(group, ["journal", *map(str, arguments)], input=answer)


def restarted(state_dir: Path) -> str:
    store = SqliteStore(state_dir, reserve_bytes=4096)
    engine = restore(store, settings(), "A").engine
    store.close()
    return str(portrait(engine))


# --- verify ----------------------------------------------------------------------------------------------------------


def test_verify_says_what_is_in_a_sound_journal(tmp_path: Path) -> None:
    keep(tmp_path, snapshot_after=3)
    done = run("verify", "--state-dir", tmp_path, "--decide-again")
    assert done.exit_code == 0, done.output
    assert "batches   4, 4 to 7" in done.output
    assert "inputs    4 with " in done.output
    assert "time      2026-09-21T14:13:24.000Z to 2026-09-21T14:13:27.000Z" in done.output
    assert f"versions  {__version__}" in done.output
    assert "snapshots 3" in done.output
    assert "decided again with the same outcome: 4 inputs" in done.output


def test_verify_quiet_says_nothing_of_a_sound_journal(tmp_path: Path) -> None:
    keep(tmp_path)
    done = run("verify", "--state-dir", tmp_path, "--quiet")
    assert (done.exit_code, done.output) == (0, "")


def test_verify_of_a_journal_in_which_nothing_happened(tmp_path: Path) -> None:
    SqliteStore(tmp_path, reserve_bytes=4096).close()
    done = run("verify", "--state-dir", tmp_path)
    assert done.exit_code == 0
    assert done.stdout.startswith("no batch\nsnapshots none\n")


def test_verify_names_sequence_and_offset_of_damage(tmp_path: Path) -> None:
    keep(tmp_path)
    damage(tmp_path, 3)
    done = run("verify", "--state-dir", tmp_path)
    assert done.exit_code == 1
    assert "ctigw journal: batch 3 at offset " in done.stderr
    assert "checksum does not match" in done.stderr
    assert "ctigw journal repair" in done.stderr


def test_verify_finds_damage_below_the_batches(tmp_path: Path) -> None:
    keep(tmp_path)
    raw = (tmp_path / FILE).read_bytes()
    at = raw.index(b"webchat") // 4096 * 4096
    (tmp_path / FILE).write_bytes(raw[:at] + b"\xff" * 4096 + raw[at + 4096 :])
    done = run("verify", "--state-dir", tmp_path)
    assert done.exit_code == 1
    assert "malformed" in done.stderr


# --- dump ------------------------------------------------------------------------------------------------------------


def lines(done: Result) -> Iterator[dict[str, object]]:
    return map(json.loads, done.stdout.splitlines())


def test_dump_is_one_object_for_each_input_with_what_followed(tmp_path: Path) -> None:
    keep(tmp_path)
    done = run("dump", "--state-dir", tmp_path)
    assert done.exit_code == 0
    shown = list(lines(done))
    assert [entry["sequence"] for entry in shown] == [1, 2, 3, 4, 5, 6, 7]
    task = shown[2]
    assert task["at"] == "2026-09-21T14:13:23.000Z"
    assert task["side"] == "A"
    assert task["version"] == __version__
    assert task["input"] == {
        "type": "NewTask",
        "dialogue": {"session_id": WEB, "dialogue_id": 1},
        "context": {
            "script_selector": "8000",
            "variables": [{"name": "call.1", "element": None, "value": "x"}],
            "user_to_user_info": "hex:0175",
            "application_string1": None,
            "application_string2": None,
        },
        "mrd_id": None,
        "service": 0,
        "previous_task": None,
        "preferred_skill_target_id": None,
        "preferred_agent_number": None,
        "queue_type": None,
        "queue_id": None,
    }
    events = task["events"]
    assert isinstance(events, list)
    assert [event["type"] for event in events] == ["TaskAccepted", "TaskQueued"]
    assert events[0]["task_id"][1:] == [1, 1]
    assert events[1]["entries"] == [{"queue": {"kind": "SKILL_GROUP", "id": 1, "label": "sg:chat"}, "priority": 5}]


def test_dump_from_a_batch_and_so_many_inputs(tmp_path: Path) -> None:
    keep(tmp_path, snapshot_after=2)
    done = run("dump", "--state-dir", tmp_path, "--from", "5", "--count", "2")
    assert [entry["sequence"] for entry in lines(done)] == [5, 6]


def test_dump_shows_what_stands_before_the_damage(tmp_path: Path) -> None:
    keep(tmp_path)
    damage(tmp_path, 3)
    done = run("dump", "--state-dir", tmp_path)
    assert done.exit_code == 1
    assert [entry["sequence"] for entry in lines(done)] == [1, 2]
    assert "damaged: batch 3" in done.stderr


def test_dump_while_the_daemon_writes(tmp_path: Path) -> None:
    keep(tmp_path)
    daemon = SqliteStore(tmp_path, reserve_bytes=4096)
    assert len(list(lines(run("dump", "--state-dir", tmp_path)))) == len(INPUTS)
    daemon.close()


# --- repair ----------------------------------------------------------------------------------------------------------


def test_repair_keeps_what_is_sound_and_the_damaged_file(tmp_path: Path) -> None:
    keep(tmp_path)
    damage(tmp_path, 5)
    damaged = (tmp_path / FILE).read_bytes()
    done = run("repair", "--state-dir", tmp_path, "--yes")
    assert done.exit_code == 0, done.output
    assert "sound up to batch 4" in done.stderr
    assert "3 batches after it are lost" in done.stderr
    aside = tmp_path / f"{FILE}.damaged-1"
    assert aside.read_bytes() == damaged
    assert str(aside) in done.stdout
    assert run("verify", "--state-dir", tmp_path, "--decide-again").exit_code == 0
    store = SqliteStore(tmp_path, reserve_bytes=4096)
    assert store.span() == (1, 4)
    store.close()


def test_repair_loses_nothing_when_a_snapshot_stands_after_the_damage(tmp_path: Path) -> None:
    before = keep(tmp_path, snapshot_after=5)
    database = sqlite3.connect(tmp_path / FILE)
    database.execute("INSERT INTO batch VALUES (5, x'00')")
    database.commit()
    database.close()
    assert run("verify", "--state-dir", tmp_path).exit_code == 1
    done = run("repair", "--state-dir", tmp_path, "--yes")
    assert "0 batches after it are lost" in done.stderr
    assert "1 older batches are dropped" in done.stderr
    assert run("verify", "--state-dir", tmp_path).exit_code == 0
    assert restarted(tmp_path) == before


def test_repair_of_a_damaged_page_saves_the_batches_before_it(tmp_path: Path) -> None:
    large = tuple(
        NewTask(DialogueKey(WEB, number), TaskContext("8000", (), bytes([number]) * 9000)) for number in b"abc"
    )
    keep(tmp_path, inputs=INPUTS + large)
    raw = (tmp_path / FILE).read_bytes()
    page = raw.index(b"b" * 4000) // 4096 * 4096
    (tmp_path / FILE).write_bytes(raw[:page] + b"\xff" * 4096 + raw[page + 4096 :])
    done = run("repair", "--state-dir", tmp_path, "--yes")
    assert f"sound up to batch {len(INPUTS) + 1}" in done.stderr
    assert run("verify", "--state-dir", tmp_path).exit_code == 0


def test_repair_asks_and_leaves_everything_when_the_answer_is_no(tmp_path: Path) -> None:
    keep(tmp_path)
    damage(tmp_path, 5)
    before = (tmp_path / FILE).read_bytes()
    done = run("repair", "--state-dir", tmp_path, answer="n\n")
    assert done.exit_code == 1
    assert (tmp_path / FILE).read_bytes() == before
    assert not list(tmp_path.glob("*.damaged-*"))
    assert run("repair", "--state-dir", tmp_path, answer="y\n").exit_code == 0


def test_repair_of_a_sound_journal_does_nothing(tmp_path: Path) -> None:
    keep(tmp_path)
    before = (tmp_path / FILE).read_bytes()
    done = run("repair", "--state-dir", tmp_path)
    assert (done.exit_code, done.output) == (0, "nothing to repair\n")
    assert (tmp_path / FILE).read_bytes() == before


def test_repair_under_a_running_daemon_is_refused(tmp_path: Path) -> None:
    keep(tmp_path)
    daemon = SqliteStore(tmp_path, reserve_bytes=4096)
    done = run("repair", "--state-dir", tmp_path, "--yes")
    daemon.close()
    assert done.exit_code == 1
    assert "in use by another process" in done.stderr


def test_repair_of_what_a_killed_daemon_left_in_its_log(tmp_path: Path) -> None:
    """Batches that are still in the write-ahead log are saved, and the log does not stay beside the new file."""
    keep(tmp_path)
    damage(tmp_path, 4)
    database = sqlite3.connect(tmp_path / FILE)
    database.execute("PRAGMA wal_autocheckpoint = 0")
    (body,) = database.execute("SELECT body FROM batch WHERE sequence = 7").fetchone()
    database.execute("UPDATE batch SET body = ? WHERE sequence = 7", (body + b"odd",))
    database.commit()
    for name in (FILE, f"{FILE}-wal", f"{FILE}-shm"):
        (tmp_path / f"copy-{name}").write_bytes((tmp_path / name).read_bytes())
    database.close()
    for name in (FILE, f"{FILE}-wal", f"{FILE}-shm"):
        (tmp_path / f"copy-{name}").replace(tmp_path / name)
    done = run("repair", "--state-dir", tmp_path, "--yes")
    assert done.exit_code == 0, done.output
    assert (tmp_path / f"{FILE}.damaged-1-wal").stat().st_size > 0
    assert not (tmp_path / f"{FILE}-wal").exists() or not (tmp_path / f"{FILE}-wal").stat().st_size
    assert run("verify", "--state-dir", tmp_path).exit_code == 0


# --- where -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["verify", "dump", "repair"])
def test_place_without_a_journal_is_wrong_use(tmp_path: Path, verb: str) -> None:
    done = run(verb, "--state-dir", tmp_path)
    assert done.exit_code == 2
    assert "there is no journal in" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_configuration_names_the_place(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    keep(state)
    config = tmp_path / "ctigw.toml"
    config.write_text('[gateway]\nstate_dir = "state"\n')
    done = run("verify", "-c", config)
    assert done.exit_code == 0, done.output
    assert f"batches   {len(INPUTS)}" in done.stdout


def test_database_of_another_application_is_not_looked_into(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / FILE).execute("CREATE TABLE x (y)").connection.close()
    done = run("verify", "--state-dir", tmp_path)
    assert done.exit_code == 1
    assert "another application" in done.stderr
