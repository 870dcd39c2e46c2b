"""Every scenario of the emulator passes against the daemon, over TLS, in two processes that share no code."""

from pathlib import Path

import pytest

from laboratory import laboratory
from run_scenarios import DEFAULT_AGENTS, LOADS, SCENARIOS, agent

WITH_A_TEST_OF_THEIR_OWN = {"hostile", "never_reads"}
OVER_TLS = sorted({path.stem for path in SCENARIOS.glob("*.toml")} - LOADS - WITH_A_TEST_OF_THEIR_OWN)
STORM = 2_500
"""Agents of the largest email server in the references (semantics 8)."""


@pytest.mark.parametrize("scenario", OVER_TLS)
async def test_scenario_passes_over_tls(scenario: str, tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        await lab.play(scenario)


async def test_a_whole_shift_signs_in_at_once(tmp_path: Path) -> None:
    async with laboratory(tmp_path, "".join(map(agent, range(DEFAULT_AGENTS, STORM)))) as lab:
        summary = await lab.play("login_storm", "--var", f"agents={STORM}")
        asked = 'ctigw_frames_total{direction="in",message="MEDIA_LOGIN_REQ",protocol="cti"}'
        assert await lab.metric(asked) == STORM
    messages = summary["messages"]
    assert isinstance(messages, list)
    seen = [entry["count"] for entry in messages if (entry["peer"], entry["name"]) == ("watcher", "AGENT_STATE_EVENT")]
    assert seen == [STORM]
