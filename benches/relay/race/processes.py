"""Starts programs and sees to it that all of them are gone at the end, whatever happens."""

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
PACKAGES = {
    "smtp-source": "postfix",
    "smtp-sink": "postfix",
    "postfix": "postfix",
    "postconf": "postfix",
    "haproxy": "haproxy",
    "perf": "linux-perf",
    "valgrind": "valgrind",
}
_PORTS_GIVEN: set[int] = set()


class RaceError(Exception):
    """Something that makes a result impossible or worthless."""


def require(*names: str) -> None:
    """Says which of the programs are missing and how to get them."""
    missing = [name for name in names if not shutil.which(name, path=SEARCH_PATH)]
    if missing:
        packages = sorted({PACKAGES.get(name, name) for name in missing})
        raise RaceError(
            f"not installed: {', '.join(missing)}\n"
            f"on Debian or Ubuntu: sudo apt-get install --no-install-recommends "
            f"{' '.join(packages)}"
        )


def program(name: str) -> str:
    """The path of a program; /usr/sbin is not on everybody's search path."""
    found = shutil.which(name, path=SEARCH_PATH)
    if not found:
        require(name)
    return str(found)


def output_of(*command: str) -> str:
    """What a short command prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def free_port() -> int:
    """A loopback port nobody listens on, handed out once.

    Below the range the kernel takes ports of outgoing connections from: Postfix opens thousands.
    """
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as listener:
            if port in _PORTS_GIVEN or listener.connect_ex(("127.0.0.1", port)) == 0:
                continue
        _PORTS_GIVEN.add(port)
        return port


def is_listening(port: int) -> bool:
    """Whether somebody answers on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Guardian:
    """A process of its own that ends what is still running when this program is killed outright.

    It reads `+PID` and `-PID` from a pipe; the pipe's end means that nobody is left to clean up.
    """

    def __init__(self) -> None:
        listening, self._telling = os.pipe()
        if os.fork() == 0:
            os.setsid()
            os.close(self._telling)
            _guard(listening)
            os._exit(0)
        os.close(listening)

    def tell(self, mark: str, leader: int) -> None:
        """`+`: the group of `leader` is running; `-`: it is gone."""
        os.write(self._telling, f"{mark}{leader}\n".encode())


def _guard(listening: int) -> None:
    leaders: set[int] = set()
    with open(listening, encoding="ascii") as told:
        for line in told:
            (leaders.add if line[0] == "+" else leaders.discard)(int(line[1:]))
    for leader in leaders:
        _signal_group(leader, signal.SIGKILL)


class Workshop:
    """A folder and the programs that run in it; `close` stops and removes both."""

    def __init__(self, folder: Path | None, keep: bool):
        self._keep = keep
        self._guardian = Guardian()
        self._running: list[subprocess.Popen] = []
        self._scratch: list[Path] = []
        self.folder = folder
        atexit.register(self.close)
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, self._interrupted)

    def scratch(self, parent: Path | None, name: str) -> Path:
        """A new folder that goes at the end; others may look in, as Postfix' processes must."""
        made = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
        made.chmod(0o755)
        self._scratch.append(made)
        return made

    def start(self, command: list[str], log: Path, cwd: Path | None = None) -> subprocess.Popen:
        """Starts a program as the leader of its own process group."""
        with open(log, "ab") as out:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd,
                start_new_session=True,
            )
        self._enlist(child)
        return child

    def _enlist(self, child: subprocess.Popen) -> None:
        self._running.append(child)
        self._guardian.tell("+", child.pid)

    def _dismiss(self, child: subprocess.Popen) -> None:
        self._running.remove(child)
        self._guardian.tell("-", child.pid)

    def await_port(self, child: subprocess.Popen, port: int, log: Path) -> None:
        """Waits until a program listens, or tells what it said before it ended."""
        deadline = time.monotonic() + 30
        while not is_listening(port):
            if child.poll() is not None or time.monotonic() > deadline:
                raise RaceError(f"{child.args[0]} does not listen:\n{tail(log)}")
            time.sleep(0.02)

    def run_source(self, command: list[str], seconds: float) -> tuple[float, float]:
        """Runs a mail source to its end: the seconds it took, and the CPU seconds it used."""
        with tempfile.TemporaryFile() as said:
            began = time.monotonic()
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                start_new_session=True,
            )
            self._enlist(child)
            watchdog = threading.Timer(seconds, child.kill)
            watchdog.start()
            _, status, usage = os.wait4(child.pid, 0)
            took = time.monotonic() - began
            watchdog.cancel()
            child.returncode = os.waitstatus_to_exitcode(status)
            self._dismiss(child)
            if child.returncode != 0:
                said.seek(0)
                text = said.read().decode(errors="replace")[-2000:]
                raise RaceError(
                    f"{Path(command[0]).name} ended with {child.returncode} after {took:.1f} s "
                    f"(at most {seconds:.0f} s):\n{' '.join(command)}\n{text}"
                )
        return took, usage.ru_utime + usage.ru_stime

    def stop(self, child: subprocess.Popen) -> None:
        """Ends a program and what it started: politely, then not."""
        if child not in self._running:
            return
        for name in (signal.SIGTERM, signal.SIGKILL):
            _signal_group(child.pid, name)
            try:
                child.wait(10)
                break
            except subprocess.TimeoutExpired:
                continue
        # What is left of the group has lost its leader.
        _signal_group(child.pid, signal.SIGKILL)
        self._dismiss(child)

    def close(self) -> None:
        """Ends everything and removes the folders."""
        for child in reversed(self._running.copy()):
            self.stop(child)
        while self._scratch:
            folder = self._scratch.pop()
            if self._keep:
                print(f"kept: {folder}")
            else:
                shutil.rmtree(folder, ignore_errors=True)

    def _interrupted(self, number: int, _frame: object) -> None:
        # The rest happens on the way out: `finally` blocks first, then `close` by atexit.
        raise SystemExit(128 + number)


def _signal_group(leader: int, name: signal.Signals) -> None:
    try:
        os.killpg(leader, name)
    except (ProcessLookupError, PermissionError):
        pass


def tail(log: Path, length: int = 2000) -> str:
    """The end of a log."""
    try:
        return log.read_bytes()[-length:].decode(errors="replace")
    except OSError:
        return ""
