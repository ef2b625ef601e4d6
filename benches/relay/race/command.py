"""The command line: a race, a memory test, or a profile."""

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from . import measure, profiling, report, rounds
from .gate import Consentry
from .processes import RaceError, Workshop, require
from .proxies import CLASSES

ROOT = Path(__file__).resolve().parents[3]
CROWD = 100_000
CONTENDERS = ("direct", "haproxy", "postfix", "consentry")
MEMORY_MIB_MAX = 100
MEMORY_MESSAGES_EACH = 25


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _contenders(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
    return [name for name in CONTENDERS if name in names]


def arguments(given: list[str] | None) -> argparse.Namespace:
    """The command line's values."""
    parser = argparse.ArgumentParser(prog="benches/relay/run", description=__doc__)
    add = parser.add_argument
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    add("--binary", type=Path, default=target / "release" / "consentry", metavar="PATH",
        help="the Consentry to race (default: %(default)s)")
    add("--dir", type=Path, metavar="DIR",
        help="where the store lies: a real disk (default: the build's target folder)")
    add("--rounds", type=_positive, default=5, help="counted rounds (default: %(default)s)")
    add("--marketing", type=_positive, default=4000, metavar="N",
        help="newsletters per turn (default: %(default)s)")
    add("--service", type=_positive, default=8000, metavar="N",
        help="service messages per turn (default: %(default)s)")
    add("--contenders", type=_contenders, default=list(CONTENDERS), metavar="LIST",
        help="some of direct,haproxy,postfix,consentry")
    add("--minutes", type=float, default=5.0,
        help="no round starts that would not end in time (default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    add("--keep", action="store_true", help="leave folders and logs behind")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--connections", type=_positive, metavar="N",
                      help="no race: marketing over N connections, and the memory it takes")
    mode.add_argument("--profile", nargs="?", const="both", metavar="LANE",
                      choices=("marketing", "service", "both"),
                      help="no race: where Consentry's CPU time goes")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """Runs what was asked for; 0 if it could be run, 1 if a result is worth nothing."""
    asked = arguments(given)
    workshop = Workshop(None, asked.keep)
    try:
        if not os.access(asked.binary, os.X_OK):
            raise RaceError(f"{asked.binary} is not there: cargo build --release, or --binary")
        require("smtp-source", "smtp-sink", "postconf", *(
            name for name in ("postfix", "haproxy") if name in asked.contenders
        ))
        asked.binary = asked.binary.resolve()
        parent = asked.dir or ROOT / "target"
        parent.mkdir(parents=True, exist_ok=True)
        measure.refuse_volatile(parent)
        workshop.folder = workshop.scratch(parent, "race")
        print(report.headline(measure.facts(asked.binary, workshop.folder)), flush=True)
        if asked.connections:
            return memory(workshop, asked)
        if asked.profile:
            return profile(workshop, asked)
        return race(workshop, asked)
    except RaceError as error:
        print(f"\nno result: {error}", file=sys.stderr)
        return 1
    finally:
        workshop.close()


def gate(workshop: Workshop, asked: argparse.Namespace, runs: list[tuple[str, int]],
         connections_max: int = 250) -> Consentry:
    """A Consentry with everybody in its store, not yet serving."""
    home = workshop.folder / "consentry"
    home.mkdir()
    made = Consentry(workshop, asked.binary, home, connections_max)
    people, seconds = made.import_people(CROWD, runs)
    print(f"{'people:':<14}{people:,} imported in {seconds:.1f} s", flush=True)
    return made


def race(workshop: Workshop, asked: argparse.Namespace) -> int:
    """The race."""
    deadline = time.monotonic() + asked.minutes * 60
    lanes = rounds.lanes(workshop.folder, asked.marketing, asked.service)
    contenders: list = [CLASSES[name](workshop) for name in asked.contenders if name in CLASSES]
    if "consentry" in asked.contenders:
        people = [(f"r{number}", asked.marketing) for number in range(asked.rounds + 1)]
        consentry = gate(workshop, asked, people)
        consentry.serve()
        contenders.append(consentry)
    run = rounds.Race(workshop, contenders, lanes, workshop.folder)
    run.run(asked.rounds, deadline)
    medians = run.medians()
    labels = {contender.name: contender.label for contender in contenders}
    p50, p99 = (measure.percentile(run.fsyncs, share) for share in (0.5, 0.99))
    goals = report.verdicts(medians, p50)
    result = {
        "facts": measure.facts(asked.binary, workshop.folder), "rounds": run.rounds,
        "fsync_p50_us": p50 * 1e6, "fsync_p99_us": p99 * 1e6, "medians": medians,
        "goals": goals, "runs": [vars(one) for one in run.runs],
    }
    for lane in lanes:
        print(f"\n{report.lane_table(lane, medians[lane.name], labels)}")
    if "consentry" in asked.contenders:
        peak = measure.peak_kib(consentry.root)
        result["consentry_peak_kib"] = peak
        print(f"\n{report.stage_table(lanes, medians)}")
        print(f"\nConsentry's peak memory: {peak / 1024:.0f} MiB")
    print(f"\nfsync of 4 KB on the store's disk: p50 {p50 * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms "
          f"({len(run.fsyncs)} between the rounds); {run.rounds} rounds counted")
    if goals:
        print(report.verdict_lines(goals))
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def memory(workshop: Workshop, asked: argparse.Namespace) -> int:
    """Marketing over many connections at once, and the most memory it took."""
    folder, count = workshop.folder, asked.connections * MEMORY_MESSAGES_EACH
    lane = replace(rounds.lanes(folder, count, 1)[0], connections=asked.connections)
    relay = gate(workshop, asked, [("memory", count)], asked.connections + 50)
    relay.serve()
    idle = measure.peak_kib(relay.root)
    run = rounds.turn(workshop, relay, lane, "memory")
    peak = measure.peak_kib(relay.root)
    is_reached = peak < MEMORY_MIB_MAX * 1024
    print(f"\n{count} newsletters over {asked.connections} connections: "
          f"{run.messages_per_second:.0f} msg/s\n"
          f"memory: {idle / 1024:.0f} MiB when ready, {peak / 1024:.0f} MiB at most "
          f"(goal: below {MEMORY_MIB_MAX}: {'reached' if is_reached else 'missed'})")
    if asked.json:
        figures = {"connections": asked.connections, "idle_kib": idle, "peak_kib": peak,
                   "messages_per_second": run.messages_per_second}
        asked.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def profile(workshop: Workshop, asked: argparse.Namespace) -> int:
    """The dearest symbols of one lane or both."""
    require("perf")
    has_perf = profiling.is_perf_allowed(workshop.folder)
    share = 1 if has_perf else 20
    lanes = [
        lane for lane in rounds.lanes(
            workshop.folder, max(1, asked.marketing // share), max(1, asked.service // share))
        if asked.profile in (lane.name, "both")
    ]
    relay = gate(workshop, asked, profiling.people_of(lanes) + [("warm-up", lanes[0].count)])
    if has_perf:
        relay.serve()
        rounds.turn(workshop, relay, lanes[0], "warm-up")
    else:
        print("perf may not sample here; callgrind counts instructions instead, on fewer messages")
    measured = profiling.with_perf if has_perf else profiling.with_callgrind
    for lane in lanes:
        print(f"\n{measured(workshop, relay, lane, f'p-{lane.name}')}", flush=True)
    return 0
