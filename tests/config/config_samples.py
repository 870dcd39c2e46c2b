"""A small configuration that is right, to be made wrong in one place, and ways to load text."""

from pathlib import Path

from ctigw.config.loader import load
from ctigw.config.problems import InvalidConfiguration
from ctigw.config.settings import Settings

SMALL = """\
[[listener]]
address = "127.0.0.1:38001"
tls = false

[[media_routing_domain]]
id = 5001
name = "chat"

[[peripheral]]
id = 5000

[[application_path]]
id = 1
members = [{ peripheral = 5000, mrds = [5001] }]

[[attribute]]
name = "english"
type = "proficiency"

[[agent]]
id = "1080"
skill_target_id = 5080
peripheral = 5000
attributes = { english = 7 }
skill_groups = ["sales"]

[[agent_team]]
name = "desk"
id = 7001
peripheral = 5000
agents = ["1080"]
supervisors = ["1080"]

[[skill_group]]
name = "sales"
id = 5004
mrd = 5001

[[precision_queue]]
name = "fluent"
id = 6001
mrd = 5001
steps = [{ match = "english >= 5" }]

[[call_type]]
name = "chat"
script = [{ op = "queue", to = ["sg:sales"] }]

[[script_selector]]
value = "8000"
mrd = 5001
call_type = "chat"

[[application]]
name = "webchat"

[[cti_client]]
id = "desktop"
certificate_subject = "CN=desktop"
application_path = 1
services = ["agent_reporting"]
"""


def load_text(folder: Path, text: str) -> Settings:
    """Load a text as the file `ctigw.toml` of a folder."""
    path = folder / "ctigw.toml"
    path.write_text(text)
    return load(path)


def problems_of(folder: Path, text_or_old: str, new: str | None = None) -> list[str]:
    """The problems of a text, or of the small configuration with one piece replaced; without the folder's name."""
    text = text_or_old
    if new is not None:
        assert text_or_old in SMALL, "the piece to replace is not there"
        text = SMALL.replace(text_or_old, new, 1)
    try:
        load_text(folder, text)
    except InvalidConfiguration as error:
        return [str(problem).replace(f"{folder}/", "") for problem in error.problems]
    return []
