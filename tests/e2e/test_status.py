"""`/status`, the live page and `ctigw status` against a running daemon (design 2 and 5, decisions G4)."""

import json
import re
import sys
from functools import partial
from pathlib import Path

import trio

from laboratory import Laboratory, laboratory
from run_scenarios import PASSWORD

CUSTOMER = "Dagobert"


async def status(lab: Laboratory, *arguments: str) -> tuple[int, str, str]:
    """Exit code and both outputs of `ctigw status`."""
    url = "http://" + lab.daemon.admin_addresses[0].removeprefix("http://")
    command = [sys.executable, "-m", "ctigw", "status", "--url", url, *arguments]
    result = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


async def waiting_task(lab: Laboratory, nursery: trio.Nursery) -> None:
    """A task that waits because nobody is signed in."""
    command = [sys.executable, "-m", "ctigw", "submit", "--connect", lab.plain, "--plain", "--selector", "chat"]
    asking = partial(trio.run_process, [*command, "--variable", f"1={CUSTOMER}"], check=False)
    nursery.start_soon(asking)
    while True:
        seen = json.loads((await lab.http("/status"))[1])
        if any(queue["depth"] for queue in seen["queues"]):
            return
        await trio.sleep(0.05)


async def test_status_of_daemon_task_agent_and_pair(tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with laboratory(tmp_path) as lab, trio.open_nursery() as nursery:
            await waiting_task(lab, nursery)
            engine = lab.daemon._engine
            (task_id,) = engine._state.tasks
            agent = next(iter(engine._state.agents.values()))
            written = ":".join(map(str, task_id))

            code, whole, _ = await status(lab)
            assert code == 0
            assert re.search(r"^sg:chat_agents +\S+ +1 ", whole, re.MULTILINE)
            assert re.search(r"^\S+ +queued +1$", whole, re.MULTILINE)
            assert re.search(r"^mr +\S+ +none +1$", whole, re.MULTILINE)

            for form in (written, written.replace(":", "-"), written.replace(":", "_")):
                code, about, _ = await status(lab, "--task", form)
                assert code == 0
                assert f"task {written} of" in about
                assert "nobody has signed in" in about
            assert (await lab.http("/status/task/" + written.replace(":", "-")))[0] == 200

            code, about, _ = await status(lab, "--agent", agent.id)
            assert code == 0
            assert "never signed in" in about
            code, about, _ = await status(lab, "--task", written, "--agent", agent.id)
            assert code == 0
            assert "is not considered: never signed in to" in about

            code, text, _ = await status(lab, "--task", written, "--agent", agent.id, "--json")
            assert json.loads(text)["obstacle"] == "signed_out"
            everything = [text, whole, about, (await lab.http("/status"))[1], (await lab.http("/"))[1]]
            assert not any(CUSTOMER in each or PASSWORD in each for each in everything)
            nursery.cancel_scope.cancel()


async def test_what_is_not_known_and_what_is_no_id(tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with laboratory(tmp_path) as lab:
            assert (await status(lab, "--task", "1:2:3"))[::2] == (
                1,
                "ctigw status: task 1:2:3 is not known, or has been forgotten\n",
            )
            code, _, said = await status(lab, "--task", "1:2")
            assert (code, "is no task id" in said) == (1, True)
            code, _, said = await status(lab, "--agent", "nobody")
            assert (code, "agent nobody is not configured" in said) == (1, True)
            assert (await status(lab, "-c", str(tmp_path / "gateway.toml")))[0] == 2  # beside --url
            assert (await lab.http("/status?task=1:2:3&agent=9"))[0] == 404
            assert (await lab.http("/status/elsewhere"))[0] == 404


async def test_live_page_asks_nobody_outside(tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with laboratory(tmp_path) as lab:
            code, page = await lab.http("/")
            assert code == 200
            assert 'fetch("/status")' in page
            assert "prefers-color-scheme: dark" in page
            assert not re.search(r"https?://|src=|<link|@import|innerHTML", page)
            asked = set(re.findall(r"\bnow\.(\w+)", page))
            assert asked <= json.loads((await lab.http("/status"))[1]).keys()
            assert "queues" in asked


async def test_no_daemon_is_said_in_one_line() -> None:
    command = [sys.executable, "-m", "ctigw", "status", "--url", "http://127.0.0.1:9"]
    result = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    assert result.returncode == 1
    assert result.stderr.decode().startswith("ctigw status: no daemon answers at http://127.0.0.1:9: ")
    assert result.stderr.decode().count("\n") == 1
