"""The worked configuration of the README does what the README says, row by row of its table."""

import re
from pathlib import Path

import pytest

from ctigw.config.loader import load
from ctigw.routing import events, inputs
from ctigw.routing.inputs import TaskId, Variable
from routing_site import CHAT, EMAIL, Site, of, only

README = Path(__file__).resolve().parents[2] / "README.md"
ADA, BEN = 6001, 6002


@pytest.fixture
def site(tmp_path: Path) -> Site:
    block = re.search(r"`ctigw serve -c routing\.toml`:\n\n```toml\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    assert block is not None, "the README has no routing.toml any more"
    (tmp_path / "routing.toml").write_text(block[1], encoding="utf-8")
    (tmp_path / "desktop.pw").write_text("secret", encoding="ascii")
    return Site(load(tmp_path / "routing.toml").routing)


def chosen(happened: list[events.AgentChosen]) -> list[int]:
    return [event.skill_target_id for event in happened]


def test_with_nobody_signed_in_the_answer_is_a_label_after_thirty_seconds(site: Site) -> None:
    site.task("8000")
    assert of(site.pass_time(29.9), events.LabelChosen) == []
    assert only(site.pass_time(0.2), events.LabelChosen).label == "LBL_voicemail"


def test_ben_has_the_task_after_the_first_step_and_ada_at_once(site: Site) -> None:
    site.ready(BEN)
    site.task("8000")
    assert of(site.pass_time(9.9), events.AgentChosen) == []
    assert chosen(of(site.pass_time(0.2), events.AgentChosen)) == [BEN]
    site.ready(ADA)
    assert only(site.task("8000"), events.AgentChosen).skill_target_id == ADA


def test_gold_is_served_before_those_who_came_earlier(site: Site) -> None:
    site.ready(ADA)
    busy = only(site.task("8000"), events.AgentChosen).task_id
    site.about(inputs.StartTask, ADA, busy)
    for _ in range(3):
        site.task("8000")
    gold: TaskId = only(
        site.task("8000", variables=[Variable("ecc.user.tier", None, "gold")]), events.TaskAccepted
    ).task_id
    assert only(site.about(inputs.EndTask, ADA, busy), events.AgentChosen).task_id == gold


def test_second_mail_of_a_conversation_goes_to_the_agent_of_the_first(site: Site) -> None:
    conversation = [Variable("ecc.user.conversation", None, "c1")]
    site.ready(ADA, BEN, mrd=EMAIL, limit=2)
    first = only(site.task("9000", variables=conversation), events.AgentChosen)
    site.about(inputs.StartTask, first.skill_target_id, first.task_id, EMAIL)
    other = {ADA: BEN, BEN: ADA}[first.skill_target_id]
    assert only(site.task("9000"), events.AgentChosen).skill_target_id == other, "without the key the freer one has it"
    assert only(site.task("9000", variables=conversation), events.AgentChosen).skill_target_id == first.skill_target_id
    assert first.mrd_id == EMAIL != CHAT
