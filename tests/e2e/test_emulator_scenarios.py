"""Every scenario of the emulator passes against the daemon, over TLS, in two processes that share no code."""

from pathlib import Path

import pytest

from laboratory import laboratory

OVER_TLS = ["basic_task", "rona", "cancel", "failures", "versions", "pim", "refused", "agent_states"]


@pytest.mark.parametrize("scenario", OVER_TLS)
async def test_scenario_passes_over_tls(scenario: str, tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        await lab.play(scenario)
