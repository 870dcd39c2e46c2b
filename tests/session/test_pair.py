"""Our PIM and our application, joined back to back."""

import pytest

from ctigw.session.events import SessionEvent
from ctigw.wire import mr
from session_pair import FEEDS, NOW, Feed, SessionPair, answer, closing, is_open, messages, new_task, refusals


def names(events: list[SessionEvent]) -> list[str]:
    """Names of the messages received."""
    return [message.NAME for message in messages(events)]


def joined(feed: Feed) -> SessionPair:
    """An open pair; opening events dropped."""
    pair = SessionPair(feed)
    pair.exchange()
    assert is_open(pair.pim_events)
    assert is_open(pair.application_events)
    assert names(pair.application_events) == ["ROUTING_ENABLED"]
    pair.pim_events.clear()
    pair.application_events.clear()
    return pair


@pytest.mark.parametrize("feed", FEEDS)
def test_a_hundred_tasks_with_scripts_cancels_and_failures_leave_nothing_refused(feed: Feed) -> None:
    pair = joined(feed)
    for _ in range(100):
        pair.application.submit(new_task(0), NOW)
    pair.exchange()
    asked = [message for message in messages(pair.pim_events) if isinstance(message, mr.NewTask)]
    assert [message.dialogue_id for message in asked] == list(range(1, 101))
    for message in asked:
        pair.pim.submit(mr.RunScriptReq(message.dialogue_id, 0, 5), NOW)
    pair.exchange()
    for message in asked:
        pair.application.submit(mr.RunScriptResult(message.dialogue_id, 0, 5, 1), NOW)
        if message.dialogue_id % 3 == 0:
            pair.application.submit(mr.CancelTask(message.dialogue_id, 0, 6, 0), NOW)
    pair.exchange()
    for message in asked:
        if message.dialogue_id % 3 == 0:
            pair.pim.submit(mr.CancelTaskConf(message.dialogue_id, 0, 6, 0), NOW)
        elif message.dialogue_id % 3 == 1:
            pair.pim.submit(answer(message.dialogue_id), NOW)
        else:
            pair.pim.submit(mr.NewTaskFailure(message.dialogue_id, 0, 7, 0), NOW)
    pair.exchange()
    assert refusals(pair.pim_events) == refusals(pair.application_events) == []
    received = names(pair.application_events)
    assert [received.count(name) for name in ("RUN_SCRIPT_REQ", "DO_THIS_WITH_TASK", "NEW_TASK_FAILURE")] == [
        100,
        34,
        33,
    ]
    assert received.count("CANCEL_TASK_CONF") == 33


@pytest.mark.parametrize("feed", FEEDS)
def test_heartbeats_keep_an_idle_pair_open_for_an_hour(feed: Feed) -> None:
    pair = joined(feed)
    pair.advance(3600)
    assert (pair.pim_events, pair.application_events) == ([], [])
    assert pair.pim.frame_counts["out", "HEARTBEAT_REQ"] == pair.pim.frame_counts["in", "HEARTBEAT_CONF"] == 720


@pytest.mark.parametrize("closer", ["pim", "application"])
def test_orderly_end_from_either_side(closer: str) -> None:
    pair = joined(FEEDS[0])
    first, second = (pair.pim, pair.application) if closer == "pim" else (pair.application, pair.pim)
    first.close(0, NOW)
    pair.exchange()
    ends = {"pim": closing(pair.pim_events), "application": closing(pair.application_events)}
    assert ends.pop(closer) == "we_closed"
    assert list(ends.values()) == ["peer_closed"]
    assert first.next_deadline() is None
    assert second.next_deadline() is None


def test_routing_that_goes_and_comes_lets_the_application_ask_again() -> None:
    pair = joined(FEEDS[0])
    pair.application.submit(new_task(0), NOW)
    pair.exchange()
    pair.pim.set_routing_enabled(enabled=False, reason=1, now=NOW)
    pair.exchange()
    assert pair.application.routing_enabled is False
    pair.pim.set_routing_enabled(enabled=True, reason=0, now=NOW)
    pair.exchange()
    pair.application.submit(new_task(1), NOW)
    pair.exchange()
    assert names(pair.application_events) == ["ROUTING_DISABLED", "NEW_TASK_FAILURE", "ROUTING_ENABLED"]
    assert names(pair.pim_events) == ["NEW_TASK", "NEW_TASK"]
    assert refusals(pair.pim_events) == refusals(pair.application_events) == []
