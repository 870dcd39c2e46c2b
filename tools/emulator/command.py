"""The command line: arguments, TLS, playing all peers of a scenario, exit code.

Knows: how a run begins and ends. Must not know: what a step does.
Exit codes: 0 as the scenario says, 1 a mismatch (no connection is one too), 2 wrong use.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from emulator.codec import Value
from emulator.connection import Endpoint, endpoint_of
from emulator.load import MismatchError
from emulator.peer import Peer, Stage
from emulator.report import Report
from emulator.scenario import Scenario, ScenarioError, barrier_names, load, variable_of

DEFAULT_CONNECT = "127.0.0.1:38001"
OK, MISMATCH, WRONG_USE = 0, 1, 2


def arguments(description: str) -> argparse.ArgumentParser:
    """The options; argparse itself exits with 2 on wrong use."""
    parser = argparse.ArgumentParser(prog="pg_emulator.py", description=description)
    parser.add_argument("scenario", type=Path, metavar="SCENARIO.toml")
    parser.add_argument("--connect", metavar="HOST:PORT", help=f"default: the scenario's, else {DEFAULT_CONNECT}")
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--ca", type=Path, metavar="FILE", help="trust this CA (default: the system's)")
    trust.add_argument("--insecure", action="store_true", help="TLS without checking the certificate")
    trust.add_argument("--plain", action="store_true", help="plain TCP")
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="client certificate, PEM")
    parser.add_argument("--private-key", type=Path, metavar="FILE", help="its key (default: in the same file)")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="set a variable")
    parser.add_argument("--verbose", action="store_true", help="one line a message")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write every message as a JSON line")
    parser.add_argument("--json", action="store_true", help="summary as a JSON object")
    return parser


def tls_context(options: argparse.Namespace) -> ssl.SSLContext | None:
    """TLS as asked for; ScenarioError for files that cannot be used."""
    if options.plain:
        return None
    try:
        context = ssl.create_default_context(cafile=str(options.ca) if options.ca else None)
        if options.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if options.certificate:
            context.load_cert_chain(options.certificate, options.private_key)
    except OSError as error:
        raise ScenarioError(f"TLS: {error}") from error
    return context


async def play(scenario: Scenario, endpoint: Endpoint, variables: dict[str, Value], report: Report) -> None:
    """Play all peers side by side; the first failure, or `limit_s`, ends them all. Mismatches go to the report."""
    stage = Stage(report, endpoint, dict(variables))
    parties = Counter(name for plan in scenario.peers for name in set(barrier_names(plan.steps)))
    stage.barriers = {name: asyncio.Barrier(count) for name, count in parties.items()}
    peers = [Peer(plan, stage) for plan in scenario.peers]
    runs = {asyncio.create_task(peer.run()): peer for peer in peers}
    done, pending = await asyncio.wait(runs, timeout=scenario.limit_s, return_when=asyncio.FIRST_EXCEPTION)
    for run in pending:
        run.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    failures = {runs[run].name: run.exception() for run in done}
    wrong = [error for error in failures.values() if error is not None and not isinstance(error, MismatchError)]
    for name, error in failures.items():
        if isinstance(error, MismatchError):
            report.mismatch(name, str(error))
    failed = any(failures.values())
    if pending and not failed:
        names = ", ".join(sorted(runs[run].name for run in pending))
        report.mismatch(names, f"not done within the scenario's limit of {scenario.limit_s} s")
        failed = True
    await asyncio.gather(*(peer.finish(failed) for peer in peers))
    if wrong:
        raise wrong[0]


def run(options: argparse.Namespace) -> int:
    """One run; prints the summary and returns the exit code. ScenarioError for wrong use."""
    scenario = load(options.scenario)
    given = dict(variable_of(text) for text in options.var)
    for name in sorted(set(given) - set(scenario.variables)):
        raise ScenarioError(f"the scenario has no variable {name!r}; it has: {', '.join(scenario.variables)}")
    try:
        endpoint = endpoint_of(options.connect or scenario.connect or DEFAULT_CONNECT, tls_context(options))
    except ValueError as error:
        raise ScenarioError(f"--connect: {error}") from error

    async def timed() -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        await play(scenario, endpoint, scenario.variables | given, report)
        return loop.time() - started

    with ExitStack() as files:
        try:
            record = files.enter_context(options.record.open("w", encoding="ascii")) if options.record else None
        except OSError as error:
            raise ScenarioError(f"--record: {error}") from error
        report = Report(scenario.name or options.scenario.stem, verbose=options.verbose, record=record)
        duration_s = asyncio.run(timed())
    print(report.summary(duration_s, options.json), flush=True)
    return MISMATCH if report.mismatch_count else OK


def main(description: str, argv: list[str] | None = None) -> int:
    """The whole program; returns the exit code."""
    options = arguments(description).parse_args(argv)
    try:
        return run(options)
    except ScenarioError as error:
        print(f"pg_emulator: {error}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        return MISMATCH
