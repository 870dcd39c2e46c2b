"""The small parts of sessions: subjects, agent mode, dialogue numbers, ledger, service names."""

import pytest

from ctigw.session.access import REMEMBERED_ADDRESSES, RefusalLedger, service_mask
from ctigw.session.agent_mode import agent_mode, wire_agent_mode
from ctigw.session.device_registry import DeviceRegistry
from ctigw.session.dialogues import Dialogues
from ctigw.session.failures import failure_conf
from ctigw.session.states import CTI_SESSION, MR_APPLICATION, MR_PIM, CtiState, MrState
from ctigw.session.subject import format_subject, parse_subject, subject_matches
from ctigw.wire import cti
from session_pair import NOW, open_cti


@pytest.mark.parametrize(
    ("configured", "certificate", "matches"),
    [
        ("CN=desktop", "CN=desktop", True),
        ("CN=desktop", "O=x,CN=desktop", True),
        ("CN=desktop,O=x", "O=x,OU=y,CN=desktop", True),
        ("cn = desktop", "CN=desktop", True),
        ("commonName=desktop", "CN=desktop", True),
        ("CN=desktop,O=x", "CN=desktop", False),
        ("CN=desktop", "CN=Desktop", False),
        ("CN=desktop", "CN=desktop2", False),
        ("CN=desktop", "O=CN\\=desktop", False),
        ("CN=desktop", "O=a\\,CN=desktop", False),
        ("CN=a\\,b", "CN=a\\,b", True),
        ("CN=desktop", None, False),
        ("CN=desktop", "", False),
        ("desktop", "CN=desktop", False),
        ("", None, True),
        ("", "CN=anybody", True),
    ],
)
def test_every_attribute_of_the_configured_subject_must_be_in_the_certificate(
    configured: str, certificate: str | None, matches: bool
) -> None:
    assert subject_matches(configured, certificate) is matches


def test_subject_of_the_tls_library_is_written_and_read_back() -> None:
    names = ((("countryName", "DE"),), (("organizationName", "a,b+c\\d"),), (("commonName", "desktop"),))
    text = format_subject(names)
    assert text == "C=DE,O=a\\,b\\+c\\\\d,CN=desktop"
    assert parse_subject(text) == [("C", "DE"), ("O", "a,b+c\\d"), ("CN", "desktop")]


@pytest.mark.parametrize("version", range(13, 26))
def test_agent_mode_is_inverted_in_versions_14_to_17_only(version: int) -> None:
    inverted = version in (14, 15, 16, 17)
    assert agent_mode(version, 1) is not inverted
    assert agent_mode(version, 0) is inverted
    for routable in (True, False):
        assert agent_mode(version, wire_agent_mode(version, routable)) is routable


@pytest.mark.parametrize(("version", "length"), [(0, 8), (13, 8), (23, 8), (24, 10), (25, 10)])
def test_failure_conf_has_the_form_of_the_version(version: int, length: int) -> None:
    message = failure_conf(version, 7, cti.FailureStatus.INVALID_PASSWORD)
    assert isinstance(message, cti.FailureConf) is (length == 10)


def test_service_names_are_those_of_the_mask() -> None:
    assert service_mask(["client_events", "agent_reporting", "all_task_events"]) == 0x1 | 0x400 | 0x800
    with pytest.raises(KeyError):
        service_mask(["everything"])


def test_ledger_forgets_the_address_that_was_refused_longest_ago() -> None:
    ledger = RefusalLedger()
    for number in range(REMEMBERED_ADDRESSES + 1):
        assert ledger.next_delay(f"a{number}", 0.0) == 0.25
    assert len(ledger) == REMEMBERED_ADDRESSES
    assert ledger.next_delay("a0", 0.0) == 0.25
    assert ledger.next_delay(f"a{REMEMBERED_ADDRESSES}", 0.0) == 0.5


def test_registry_keeps_a_device_that_another_session_gives_back() -> None:
    registry = DeviceRegistry()
    owner, stranger = open_cti(), open_cti()
    registry.claim(((5000, "1080"),), owner, NOW)
    registry.release(((5000, "1080"), (5000, "1081")), stranger)
    assert registry.is_taken(((5000, "1080"),), "another client")
    registry.release(((5000, "1080"),), owner)
    assert len(registry) == 0


def test_sequence_numbers_wrap() -> None:
    dialogues = Dialogues()
    dialogues.open(1)
    assert dialogues.check_received(1, 0xFFFFFFFF) == 1
    assert dialogues.check_received(1, 0) is None


def test_open_dialogues_keep_their_order_of_arrival() -> None:
    dialogues = Dialogues()
    for dialogue_id in (9, 1, 5):
        dialogues.open(dialogue_id)
    dialogues.end(1, remember=True)
    dialogues.open(1)
    assert dialogues.open_ids() == [9, 5, 1]
    assert not dialogues.was_ended(1)


def test_no_message_leads_out_of_a_closed_session() -> None:
    for table in (MR_PIM, MR_APPLICATION):
        assert all(before is not MrState.CLOSED for before, _ in table)
    assert all(before not in (CtiState.CLOSED, CtiState.REFUSING) for before, _ in CTI_SESSION)
