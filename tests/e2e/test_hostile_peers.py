"""Bad input of every kind: the right answer, a count by reason, and nobody else notices (design 7)."""

from pathlib import Path

import trio

from laboratory import laboratory


async def test_every_kind_of_bad_input_is_answered_and_a_task_beside_it_is_unaffected(tmp_path: Path) -> None:
    """The scenario itself checks the answers, the closes, and twenty tasks that run meanwhile."""
    async with laboratory(tmp_path) as lab:
        await lab.play("hostile", "--var", "silence_s=8", plain=lab.impatient)
        closed = 'ctigw_sessions_closed_total{{protocol="{}",reason="{}"}}'
        assert await lab.metric(closed.format("none", "wrong_first_message")) == 2
        assert await lab.metric(closed.format("none", "length")) >= 2
        assert await lab.metric(closed.format("none", "first_message")) == 2
        assert await lab.metric(closed.format("cti", "length")) == 1
        assert await lab.metric(closed.format("mr", "bad_frame")) == 1
        errors = 'ctigw_frame_errors_total{{protocol="{}",reason="{}"}}'
        assert await lab.metric(errors.format("mr", "unknown_type")) == 1
        assert await lab.metric(errors.format("mr", "unknown_subtype")) == 1
        assert await lab.metric(errors.format("mr", "unknown_dialogue")) == 1
        assert await lab.metric(errors.format("mr", "malformed")) == 4
        assert await lab.metric(errors.format("cti", "unknown_type")) == 1
        assert await lab.metric(errors.format("cti", "malformed")) == 2
        assert await lab.metric('ctigw_tasks_ended_total{disposition="38",mrd="chat"}') == 20
        assert (await lab.http("/readyz"))[0] == 200


async def test_a_peer_that_never_reads_is_cut_with_a_reason_while_others_are_served(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        with trio.fail_after(60):
            arguments = ("--var", "floods=30000", "--var", "cut_s=5")
            await lab.play("never_reads", *arguments, plain=lab.impatient)
        closed = 'ctigw_sessions_closed_total{{protocol="mr",reason="{}"}}'
        reasons = ("outbox_bytes", "outbox_age", "send_timeout")
        assert sum([await lab.metric(closed.format(reason)) for reason in reasons]) == 1
