"""Interleaved rounds: every contender does the same work in turn, again and again."""

import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from . import mails, measure
from .gate import STAGES, Consentry, Counters
from .processes import RaceError, Workshop, program

# What a relay does after its replies (settling, closing) is charged to it, not to the next.
SETTLING_SECONDS = 0.5
FSYNC_PROBES = 500
# Nothing here takes longer unless it hangs.
RUN_SECONDS_MAX = 120.0


@dataclass(frozen=True)
class Lane:
    """One kind of work."""

    name: str
    connections: int
    count: int
    sender: str
    file: Path
    wire_bytes: int


@dataclass(frozen=True)
class Run:
    """One contender's turn in one lane."""

    contender: str
    lane: str
    seconds: float
    messages_per_second: float
    cpu_us: float | None
    source_cpu_us: float
    sink_cpu_us: float
    stages_us: dict[str, float] | None


def lanes(folder: Path, marketing: int, service: int) -> list[Lane]:
    """The two lanes, their messages written to `folder`."""
    newsletter, notice = mails.newsletter(), mails.service()
    files = folder / "newsletter.eml", folder / "service.eml"
    mails.write_source(files[0], newsletter)
    mails.write_source(files[1], notice)
    return [
        Lane("marketing", 10, marketing, "news@example.com", files[0], len(newsletter)),
        Lane("service", 20, service, "accounts@example.com", files[1], len(notice)),
    ]


def source(lane: Lane, port: int, people: str) -> list[str]:
    """The command that sends a lane's mail: one recipient each, connections kept."""
    return [
        program("smtp-source"), "-4", "-d", "-s", str(lane.connections), "-m", str(lane.count),
        "-M", "mailer.example.com", "-f", lane.sender, "-N", "-t", mails.recipient_base(people),
        "-F", str(lane.file), f"127.0.0.1:{port}",
    ]


def turn(workshop: Workshop, contender, lane: Lane, people: str) -> Run:
    """Sends a lane's mail through a contender and checks that all of it arrived."""
    arrived = contender.sink.messages()
    before = contender.counters() if isinstance(contender, Consentry) else None
    cpu = measure.cpu_seconds(contender.root) if contender.root else 0.0
    sink_cpu = measure.cpu_seconds(contender.sink.root)
    seconds, source_cpu = workshop.run_source(
        source(lane, contender.port, people), RUN_SECONDS_MAX
    )
    time.sleep(SETTLING_SECONDS)
    cpu = measure.cpu_seconds(contender.root) - cpu if contender.root else None
    sink_cpu = measure.cpu_seconds(contender.sink.root) - sink_cpu
    arrived = contender.sink.messages() - arrived
    if arrived != lane.count:
        raise RaceError(
            f"{contender.name}, {lane.name}: {arrived} messages arrived, {lane.count} were sent"
        )
    stages = None
    if before is not None:
        gained = contender.counters().since(before)
        contender.check(lane.name, lane.count, gained)
        stages = stage_us(gained, lane.count)
    each = 1e6 / lane.count
    return Run(
        contender.name, lane.name, seconds, lane.count / seconds,
        None if cpu is None else cpu * each, source_cpu * each, sink_cpu * each, stages,
    )


def stage_us(gained: Counters, count: int) -> dict[str, float]:
    """Microseconds per message in each stage, as Consentry itself measured them."""
    found = {}
    for stage in STAGES:
        if gained.sum("consentry_stage_seconds_count", stage=stage):
            total = gained.sum("consentry_stage_seconds_sum", stage=stage)
            found[stage] = total * 1e6 / count
    return found


class Race:
    """The rounds and what came of them."""

    def __init__(self, workshop: Workshop, contenders: list, lanes_run: list[Lane], store: Path):
        self._workshop, self._contenders = workshop, contenders
        self._lanes, self._store = lanes_run, store
        self.runs: list[Run] = []
        self.fsyncs: list[float] = []
        self.rounds = 0

    def run(self, rounds: int, deadline: float) -> None:
        """A warm-up that does not count, then `rounds` rounds or fewer if time runs out."""
        print("warm-up", end="", flush=True)
        took = self._round("r0", keep=False)
        for number in range(1, rounds + 1):
            if time.monotonic() + took > deadline:
                print(f"\nno time left for rounds {number} to {rounds} (--minutes)", end="")
                break
            print(f"\nround {number}", end="", flush=True)
            probes = -(-FSYNC_PROBES // rounds)
            self.fsyncs += measure.fsync_seconds(self._store, probes)
            took = self._round(f"r{number}", keep=True)
            self.rounds += 1
        print(flush=True)
        if not self.rounds:
            raise RaceError("not one round was finished: give it more --minutes or fewer messages")

    def _round(self, people: str, keep: bool) -> float:
        began = time.monotonic()
        for lane in self._lanes:
            for contender in self._contenders:
                run = turn(self._workshop, contender, lane, people)
                print(f"  {lane.name[0]}:{contender.name} {run.messages_per_second:.0f}/s",
                      end="", flush=True)
                if keep:
                    self.runs.append(run)
        return time.monotonic() - began

    def medians(self) -> dict[str, dict[str, dict]]:
        """Lane → contender → medians of everything measured."""
        found: dict[str, dict[str, dict]] = {}
        for lane in self._lanes:
            found[lane.name] = {
                contender.name: _median([
                    asdict(run) for run in self.runs
                    if (run.contender, run.lane) == (contender.name, lane.name)
                ])
                for contender in self._contenders
            }
        return found


def _median(runs: list[dict]) -> dict:
    found: dict = {}
    for key, first in runs[0].items():
        values = [run[key] for run in runs]
        if isinstance(first, dict):
            found[key] = _median(values)
        elif isinstance(first, float):
            found[key] = statistics.median(values)
    rates = [run["messages_per_second"] for run in runs if "messages_per_second" in run]
    if rates:
        found["slowest"], found["fastest"] = min(rates), max(rates)
    return found
