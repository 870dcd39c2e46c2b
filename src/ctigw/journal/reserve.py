"""Room on the disk that is kept for work under way.

Knows a file that takes up space until the disk is full. Must not know the journal. When the disk is full, new tasks are
refused, but tasks that were accepted go on, and what happens to them has to be kept as well (issue of the journal: disk
full): so the file is given up then, and made again as soon as it fits.
"""

import errno
import os
from pathlib import Path

RESERVE_BYTES = 16 * 1024 * 1024
"""Some three thousand batches of a usual size: minutes of full load, hours of a usual one. [OURS]"""

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when there is no room: disk, quota, limit of a file's size."""


class Reserve:
    """The file."""

    def __init__(self, path: Path, size: int = RESERVE_BYTES) -> None:
        """Nothing is touched until `take`."""
        self._path = path
        self._size = size
        self.held = False
        """Whether the room is there."""

    def take(self) -> bool:
        """Take up the room; False when it is not to be had. OSError for any other reason."""
        try:
            with self._path.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, self._size)
        except OSError as error:
            self.give_up()
            if error.errno not in NO_ROOM:
                raise
            return False
        self.held = True
        return True

    def give_up(self) -> bool:
        """Free the room; False when it was not held."""
        held, self.held = self.held, False
        self._path.unlink(missing_ok=True)
        return held


def is_room(path: Path, offset: int, size: int) -> bool:
    """Whether `size` bytes could be written at `offset` of a file beside `path`; asks by doing it.

    An error of SQLite says that writing failed, and not why.
    """
    probe = path.with_name(path.name + ".probe")
    try:
        with probe.open("wb") as file:
            file.seek(offset)
            file.write(bytes(size))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno not in NO_ROOM
    finally:
        probe.unlink(missing_ok=True)
    return True
