"""The times of a pair add up, or the configuration is refused with the sum (decisions F2, engineering G4)."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config_samples import problems_of
from ctigw.config.settings import DuplexSettings
from ctigw.config.timings import pair_timings


@given(st.floats(2.0, 30.0))
def test_every_accepted_lease_adds_up_with_the_defaults(lease_s: float) -> None:
    timings = pair_timings(DuplexSettings(lease_s=lease_s))
    assert timings.problem() is None
    assert 0 < timings.silence_s < timings.authority_s < timings.lease_s <= timings.ttl_s < lease_s + 1


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (
            "heartbeat_s = 1.0\nheartbeat_misses = 2\nsend_limit_s = 0.5\nmargin_s = 0.5",
            "heartbeat_s 1 x heartbeat_misses 2 + send_limit_s 0.5 + margin_s 0.5 = 3 s: lease_s 3 must be longer",
        ),
        ("heartbeat_misses = 4", "heartbeat_s 0.5 x heartbeat_misses 4 + send_limit_s 0.5 + margin_s 0.5 = 3 s"),
        ("margin_s = 2.5", "= 4.5 s"),
    ],
)
def test_a_sum_that_reaches_the_lease_is_refused_and_shown(tmp_path: Path, extra: str, expected: str) -> None:
    found = problems_of(tmp_path, f"[duplex]\nlease_s = 3.0\n{extra}\n")
    assert len(found) == 1
    assert "[duplex]: lease_s: does not cover " in found[0]
    assert expected in found[0]


def test_a_sum_just_below_the_lease_is_accepted(tmp_path: Path) -> None:
    text = "[duplex]\nlease_s = 3.0\nheartbeat_s = 0.95\nheartbeat_misses = 2\nsend_limit_s = 0.5\nmargin_s = 0.5\n"
    assert problems_of(tmp_path, text) == []


@pytest.mark.parametrize("prefix", ["ctigw", "/ctigw/", "", "/"])
def test_a_prefix_begins_with_a_slash_and_does_not_end_with_one(tmp_path: Path, prefix: str) -> None:
    assert "is no prefix" in problems_of(tmp_path, f'[duplex]\netcd_prefix = "{prefix}"\n')[0]


def test_what_happens_without_the_store_is_one_of_two(tmp_path: Path) -> None:
    assert problems_of(tmp_path, '[duplex]\non_store_loss = "stay_active"\n') == []
    assert "step_down" in problems_of(tmp_path, '[duplex]\non_store_loss = "carry_on"\n')[0]
