"""Imports point one way, and cores have neither I/O nor a clock (engineering 4.2)."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "ctigw"

MAY_IMPORT = {
    "errors": set[str](),
    "config": {"errors", "wire", "config"},
    "wire": {"errors", "wire"},
    "session": {"errors", "config", "wire", "session"},
    "routing": {"errors", "config", "routing"},
    "journal": {"errors", "config", "routing", "journal"},
    "observe": {"errors", "observe"},
    "duplex": {"errors", "config", "duplex"},
    "records": {"errors", "config", "wire", "routing", "records"},
    "net": {"errors", "config", "session", "wire", "net"},
    "gateway": {"errors", "config", "wire", "session", "routing", "journal", "net", "observe", "records", "gateway"},
    "client": {"errors", "config", "wire", "net", "client"},
    "replay": {"errors", "wire", "replay"},
    "cli": {"errors", "config", "wire", "routing", "journal", "replay", "net", "gateway", "client", "cli"},
}
"""Folder -> our own folders that it may import."""

NO_IO_NO_CLOCK = ("wire", "session", "routing", "replay", "duplex")
WITH_IO = ("etcd_", "driver")
"""Modules of such a folder that are a thin layer of I/O beside its core, by the beginning of their names."""
BANNED_IN_CORES = {"trio", "time", "datetime", "random", "uuid", "socket", "logging", "asyncio", "threading", "secrets"}
CALENDAR = "routing/scripts/local_time.py"
"""Weekday and time of day in a zone need the standard library's calendar: a pure function of the instant given."""
CLOCKS = {"now", "utcnow", "today", "time", "localtime", "gmtime"}
ONLY_IN = {
    "trio": {"net", "gateway", "client", "cli", "observe", "duplex", "journal"},
    "construct": {"wire"},
    "msgspec": {"journal"},
    "sqlite3": {"journal"},
    "prometheus_client": {"observe"},
    "hypercorn": {"observe"},
    "click": {"cli"},
    "etcd3gw": {"duplex"},
    "dpkt": {"cli"},
    "pcapng": {"cli"},
}


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.stem == "errors")


def room(path: Path) -> str:
    """The folder below src/ctigw, or the module's own name."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_one_way(path: Path) -> None:
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("ctigw.")}
    assert ours - {"__version__"} <= MAY_IMPORT[room(path)]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_libraries_stay_where_they_belong(path: Path) -> None:
    libraries = {name.split(".")[0] for name in imported(path)}
    if room(path) in NO_IO_NO_CLOCK and not path.name.startswith(WITH_IO):
        excepted = {"datetime"} if path == SOURCE / CALENDAR else set[str]()
        assert libraries & BANNED_IN_CORES == excepted
    for library, rooms in ONLY_IN.items():
        assert library not in libraries or room(path) in rooms


def test_the_calendar_reads_no_clock() -> None:
    tree = ast.parse((SOURCE / CALENDAR).read_text(encoding="utf-8"))
    assert not {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & CLOCKS
    assert imported(SOURCE / CALENDAR) <= {
        *("datetime", "datetime.UTC", "datetime.datetime", "typing", "typing.NamedTuple"),
        *("zoneinfo", "zoneinfo.ZoneInfo", "zoneinfo.ZoneInfoNotFoundError"),
    }


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_modules_open_with_what_they_know_and_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert "generated" in path.parts or text.count("\n") <= 500


@pytest.mark.parametrize("path", sorted((SOURCE / "journal").glob("*.py")), ids=lambda path: path.name)
def test_only_the_edges_of_the_journal_touch_disk_and_loop(path: Path) -> None:
    edges = {"sqlite_store.py": {"threading"}, "writer.py": {"trio"}}
    edge = edges.get(path.name, set())
    assert not {name.split(".")[0] for name in imported(path)} & (BANNED_IN_CORES - edge)


def test_only_the_writer_sends() -> None:
    """`send_all` on a peer's stream appears in one file of the daemon (engineering F1)."""
    senders = {room(path) + "/" + path.name for path in modules() if ".send_all(" in path.read_text(encoding="utf-8")}
    assert {name for name in senders if not name.startswith(("client/", "cli/"))} == {"net/connection.py"}
