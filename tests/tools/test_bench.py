"""The benchmark's arithmetic, that both sides of its comparisons do the same work, and a short run. No timings."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from benchmark import codec, configuration, load, memory, storm, whole_path
from benchmark.processes import daemon, echo_server, free_port
from benchmark.report import Report, median_ratio, percentile
from benchmark.samples import samples
from benchmark.targets import Bound, Target
from ctigw.wire import HEADER_BYTES, Codec, cti_codec, mr_codec


def test_percentile_is_a_value_that_was_measured() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 3.0, 5.0, 5.0]
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_ratio_is_the_median_of_neighbours_not_the_ratio_of_medians() -> None:
    assert median_ratio([1.0, 10.0, 3.0], [1.0, 20.0, 1.0]) == 1.0
    with pytest.raises(ValueError, match="zip"):
        median_ratio([1.0], [1.0, 2.0])


def test_target_counts_its_limit_as_met() -> None:
    most, least = Target(Bound.AT_MOST, 1.5, "x"), Target(Bound.AT_LEAST, 0.7, "x")
    assert [most.met(value) for value in (1.4, 1.5, 1.51)] == [True, True, False]
    assert [least.met(value) for value in (0.69, 0.7, 0.8)] == [False, True, True]


def test_missed_target_is_printed_and_written_as_missed(tmp_path: Path) -> None:
    report = Report()
    report.add("part", "good", "1 s", 1.0, Target(Bound.AT_MOST, 1.5, "row"))
    report.add("part", "bad", "2 s", 2.0, Target(Bound.AT_MOST, 1.5, "row"))
    report.add("part", "plain", "3 s")
    report.write_json(tmp_path / "out.json")
    lines = {line.split()[0]: line for line in report.table().splitlines() if line.startswith("  ")}
    assert lines["good"].endswith("met")
    assert lines["bad"].endswith("MISSED")
    assert "1 of 2 targets met." in report.table()
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert [row["met"] for row in rows] == [True, False, None]


@pytest.mark.parametrize(("protocol", "name"), codec.BY_HAND)
def test_hand_written_code_and_codec_give_the_same_bytes(protocol: str, name: str) -> None:
    codec.check_agreement(mr_codec() if protocol == "mr" else cti_codec(), name)


@pytest.mark.parametrize("chosen", [mr_codec(), cti_codec()], ids=["mr", "cti"])
def test_every_sample_survives_encoding_and_decoding(chosen: Codec) -> None:
    for row, message in samples(chosen):
        assert chosen.decode(row.number, chosen.encode(message)[HEADER_BYTES:]) == message, row.name


def test_new_task_of_the_load_has_the_length_of_the_trace() -> None:
    assert len(load.new_task_frame(1, "8000")) == 102


def test_memory_path_answers_by_label_and_by_agents(tmp_path: Path) -> None:
    path = memory.MemoryPath(configuration.install_plain(tmp_path, agents=3))
    path.sign_in(3)
    for selector in (configuration.LABEL, configuration.AGENTS):
        assert memory.turn(path, selector, tasks=8, batch=4) > 0
    with pytest.raises(ValueError, match="0 of 1 tasks"):
        memory.turn(path, configuration.PARKED, tasks=1, batch=1)


def test_daemon_and_echo_answer_the_load_and_end(tmp_path: Path) -> None:
    installation = configuration.install(tmp_path, free_port(), free_port())
    plan = whole_path.Plan(rounds=1, turn_s=0.05)
    with echo_server(installation) as echo, daemon(installation) as gateway:
        ours, floor, _ = whole_path.side_by_side(plan, (2, 3), echo, gateway, configuration.LABEL)
        assert storm.storm(gateway, 3).seconds > 0
        assert storm.storm(echo, 3).seconds > 0
    assert ours.rates[0] > 0
    assert floor.rates[0] > 0
    assert not Path(f"/proc/{gateway.pid}").exists()
    assert not Path(f"/proc/{echo.pid}").exists()
