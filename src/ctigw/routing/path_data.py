"""Variables of an application path, which its clients set for routing scripts.

Knows SET_APP_PATH_DATA_IND and SET_APP_DATA_REQ (arm.toml 208, cti_services.toml 129); must not know scripts. Ten call
variables for each configured path, so that what is kept is bounded by the configuration. FltCallTypeID and
PreCallInvokeID mean nothing here: no announcement waits for data of its path. [OURS]
"""

from ctigw.routing import inputs
from ctigw.routing.facts import PathDataSet
from ctigw.routing.terms import (
    ReportKind,
    ReportStatus,
)
from ctigw.routing.turn import Turn


def set_path_data(turn: Turn, item: inputs.SetPathData) -> None:
    """Set the variables named, leave the others; a client may write only to its own path."""
    kind = ReportKind.SET_APP_DATA if item.is_request else ReportKind.SET_APP_PATH_DATA
    path = item.application_path
    if item.named_path != path or turn.state.arm_paths.get(item.origin.session_id) != path:
        turn.answer(item.origin, kind, ReportStatus.LOGIN_NOT_ALLOWED_FOR_APP_PATH)
        return
    before = turn.state.path_data.get(path, ())
    merged = {variable.name: variable for variable in before}
    merged.update({variable.name: variable for variable in item.variables})
    after = tuple(merged.values())
    if after != before:
        turn.record(PathDataSet(path, after))
    if item.is_request:
        turn.answer(item.origin, kind, ReportStatus.NO_ERROR)
