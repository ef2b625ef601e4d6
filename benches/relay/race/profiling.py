"""Where Consentry's CPU time goes: perf, or callgrind where the kernel allows no perf."""

import re
import signal
import subprocess
import time
from pathlib import Path

from .gate import Consentry
from .processes import RaceError, Workshop, output_of, program, require
from .rounds import Lane, source, turn

SYMBOLS = 25
# Odd, so that it does not beat with timers.
SAMPLES_PER_SECOND = 997
# Enough for the stacks of nested futures; more makes the samples too heavy.
STACK_BYTES = 16_384
_CALLGRIND_SECONDS_MAX = 600.0


def is_perf_allowed(folder: Path) -> bool:
    """Whether perf can sample here: containers often forbid it."""
    probe = [program("perf"), "record", "-q", "-o", str(folder / "probe.data"), "--", "true"]
    try:
        return subprocess.run(probe, capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, RaceError):
        return False


def with_perf(workshop: Workshop, gate: Consentry, lane: Lane, people: str) -> str:
    """Samples the running relay while it carries a lane; the dearest symbols."""
    data, log = workshop.folder / f"{lane.name}.perf", workshop.folder / "perf.log"
    recorder = workshop.start([
        program("perf"), "record", "-F", str(SAMPLES_PER_SECOND), "-o", str(data),
        "--call-graph", f"dwarf,{STACK_BYTES}", "-p", str(gate.root),
    ], log)
    time.sleep(1)
    run = turn(workshop, gate, lane, people)
    recorder.send_signal(signal.SIGINT)
    recorder.wait(120)
    inclusive, exclusive = _symbols(data, "--children"), _symbols(data, "--no-children")
    own = [row for row in inclusive if "consentry::" in row[1]]
    others = [row for row in inclusive if row not in own and not _FRAMES.search(row[1])]
    head = (
        f"{lane.name}: {run.messages_per_second:.0f} msg/s, {run.cpu_us:.0f} us CPU per message "
        f"while sampled (slower than unwatched)"
    )
    tables = [
        _table("Consentry's functions, with everything they call", own, run.cpu_us),
        _table("libraries and kernel, with everything they call", others, run.cpu_us),
        _table("every function, without what it calls", exclusive, run.cpu_us),
    ]
    return "\n\n".join([head, *tables])


# Frames below every stack, which say nothing.
_FRAMES = re.compile(
    r"^(0x[0-9a-f]+|clone3?|start_thread|.*thread_start|.*__rust_begin_short_backtrace"
    r"|.*call_once\{\{vtable\.shim\}\}|tokio::runtime::.*|<?tokio_util::task::.*|do_syscall_64"
    r"|entry_SYSCALL_64_after_hwframe|std::panicking::.*)"
)


def _symbols(data: Path, order: str) -> list[tuple[float, str]]:
    """Symbols and their share of the samples in percent, dearest first."""
    report = output_of_long(
        program("perf"), "report", "-i", str(data), "--stdio", "--no-inline", order,
        "-g", "none", "--sort", "symbol", "--percent-limit", "0.3",
    )
    found = []
    for line in report.splitlines():
        # With --children: inclusive, exclusive, symbol; else exclusive, symbol.
        if match := re.match(r"\s+([\d.]+)%(?:\s+[\d.]+%)?\s+\[(.)\] (.+)", line):
            symbol = re.sub(r"(\s+-)+\s*$", "", match[3]).strip()
            found.append((float(match[1]), symbol + (" (kernel)" if match[2] == "k" else "")))
    if not found:
        raise RaceError(f"perf shows no symbols:\n{report[-2000:]}")
    return found


def _table(title: str, rows: list[tuple[float, str]], cpu_us: float | None) -> str:
    lines = [title, f"{'share':>7}{'us/msg':>9}  symbol"]
    for share, symbol in rows[:SYMBOLS]:
        each = "-" if cpu_us is None else f"{share * cpu_us / 100:.1f}"
        lines.append(f"{share:>6.1f}%{each:>9}  {symbol[:140]}")
    return "\n".join(lines)


def output_of_long(*command: str) -> str:
    """What a command prints that may take minutes."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode != 0:
        raise RaceError(f"{command[0]}: {done.stderr[-2000:]}")
    return done.stdout


def with_callgrind(workshop: Workshop, gate: Consentry, lane: Lane, people: str) -> str:
    """Counts instructions in a relay started under valgrind; slow, so for few messages."""
    require("valgrind", "callgrind_annotate", "callgrind_control")
    out = workshop.folder / f"{lane.name}.callgrind"
    gate.serve(
        program("valgrind"), "--tool=callgrind", "--instr-atstart=no",
        f"--callgrind-out-file={out}",
    )
    # Starting up costs as much as hundreds of messages.
    output_of(program("callgrind_control"), "-i", "on", str(gate.root))
    seconds, _ = workshop.run_source(source(lane, gate.port, people), _CALLGRIND_SECONDS_MAX)
    time.sleep(1)
    workshop.stop(gate.process)
    inclusive, exclusive = _counts(out, "yes"), _counts(out, "no")
    own = [row for row in inclusive if "consentry::" in row[1] and not _FRAMES.search(row[1])]
    head = f"{lane.name}: {lane.count} messages in {seconds:.0f} s, shares of instructions"
    return "\n\n".join([
        head,
        _table("Consentry's functions, with everything they call", own, None),
        _table("every function, without what it calls", exclusive, None),
    ])


def _counts(out: Path, inclusive: str) -> list[tuple[float, str]]:
    """Functions and their share of the instructions in percent, dearest first."""
    text = output_of_long(
        program("callgrind_annotate"), f"--inclusive={inclusive}", "--auto=no", str(out)
    )
    # A function stands there once per source file its lines were inlined from.
    join, shares = (max if inclusive == "yes" else sum), {}
    for line in text.splitlines():
        # 1,234 (12.34%)  file:function [object]
        if match := re.match(r"\s*[\d,]+ \(\s*([\d.]+)%\)\s+[^:]*:(.+)", line):
            symbol = re.sub(r" \[[^\]]*\]$", "", match[2])
            shares.setdefault(symbol, []).append(float(match[1]))
    return sorted(((join(parts), symbol) for symbol, parts in shares.items()), reverse=True)


def people_of(lanes: list[Lane]) -> list[tuple[str, int]]:
    """The runs a profile needs people for."""
    return [(f"p-{lane.name}", lane.count) for lane in lanes]
