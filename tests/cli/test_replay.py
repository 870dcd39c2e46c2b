"""`ctigw replay`: the player against servers that behave and that do not, and the command against the daemon."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio
import trio.testing
from click.testing import CliRunner, Result

from ctigw.cli import playback
from ctigw.cli.capture import read_capture
from ctigw.cli.playback import PlaybackError, Player
from ctigw.cli.replay import command
from ctigw.errors import ConfigurationError
from ctigw.replay.comparison import Comparison
from ctigw.replay.frames import recorded
from ctigw.replay.mask import Mask
from ctigw.replay.plan import Action, Plan, Step, plan
from ctigw.wire import FrameBuffer, mr, mr_codec
from ctigw.wire.json_form import frame_from_json

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from run_scenarios import Gateway

FIXTURES = Path(__file__).parents[2] / "fixtures"
MAX_BODY = 12_492


def fixture_plan(name: str) -> Plan:
    connections, _ = read_capture((FIXTURES / f"{name}.pcapng").read_bytes())
    return plan([recorded(connection) for connection in connections])


class Server:
    """Plays the server half of a plan over streams in memory, when the frames of the client have come."""

    def __init__(self, asked: Plan, answer: Callable[[Step, bytes], list[bytes]] = lambda _, frame: [frame]) -> None:
        """`answer` gives the frames that are sent for a captured one."""
        self._plan = asked
        self._answer = answer
        self._streams: dict[int, trio.abc.Stream] = {}
        self._waiting: list[trio.abc.Stream] = []
        self._got: dict[int, int] = {}
        self._changed = trio.Event()
        self.taken: list[tuple[int, bytes]] = []

    async def dial(self, *_: object) -> trio.abc.Stream:
        """In the place of a TCP connection."""
        ours, theirs = trio.testing.memory_stream_pair()
        self._waiting.append(ours)
        self._changed.set()
        return theirs

    async def run(self) -> None:
        """Follow the plan from the server's side."""
        async with trio.open_nursery() as nursery:
            for step in self._plan.steps:
                if step.action is Action.SEND:
                    await self._await_frame(nursery, step)
                elif step.action is Action.EXPECT and step.message is not None:
                    frame = frame_from_json(dict(step.message.entry))
                    for each in self._answer(step, frame):
                        await self._streams[step.connection].send_all(each)
                elif step.action is Action.EXPECT_CLOSE:
                    await self._streams[step.connection].aclose()

    async def _await_frame(self, nursery: trio.Nursery, step: Step) -> None:
        want = self._got.get(step.connection, 0) + 1
        while step.connection not in self._streams:
            if self._waiting:
                stream = self._streams[step.connection] = self._waiting.pop(0)
                nursery.start_soon(self._read, step.connection, stream)
            else:
                self._changed = trio.Event()
                await self._changed.wait()
        while sum(number == step.connection for number, _ in self.taken) < want:
            self._changed = trio.Event()
            await self._changed.wait()
        self._got[step.connection] = want

    async def _read(self, number: int, stream: trio.abc.Stream) -> None:
        frames = FrameBuffer(MAX_BODY)
        try:
            while data := await stream.receive_some():
                frames.feed(bytes(data))
                while (found := frames.next_frame()) is not None:
                    self.taken.append((number, found[1]))
                    self._changed.set()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return


async def play(asked: Plan, server: Server, monkeypatch: pytest.MonkeyPatch, *, fast: bool = True) -> list[str]:
    """The differences that a playback against `server` finds."""
    monkeypatch.setattr(playback, "dial", server.dial)
    comparison = Comparison(asked, Mask())
    player = Player(asked, comparison, "server:1", None, fast=fast, wait_s=10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.run)
        await player.run()
        nursery.cancel_scope.cancel()
    return [f"{each.title} {each.problem}" for each in comparison.differences]


NAMES = sorted(path.stem for path in FIXTURES.glob("*.pcapng"))


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("name", NAMES)
async def test_the_captured_answers_are_no_difference_and_every_client_frame_is_sent(
    name: str, fast: bool, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fixture_plan(name)
    server = Server(asked)
    started = trio.current_time()
    assert await play(asked, server, monkeypatch, fast=fast) == []
    captured = [(step.connection, step.frame[8:]) for step in asked.steps if step.action is Action.SEND]
    assert server.taken == captured
    lasted = asked.steps[-1].moment.time - asked.steps[0].moment.time
    if not fast:
        assert lasted <= trio.current_time() - started <= lasted + 3


async def test_in_a_hurry_only_answers_are_waited_for(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fixture_plan("pim")
    assert asked.steps[-1].moment.time - asked.steps[0].moment.time > 1.5
    started = trio.current_time()
    assert await play(asked, Server(asked), monkeypatch) == []
    assert trio.current_time() - started < 1.5


def losing(name: str) -> Callable[[Step, bytes], list[bytes]]:
    def answer(step: Step, frame: bytes) -> list[bytes]:
        return [] if step.message is not None and step.message.name == name else [frame]

    return answer


async def test_an_answer_that_does_not_come_is_missing_after_its_deadline_and_the_rest_is_played(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fixture_plan("basic_task")
    started = trio.current_time()
    found = await play(asked, Server(asked, losing("PAUSE_TASK_EVENT")), monkeypatch)
    assert found == ["PAUSE_TASK_EVENT is missing"]
    assert 10 <= trio.current_time() - started <= 12


async def test_another_answer_ends_the_wait_and_is_told(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(step: Step, frame: bytes) -> list[bytes]:
        other = step.message is not None and step.message.name == "PAUSE_TASK_EVENT"
        return [frame[:-1] + b"\x7f"] if other else [frame]

    asked = fixture_plan("basic_task")
    started = trio.current_time()
    assert await play(asked, Server(asked, answer), monkeypatch) == ["PAUSE_TASK_EVENT differs"]
    assert trio.current_time() - started < 3


async def test_an_answer_twice_is_not_in_the_capture(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(step: Step, frame: bytes) -> list[bytes]:
        twice = step.message is not None and step.message.name == "PAUSE_TASK_EVENT"
        return [frame, frame] if twice else [frame]

    asked = fixture_plan("basic_task")
    assert await play(asked, Server(asked, answer), monkeypatch) == ["PAUSE_TASK_EVENT is not in the capture"]


async def test_heartbeats_of_the_server_are_answered_and_not_compared(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = mr_codec().encode(mr.HeartbeatReq(4711))

    def answer(step: Step, frame: bytes) -> list[bytes]:
        return [frame, beat] if step.message is not None and step.message.name == "ROUTING_ENABLED" else [frame]

    asked = fixture_plan("failures")
    server = Server(asked, answer)
    assert await play(asked, server, monkeypatch) == []
    assert mr_codec().encode(mr.HeartbeatConf(4711))[8:] in [body for _, body in server.taken]


async def test_a_server_that_ends_too_early_is_told_once(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fixture_plan("failures")
    opened = [step for step in asked.steps if step.action is Action.EXPECT][1]
    steps = tuple(step for step in asked.steps if step.moment <= opened.moment)
    shorter = Plan(asked.connections, (*steps, Step(Action.EXPECT_CLOSE, opened.moment, 0)), ())
    started = trio.current_time()
    found = await play(asked, Server(shorter), monkeypatch)
    (unsent,) = [each for each in found if "cannot be sent" in each]
    assert unsent.startswith("NEW_TASK cannot be sent: the server has ")
    assert "NEW_TASK_FAILURE is missing" in found
    assert trio.current_time() - started < 2


async def test_a_server_that_does_not_end_a_refused_connection_is_told(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fixture_plan("refused")
    kept = Plan(asked.connections, tuple(s for s in asked.steps if s.action is not Action.EXPECT_CLOSE), ())
    found = await play(asked, Server(kept), monkeypatch)
    closes = sum(step.action is Action.EXPECT_CLOSE for step in asked.steps)
    assert closes
    assert found == ["the connection is still open; in the capture the server ends it"] * closes


async def test_a_server_that_cannot_be_reached_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: object) -> str:
        return "connection refused"

    monkeypatch.setattr(playback, "dial", refused)
    asked = fixture_plan("failures")
    with pytest.raises(PlaybackError, match="server:1: connection refused"):
        await Player(asked, Comparison(asked, Mask()), "server:1", None, fast=True, wait_s=1).run()


# ---- the command


def replay(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A daemon with the configuration that the captures were made with."""
    with Gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


REPLAYED = [
    "failures", "refused", "pim", "basic_task", "versions", "application_tasks", "client_monitor", "configuration",
    "each_refusal", "interrupt", "resync", "task_monitor",
]  # fmt: skip


@pytest.mark.parametrize("name", REPLAYED)
def test_a_captured_session_replays_against_the_daemon_without_a_difference(name: str, gateway: Gateway) -> None:
    """One daemon for all of them: its task ids are others than in the captures."""
    result = replay(str(FIXTURES / f"{name}.pcapng"), "--to", f"127.0.0.1:{gateway.port}", "--plain", "--fast")
    assert result.output.endswith(": no difference\n")
    assert result.exit_code == 0


def test_differences_are_printed_in_the_order_of_the_capture_and_exit_with_1(gateway: Gateway, tmp_path: Path) -> None:
    changed = (FIXTURES / "failures.pcapng").read_bytes().replace(b"LBL_night", b"LBL_other")
    capture = tmp_path / "changed.pcapng"
    capture.write_bytes(changed)
    to = ("--to", f"127.0.0.1:{gateway.port}", "--plain", "--fast")
    result = replay(str(capture), *to)
    assert result.exit_code == 1
    heading, detail, summary = result.output.splitlines()
    assert heading.endswith(": DO_THIS_WITH_TASK differs")
    assert detail == "    Label: captured 'LBL_other', received 'LBL_night'"
    assert summary.endswith(" answers compared: 1 difference")
    mask = tmp_path / "mask.toml"
    mask.write_text('[fields]\n"mr.DO_THIS_WITH_TASK" = ["Label"]\n', encoding="ascii")
    assert replay(str(capture), *to, "--mask", str(mask)).exit_code == 0
    quiet = replay(str(capture), *to, "--quiet")
    assert (quiet.exit_code, quiet.output) == (1, "")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-file", "--to", "localhost:1"],
        [__file__, "--to", "localhost:1"],
        [str(FIXTURES / "pim.pcapng")],
        [str(FIXTURES / "pim.pcapng"), "--to", "nowhere"],
        [str(FIXTURES / "pim.pcapng"), "--to", "localhost:1", "--plain", "--insecure"],
        [str(FIXTURES / "pim.pcapng"), "--to", "localhost:1", "--key", __file__],
        [str(FIXTURES / "pim.pcapng"), "--to", "localhost:1", "--wait", "0"],
    ],
)
def test_wrong_use_is_exit_code_2(arguments: list[str]) -> None:
    result = replay(*arguments)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


def test_a_wrong_mask_changes_nothing_and_says_why(tmp_path: Path) -> None:
    mask = tmp_path / "mask.toml"
    mask.write_text("speed = 1\n", encoding="ascii")
    with pytest.raises(ConfigurationError, match=r"mask\.toml: speed: is no mask"):
        replay(str(FIXTURES / "pim.pcapng"), "--to", "localhost:1", "--mask", str(mask))


def test_a_capture_without_a_session_and_an_unreachable_server_exit_with_1(tmp_path: Path) -> None:
    whole = (FIXTURES / "pim.pcapng").read_bytes()
    empty = tmp_path / "empty.pcapng"
    empty.write_bytes(whole[:28])
    result = replay(str(empty), "--to", "127.0.0.1:1", "--plain")
    assert (result.exit_code, result.stderr) == (
        1,
        "ctigw replay: the capture holds no connection that begins with an OPEN_REQ\n",
    )
    result = replay(str(FIXTURES / "pim.pcapng"), "--to", "127.0.0.1:1", "--plain")
    assert result.exit_code == 1
    assert result.stderr.startswith("ctigw replay: 127.0.0.1:1: ")
