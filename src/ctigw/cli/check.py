"""`ctigw check`: is a configuration right, and what does it mean.

Knows which parts look at a configuration before the daemon starts, and what this build reads but does not do yet; must
not know how the parts judge. Rules: design 5 (exit 0 or 2), decisions E5, F2, G1.
"""

import stat
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from ctigw.config.loader import load
from ctigw.config.problems import InvalidConfiguration
from ctigw.config.render import render
from ctigw.config.routing import RoutingSettings
from ctigw.config.settings import ListenerSettings, Settings
from ctigw.errors import ConfigurationError

SHOWN_NAMES = 8
"""Names in one line of the summary."""


@click.command(name="check")
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--show", is_flag=True, help="Print every key with its effective value, as TOML.")
@click.option("-q", "--quiet", is_flag=True, help="Print problems only.")
def command(path: Path, show: bool, quiet: bool) -> None:
    """Validate a configuration: keys, references, certificates, password files, scripts.

    Prints what it means, and notes on what deserves a look. All problems are printed together. Exit code 0 when the
    daemon would start with it, 2 when not.
    """
    try:
        settings = load(path)
        problems = _deeper_problems(settings)
    except InvalidConfiguration as error:
        problems = list(error.problems)
    if problems:
        for problem in problems:
            click.echo(str(problem), err=True)
        click.echo(f"{path}: {len(problems)} problem{'s' if len(problems) > 1 else ''}", err=True)
        sys.exit(2)
    if show:
        click.echo(render(settings), nl=False)
    elif not quiet:
        for line in _summary(settings):
            click.echo(line)
        for note in _notes(settings):
            click.echo(f"note: {note}")
        click.echo(f"{path}: fine")


def _deeper_problems(settings: Settings) -> list[ConfigurationError]:
    """What the parts of the daemon find when they are made from the settings; nothing is opened but files."""
    from ctigw.gateway.assembly import session_factory
    from ctigw.net.tls import server_context
    from ctigw.routing.scripts.compilation import compile_scripts

    makers: list[tuple[str, Callable[[], object]]] = [
        (f"listener {listener.address}: ", partial(server_context, listener.tls))
        for listener in settings.listeners
        if listener.tls is not None
    ]
    makers.append(("", partial(session_factory, settings)))
    makers.append(("", partial(compile_scripts, settings.routing)))
    problems = []
    for place, make in makers:
        try:
            make()
        except ConfigurationError as error:
            problems.append(ConfigurationError(f"{place}{error}"))
    return problems


def _summary(settings: Settings) -> Iterator[str]:
    routing = settings.routing
    yield f"side {settings.gateway.side}, {settings.gateway.name}"
    yield _row("listeners", [_listener(listener) for listener in settings.listeners])
    yield _row("admin", [settings.admin.address])
    yield _row("domains", [f"{mrd.name} ({mrd.id})" for mrd in routing.media_routing_domains])
    yield _row("peripherals", [str(peripheral.id) for peripheral in routing.peripherals])
    yield _row("cti clients", [client.id for client in settings.cti_clients])
    yield _row("applications", [application.name for application in settings.applications])
    yield _row("agents", [agent.id for agent in routing.agents])
    yield _row("agent teams", [team.name for team in routing.agent_teams])
    queues = [f"sg:{group.name}" for group in routing.skill_groups]
    yield _row("queues", queues + [f"pq:{queue.name}" for queue in routing.precision_queues])
    yield _row("scripts", [call_type.name for call_type in routing.call_types])
    yield _row("selectors", [selector.value for selector in routing.script_selectors])


def _row(title: str, names: list[str]) -> str:
    shown = ", ".join(names[:SHOWN_NAMES])
    rest = len(names) - SHOWN_NAMES
    return f"{title:<13}{len(names):>6}  {shown}{f' and {rest} more' if rest > 0 else ''}".rstrip()


def _listener(listener: ListenerSettings) -> str:
    tls = listener.tls
    if tls is None:
        security = "plain TCP"
    elif tls.require_client_certificate:
        security = "TLS, client certificate required"
    else:
        security = "TLS, client certificate optional" if tls.client_ca else "TLS"
    return f"{listener.address} {'+'.join(listener.protocols)} ({security})"


def _notes(settings: Settings) -> Iterator[str]:
    yield from _not_built_yet(settings)
    yield from _readable_by_everybody(settings)
    routing = settings.routing
    if not settings.listeners:
        yield "no [[listener]]: nobody can connect"
    for listener in settings.listeners:
        if listener.tls is None:
            yield f"listener {listener.address} is plain TCP: passwords and tasks can be read on the way"
    asks = any(listener.tls is not None and listener.tls.client_ca for listener in settings.listeners)
    bound = [client.id for client in settings.cti_clients if client.certificate_subject]
    bound += [application.name for application in settings.applications if application.certificate_subject]
    if bound and not asks:
        yield f"no listener asks for client certificates (client_ca), but they bind {', '.join(bound)}"
    domains = {mrd.id for mrd in routing.media_routing_domains}
    covered = {mrd for path in routing.application_paths for member in path.members for mrd in member.mrds}
    for mrd in sorted(covered - domains):
        yield f"domain {mrd} stands in an application path but is not configured: nobody can sign in to it"
    for mrd in sorted(domains - covered):
        yield f"domain {mrd} stands in no application path: no agent can sign in to it"
    empty = {group.name for group in routing.skill_groups} - {n for agent in routing.agents for n in agent.skill_groups}
    for name in sorted(empty):
        yield f"skill group {name} has no agent"
    yield from _vain_waits(routing)


def _vain_waits(routing: RoutingSettings) -> Iterator[str]:
    """Scripts that let a task wait for its agent for longer than it may stay in queues."""
    from ctigw.routing.scripts.compilation import compile_scripts
    from ctigw.routing.scripts.steps import PreferredAgent

    domains = {mrd.id: mrd for mrd in routing.media_routing_domains}
    scripts = compile_scripts(routing)
    found: dict[str, None] = {}
    for selector in routing.script_selectors:
        mrd = domains[selector.mrd]
        own = mrd.max_time_in_queue_s
        longest = routing.router.max_time_in_queue_s if own is None else own
        for number, step in enumerate(scripts[selector.call_type].steps, start=1):
            if isinstance(step, PreferredAgent) and step.wait_s >= longest:
                place = f"call_type {selector.call_type}, step {number} (preferred_agent)"
                limit = f"tasks of domain {mrd.name} may stay in queues for {longest:g} s only"
                found[f"{place} waits {step.wait_s:g} s, but {limit}"] = None
    yield from found


def _readable_by_everybody(settings: Settings) -> Iterator[str]:
    secrets = [client.password_file for client in settings.cti_clients]
    secrets += [listener.tls.private_key for listener in settings.listeners if listener.tls is not None]
    for path in dict.fromkeys(secrets):
        if path is not None and path.stat().st_mode & stat.S_IROTH:
            yield f"{path} can be read by everybody on this machine"


def _not_built_yet(settings: Settings) -> Iterator[str]:
    """What this build accepts, so that a file need not change later, but does not do."""
    yield (
        f'[journal] kind = "{settings.journal.kind}" is checked but not used yet: this build keeps nothing across a '
        "restart; queued and running tasks and signed-in agents are forgotten"
    )
    if settings.duplex.kind == "pair":
        yield '[duplex] kind = "pair" is checked but not built yet: this side runs alone'
    for gateway in settings.peripheral_gateways:
        yield f"[[peripheral_gateway]] {gateway.name} is checked but not built yet: it is not dialled"
