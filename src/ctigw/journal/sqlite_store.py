"""The journal of a single daemon: a SQLite database in `state_dir`.

Knows SQLite's settings, errors and files; must not know what is in a batch. Rules: decisions F1, F4
(`synchronous=FULL`), issue of the journal (disk full).

Write-ahead log, so that a commit is one sync, and so that `ctigw journal dump` can read while the daemon writes. One
process holds the place by a lock on a file of its own: SQLite's locks are let go between transactions.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ctigw.errors import (
    JournalDamageError,
    JournalError,
    JournalFullError,
    JournalLockedError,
    JournalStoreError,
    JournalVersionError,
)
from ctigw.journal.records import digest as digest_of
from ctigw.journal.reserve import RESERVE_BYTES, Reserve, is_room

FILE = "journal.sqlite3"
LOCK = "journal.lock"
RESERVE = "journal.reserve"

APPLICATION_ID = 0x6374_6A6C
"""`ctjl`: says whose database this is."""
LAYOUT = 1
"""`user_version`: increases when the tables change."""

BUSY_S = 5.0
"""How long a reader that is in the way is waited for; readers take milliseconds."""
READ_AT_ONCE = 256
"""Batches read in one query: a long query would keep the log from being taken over into the database."""
FORGET_AT_ONCE = 1000
"""Batches dropped in one transaction, so that an append never waits long."""
CLOSE_S = 1.0
"""How long closing waits for a call under way; a disk that does not answer must not keep the daemon from ending."""
PROBE_BYTES = 64 * 1024
"""Room asked for to tell a full disk from a broken one; above any block size."""

_TABLES = """
CREATE TABLE batch (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE snapshot (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE document (digest BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY_CODE = 0xFF
"""SQLite's extended error codes carry the primary one in the low byte."""


class SqliteStore:
    """See `ctigw.journal.store.Store`."""

    _lock: int | None
    """Descriptor that holds the place; None when it is not ours to hold."""
    _reserve: Reserve | None

    def __init__(self, state_dir: Path, *, relaxed: bool = False, reserve_bytes: int = RESERVE_BYTES) -> None:
        """Open the journal for writing, made on first use.

        JournalLockedError: another process has it. JournalVersionError: the file is another application's or a newer
        version's. JournalDamageError, JournalFullError, JournalStoreError: as they say; nothing is left open then.
        """
        self._place(state_dir / FILE)
        self._lock = _lock(state_dir)
        self._reserve = Reserve(state_dir / RESERVE, reserve_bytes)
        try:
            self._reserve.take()
        except OSError as error:
            self._unlock()
            raise self._failure(error) from error
        self._open(relaxed)

    @classmethod
    def look(cls, state_dir: Path) -> "SqliteStore":
        """Open for reading only, also while a daemon writes. JournalStoreError when there is no journal."""
        store = cls.__new__(cls)
        store._place(state_dir / FILE)
        if not store._path.is_file():
            raise JournalStoreError(f"{store._path}: there is no journal")
        try:
            store._connect(f"{store._path.absolute().as_uri()}?mode=ro")
            store._check_kind()
        except sqlite3.Error as error:
            raise store._failure(error) from error
        return store

    @classmethod
    def create(cls, path: Path) -> "SqliteStore":
        """A journal in a file that nobody else knows of: neither lock nor reserve."""
        store = cls.__new__(cls)
        store._place(path)
        store._open(relaxed=False)
        _give_to_owner(path, path.parent)
        return store

    @property
    def tight(self) -> bool:
        """Whether the reserve has been given up."""
        return self._reserve is not None and not self._reserve.held

    @property
    def path(self) -> Path:
        """The database."""
        return self._path

    def append(self, sequence: int, encoded: bytes) -> None:
        """One transaction."""
        try:
            self._change("INSERT INTO batch VALUES (?, ?)", (sequence, encoded))
        except JournalDamageError:
            if self._one("SELECT body FROM batch WHERE sequence = ?", sequence) != encoded:
                raise

    def make_room(self) -> bool:
        """Take the reserve again."""
        try:
            return self._reserve is None or self._reserve.held or self._reserve.take()
        except OSError:
            return False

    def span(self) -> tuple[int, int] | None:
        """First and last sequence."""
        with self._guard:
            first, last = self._rows("SELECT min(sequence), max(sequence) FROM batch")[0]
        return None if first is None else (first, last)

    def read(self, first: int) -> Iterator[tuple[int, bytes]]:
        """In portions, each of them one moment of the journal; one by one where a page is damaged."""
        portion = READ_AT_ONCE
        while True:
            try:
                with self._guard:
                    rows = self._rows(
                        "SELECT sequence, body FROM batch WHERE sequence >= ? ORDER BY sequence LIMIT ?", first, portion
                    )
            except JournalDamageError:
                if portion == 1:
                    raise
                portion = 1
                continue
            yield from rows
            if len(rows) < portion:
                return
            first = rows[-1][0] + 1

    def cut(self, first: int) -> int:
        """One transaction."""
        return self._change("DELETE FROM batch WHERE sequence >= ?", (first,))

    def forget(self, before: int) -> int:
        """Some at a time, the oldest first."""
        forgotten = 0
        while True:
            number = self._change(
                "DELETE FROM batch WHERE sequence IN"
                " (SELECT sequence FROM batch WHERE sequence < ? ORDER BY sequence LIMIT ?)",
                (before, FORGET_AT_ONCE),
            )
            forgotten += number
            if number < FORGET_AT_ONCE:
                return forgotten

    def put_document(self, body: bytes) -> bytes:
        """Kept for good: there is a new one with a new version or a changed configuration only."""
        name = digest_of(body)
        if self._one("SELECT body FROM document WHERE digest = ?", name) is None:
            self._change("INSERT INTO document VALUES (?, ?)", (name, body))
        return name

    def document(self, name: bytes) -> bytes:
        """The document."""
        body = self._one("SELECT body FROM document WHERE digest = ?", name)
        if body is None:
            raise JournalDamageError(f"document {name.hex()} is missing")
        if digest_of(body) != name:
            raise JournalDamageError(f"document {name.hex()} is not what was written")
        return body

    def put_snapshot(self, sequence: int, encoded: bytes) -> None:
        """One transaction."""
        self._change("INSERT OR REPLACE INTO snapshot VALUES (?, ?)", (sequence, encoded))

    def snapshots(self) -> list[int]:
        """Newest first."""
        with self._guard:
            return [sequence for (sequence,) in self._rows("SELECT sequence FROM snapshot ORDER BY sequence DESC")]

    def snapshot(self, sequence: int) -> bytes:
        """The snapshot."""
        body = self._one("SELECT body FROM snapshot WHERE sequence = ?", sequence)
        if body is None:
            raise KeyError(sequence)
        return body

    def drop_snapshot(self, sequence: int) -> None:
        """One transaction."""
        self._change("DELETE FROM snapshot WHERE sequence = ?", (sequence,))

    def size(self) -> int:
        """Database and log on disk, the reserve not counted."""
        files = (self._path, self._path.with_name(self._path.name + "-wal"))
        return sum(path.stat().st_size for path in files if path.exists())

    def problems(self) -> list[str]:
        """What SQLite's own check of its pages finds; reads the whole database."""
        try:
            with self._guard:
                found = [text for (text,) in self._rows("PRAGMA integrity_check(20)")]
        except JournalDamageError as error:
            return [error.problem]
        return [] if found == ["ok"] else found

    def close(self) -> None:
        """Take the log over into the database and let the place go; the reserve stays on the disk."""
        if self._guard.acquire(timeout=CLOSE_S):
            with suppress(sqlite3.Error):
                self._database.close()
            self._guard.release()
        self._unlock()

    # --- opening ------------------------------------------------------------------------------------------------------

    def _place(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._lock = None
        self._reserve = None

    def _connect(self, uri: str) -> None:
        self._database = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)

    def _open(self, relaxed: bool) -> None:
        try:
            self._connect(self._path.absolute().as_uri())
        except sqlite3.Error as error:
            self._unlock()
            raise self._failure(error) from error
        try:
            self._prepare(relaxed)
            _sync_folder(self._path.parent)
        except (sqlite3.Error, OSError) as error:
            failure = self._failure(error)
            self.close()
            raise failure from error
        except JournalError:
            self.close()
            raise

    def _prepare(self, relaxed: bool) -> None:
        if not self._is_empty():
            self._check_kind()
        (mode,) = self._database.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise JournalStoreError(f"{self._path}: this file system does not let SQLite keep a write-ahead log")
        self._database.execute(f"PRAGMA synchronous = {'NORMAL' if relaxed else 'FULL'}")
        if self._is_empty():
            self._database.executescript(
                f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id = {APPLICATION_ID};"
                f" PRAGMA user_version = {LAYOUT}; COMMIT;"
            )

    def _is_empty(self) -> bool:
        """Whether SQLite has just made the file, or another start came no further."""
        (tables,) = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (application,) = self._database.execute("PRAGMA application_id").fetchone()
        return bool(tables == 0 and application == 0)

    def _check_kind(self) -> None:
        (application,) = self._database.execute("PRAGMA application_id").fetchone()
        (layout,) = self._database.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise JournalVersionError(f"{self._path} is a database of another application")
        if layout != LAYOUT:
            raise JournalVersionError(f"{self._path} has layout {layout}, this version knows {LAYOUT}")

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- statements ---------------------------------------------------------------------------------------------------

    def _change(self, statement: str, values: tuple[Any, ...]) -> int:
        """Rows changed, durably. A full disk costs the reserve first."""
        with self._guard:
            try:
                return self._database.execute(statement, values).rowcount
            except sqlite3.Error as error:
                failure = self._failure(error)
                if not isinstance(failure, JournalFullError) or self._reserve is None or not self._reserve.give_up():
                    raise failure from error
            try:
                return self._database.execute(statement, values).rowcount
            except sqlite3.Error as error:
                raise self._failure(error) from error

    def _one(self, statement: str, value: Any) -> bytes | None:  # noqa: ANN401 - a number or bytes
        with self._guard:
            rows = self._rows(statement, value)
        return rows[0][0] if rows else None

    def _rows(self, statement: str, *values: Any) -> list[Any]:  # noqa: ANN401 - what the statement asks for
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _failure(self, error: sqlite3.Error | OSError) -> JournalError:
        """What an error of SQLite or of the system means to the journal."""
        if isinstance(error, OSError):
            return JournalStoreError(f"{self._path.parent}: {error.strerror or error}")
        code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
        text = f"{self._path}: {error}"
        if code == sqlite3.SQLITE_CONSTRAINT:
            return JournalDamageError(f"{self._path} already has another batch of that number")
        if code in _DAMAGE:
            return JournalDamageError(text)
        log = self._path.with_name(self._path.name + "-wal")
        if code == sqlite3.SQLITE_IOERR and log.exists() and not is_room(log, log.stat().st_size, PROBE_BYTES):
            return JournalFullError(f"{text}: no room")
        return JournalFullError(text) if code == sqlite3.SQLITE_FULL else JournalStoreError(text)


@contextmanager
def hold(state_dir: Path) -> Iterator[None]:
    """Keep others from opening the journal for writing. JournalLockedError when somebody has it."""
    descriptor = _lock(state_dir)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(state_dir: Path) -> int:
    """Descriptor that holds the place for this process; let go when it ends, however it ends."""
    path = state_dir / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalStoreError(f"{path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise JournalLockedError(f"{state_dir} is in use by another process (pid {holder})") from None
    _give_to_owner(path, state_dir)
    os.ftruncate(descriptor, 0)
    with suppress(OSError):  # a full disk keeps nobody from holding the lock
        os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
    return descriptor


def _give_to_owner(path: Path, of: Path) -> None:
    """A file that root makes belongs to whoever the daemon runs as, who has to open it later."""
    if os.geteuid() == 0:
        owner = of.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _sync_folder(folder: Path) -> None:
    """Make the files' names durable, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
