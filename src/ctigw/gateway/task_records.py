"""Task detail records in the daemon: made from the settings, written now and then in a thread.

Knows Trio and how often; must not know formats or files.
"""

import trio

from ctigw.config.settings import Settings
from ctigw.net.clock import SteadyClock
from ctigw.records.files import RecordFiles
from ctigw.records.form import RecordForm
from ctigw.records.writer import RecordWriter

WRITE_PERIOD_S = 1.0
"""How old a record may be before it is in the file: one write for many tasks, and fresh enough for whoever follows."""
LAST_WRITE_S = 1.5
"""What the stop waits for the disk; it fits into the budget of decisions G2 beside the sessions' seven seconds."""


def record_writer(settings: Settings) -> RecordWriter | None:
    """The writer; None when records are not wanted. Touches no file yet."""
    wanted = settings.task_records
    if not wanted.enabled:
        return None
    form = RecordForm(settings.routing, settings.gateway.name, settings.gateway.side)
    files = RecordFiles(wanted, settings.gateway.state_dir / wanted.directory)
    return RecordWriter(form, files)


async def keep_written(writer: RecordWriter, clock: SteadyClock) -> None:
    """Write what waits, until cancelled; a disk that hangs holds up only this."""
    while True:
        await trio.sleep(WRITE_PERIOD_S)
        await trio.to_thread.run_sync(writer.write_pending, clock.now())


async def write_last(writer: RecordWriter, clock: SteadyClock) -> None:
    """Write what is left and bring it to the disk; gives up when the disk takes too long."""
    with trio.move_on_after(LAST_WRITE_S, shield=True):
        await trio.to_thread.run_sync(writer.close, clock.now(), abandon_on_cancel=True)
