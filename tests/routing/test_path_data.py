"""Variables of an application path (arm.toml 208, cti_services.toml 129)."""

import pytest

from ctigw.routing import events, inputs
from ctigw.routing.terms import (
    ReportStatus,
)
from routing_site import DESKTOP, PATH, Site, names, only, variables


def write(
    site: Site, is_request: bool, *, session: int = DESKTOP, named: int | None = PATH, **values: str
) -> list[str]:
    item = inputs.SetPathData(site.origin(session), PATH, named, variables(**values), is_request)
    return names(site.say(item))


def test_variables_named_are_set_and_the_others_stay() -> None:
    site = Site()
    assert write(site, True, call_1="a", call_2="b") == ["PathDataSet", "ReportAnswered"]
    assert write(site, False, call_2="c", call_3="") == ["PathDataSet"]
    assert site.engine.path_variables(PATH) == variables(call_1="a", call_2="c", call_3="")
    assert site.engine.path_variables(2) == ()


def test_what_changes_nothing_is_answered_only_where_it_is_a_request() -> None:
    site = Site()
    write(site, False, call_1="a")
    assert write(site, False, call_1="a") == []
    assert write(site, True, call_1="a") == ["ReportAnswered"]


@pytest.mark.parametrize(("session", "named"), [(DESKTOP, 2), (DESKTOP, None), (99, PATH)])
@pytest.mark.parametrize("is_request", [False, True])
def test_client_writes_only_to_its_own_path(session: int, named: int | None, is_request: bool) -> None:
    site = Site()
    item = inputs.SetPathData(site.origin(session), PATH, named, variables(call_1="a"), is_request)
    happened = site.say(item)
    assert names(happened) == ["ReportAnswered"]
    assert only(happened, events.ReportAnswered).status is ReportStatus.LOGIN_NOT_ALLOWED_FOR_APP_PATH
    assert site.engine.path_variables(PATH) == ()
