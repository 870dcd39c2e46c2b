"""The gateway that the benchmark measures: one configuration for all sections.

Knows the configuration file's form; must not know how the daemon is driven. Tasks for `LABEL` are answered at once by
the script, tasks for `AGENTS` by an agent who is signed in, tasks for `PARKED` wait for agents who never come.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LABEL = "label"
AGENTS = "agents"
PARKED = "parked"

MRD = 5001
PERIPHERAL = 5000
APPLICATION_PATH = 1
CLIENT_ID = "bench"
FIRST_AGENT = 100_001
"""Skill target id and number of the first agent; all have six digits, so that all answers have one length."""
AGENT_COUNT = 2_500
"""Agents of the largest site that performance.md wants served by one daemon (row "decision cost")."""
MOST_TASKS_OF_AN_AGENT = 1_000
"""Decisions C6: the highest MaxTaskLimit."""

_HEAD = """\
[gateway]
name = "bench"
state_dir = "state"

[[listener]]
address = "127.0.0.1:{port}"
tls = {tls}
limits = {{ handshake_s = 60, first_message_s = 60 }}

[admin]
address = "127.0.0.1:{admin_port}"

[[media_routing_domain]]
id = {mrd}
name = "chat"
interruptible = false
start_timeout_s = 86400

[[peripheral]]
id = {peripheral}

[[application_path]]
id = {path}
members = [{{ peripheral = {peripheral}, mrds = [{mrd}] }}]

[[cti_client]]
id = "{client}"
password_file = "bench.pw"
application_path = {path}
services = ["agent_reporting", "all_events", "all_task_events"]

[[skill_group]]
name = "present"
id = 5101
mrd = {mrd}

[[skill_group]]
name = "absent"
id = 5102
mrd = {mrd}

[[agent]]
id = "999999"
skill_target_id = 999999
peripheral = {peripheral}
skill_groups = ["absent"]

[[call_type]]
name = "label"
script = [{{ op = "label", value = "LBL_bench" }}]

[[call_type]]
name = "agents"
script = [{{ op = "queue", to = ["sg:present"], priority = 5 }}]

[[call_type]]
name = "parked"
script = [{{ op = "queue", to = ["sg:absent"], priority = 5 }}]
"""

_TLS = '{ certificate = "server.pem", private_key = "server.key" }'

_SELECTOR = """
[[script_selector]]
value = "{name}"
mrd = {mrd}
call_type = "{name}"
"""

_AGENT = """
[[agent]]
id = "{id}"
skill_target_id = {id}
peripheral = {peripheral}
skill_groups = ["present"]
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """A configured gateway in a folder of its own."""

    folder: Path
    port: int
    admin_port: int
    password: str

    @property
    def file(self) -> Path:
        """The configuration file."""
        return self.folder / "ctigw.toml"


def text(port: int, admin_port: int, agents: int, tls: str) -> str:
    """The configuration file."""
    parts = [
        _HEAD.format(
            port=port,
            admin_port=admin_port,
            tls=tls,
            mrd=MRD,
            peripheral=PERIPHERAL,
            path=APPLICATION_PATH,
            client=CLIENT_ID,
        )
    ]
    parts += [_SELECTOR.format(name=name, mrd=MRD) for name in (LABEL, AGENTS, PARKED)]
    parts += [_AGENT.format(id=FIRST_AGENT + n, peripheral=PERIPHERAL) for n in range(agents)]
    return "".join(parts)


def install(folder: Path, port: int, admin_port: int) -> Installation:
    """Certificates, password and configuration in `folder`. CalledProcessError when certificates cannot be made."""
    subprocess.run([sys.executable, "-m", "ctigw", "certs", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return _written(folder, port, admin_port, AGENT_COUNT, _TLS)


def install_plain(folder: Path, agents: int = AGENT_COUNT) -> Installation:
    """A configuration whose engine and sessions are used without a daemon."""
    return _written(folder, 1, 1, agents, "false")


def _written(folder: Path, port: int, admin_port: int, agents: int, tls: str) -> Installation:
    installation = Installation(folder, port, admin_port, secrets.token_urlsafe(12))
    (folder / "bench.pw").write_text(installation.password, encoding="ascii")
    (folder / "state").mkdir()
    installation.file.write_text(text(port, admin_port, agents, tls), encoding="utf-8")
    return installation
