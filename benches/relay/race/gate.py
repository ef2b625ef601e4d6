"""Consentry as a contender: an installation in a folder of its own, and what it says of itself."""

import re
import subprocess
import time
import urllib.request
from pathlib import Path

from . import mails
from .processes import RaceError, Workshop, free_port, tail
from .proxies import Sink, filled

STAGES = ("prepare", "load", "decide", "render", "record", "send")
_SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class Counters(dict):
    """The samples of `/metrics`: (name, sorted labels) → value."""

    @classmethod
    def read(cls, text: str) -> "Counters":
        """Parses the text format 0.0.4."""
        read = cls()
        for line in text.splitlines():
            if match := _SAMPLE.match(line):
                name, labels, value = match.groups()
                read[name, tuple(sorted(_LABEL.findall(labels or "")))] = float(value)
        return read

    def sum(self, name: str, **wanted: str) -> float:
        """The sum of a metric's samples that have these labels."""
        return sum(
            value for (sample, labels), value in self.items()
            if sample == name and wanted.items() <= dict(labels).items()
        )

    def since(self, before: "Counters") -> "Counters":
        """What was added since."""
        return Counters({key: value - before.get(key, 0.0) for key, value in self.items()})


class Consentry:
    """The relay with its store full of people."""

    name, label = "consentry", "Consentry"

    def __init__(self, workshop: Workshop, binary: Path, home: Path, connections_max: int = 250):
        self._workshop, self._binary, self.home = workshop, binary, home
        self.sink, self.port = Sink(workshop, self.name), free_port()
        self._operations = free_port()
        self._log = home / "serve.log"
        (home / "consentry.toml").write_text(filled(
            "consentry.toml", port=self.port, sink_port=self.sink.port,
            operations_port=self._operations, public_port=free_port(),
            connections_max=connections_max,
        ))
        self._run("key", "new", "--out", "keyring.toml")
        self.root = 0

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._binary), *arguments], cwd=self.home, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=300, check=False,
        )
        if done.returncode != 0:
            raise RaceError(f"consentry {' '.join(arguments)}:\n{done.stdout}{done.stderr}")

    def import_people(self, crowd: int, runs: list[tuple[str, int]]) -> tuple[int, float]:
        """Imports the evidence; how many people, and the seconds it took."""
        people = mails.write_people(self.home / "people.csv", crowd, runs)
        began = time.monotonic()
        self._run("import", "--config", "consentry.toml", "people.csv")
        return people, time.monotonic() - began

    def serve(self, *wrapper: str) -> None:
        """Starts it, below `wrapper` if there is one, and waits until it is ready."""
        child = self._workshop.start(
            [*wrapper, str(self._binary), "serve", "--config", "consentry.toml"],
            self._log, cwd=self.home,
        )
        self._workshop.await_port(child, self.port, self._log)
        self._workshop.await_port(child, self._operations, self._log)
        self.root, self.process = child.pid, child

    def counters(self) -> Counters:
        """What `/metrics` shows now."""
        url = f"http://127.0.0.1:{self._operations}/metrics"
        with urllib.request.urlopen(url, timeout=10) as page:
            return Counters.read(page.read().decode())

    def check(self, lane: str, count: int, gained: Counters) -> None:
        """Whether every recipient was decided on, recorded and accepted as the lane demands."""
        demands = {
            "marketing": [
                ("consentry_recipients_total", {"stream": "newsletter", "verdict": "permit"}),
                ("consentry_footers_total", {"outcome": "edited"}),
                ("consentry_transactions_total", {"stream": "newsletter", "reply": "250"}),
                ("consentry_upstream_outcomes_total", {"outcome": "accepted"}),
            ],
            "service": [
                ("consentry_recipients_total", {"stream": "accounts", "verdict": "service"}),
                ("consentry_transactions_total", {"stream": "accounts", "reply": "250"}),
                ("consentry_upstream_outcomes_total", {"outcome": "accepted"}),
            ],
        }[lane]
        faults = [
            f"{name} {labels}: {gained.sum(name, **labels):.0f} instead of {count}"
            for name, labels in demands if gained.sum(name, **labels) != count
        ]
        # A race won by leaving evidence out, or with a store that did not answer, is lost.
        for name in ("consentry_store_errors_total", "consentry_journal_gaps_total",
                     "consentry_in_doubt_total"):
            if gained.sum(name):
                faults.append(f"{name}: {gained.sum(name):.0f} instead of 0")
        if gained.sum("consentry_recipients_total") != count:
            faults.append(f"{gained.sum('consentry_recipients_total'):.0f} recipients decided on")
        if faults:
            raise RaceError(
                f"Consentry, {lane}:\n  " + "\n  ".join(faults) + f"\n{tail(self._log)}"
            )
