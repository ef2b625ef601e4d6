"""What the machine tells: CPU time of processes, memory, the disk's fsync, its own make."""

import os
import time
from pathlib import Path

from .processes import RaceError, output_of, program

_TICKS = os.sysconf("SC_CLK_TCK")
# RAM in disguise: nothing is ever durable there.
_VOLATILE = {"tmpfs", "ramfs", "rootfs"}


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third on; the second may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def tree(root: int) -> list[int]:
    """The process and all its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _stat(int(entry))):
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, at = [root], 0
    while at < len(found):
        found.extend(children.get(found[at], []))
        at += 1
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of a process tree.

    The time of children that ended counts too: their parents waited for them (cutime, cstime).
    """
    ticks = 0
    for pid in tree(root):
        if fields := _stat(pid):
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICKS


def peak_kib(pid: int) -> int:
    """Peak resident memory of a process (VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise RaceError(f"/proc/{pid}/status shows no VmHWM")


def file_system(folder: Path) -> tuple[str, str]:
    """Kind and device of the file system a folder lies on."""
    best = ("", "unknown", "unknown")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        device, point, kind = line.split()[:3]
        point = point.encode().decode("unicode_escape")
        at = point.rstrip("/") + "/"
        if f"{folder.resolve()}/".startswith(at) and len(at) >= len(best[0]):
            best = (at, kind, device)
    return best[1], best[2]


def refuse_volatile(folder: Path) -> None:
    """A store in memory would win races it cannot run."""
    kind, _ = file_system(folder)
    if kind in _VOLATILE:
        raise RaceError(f"{folder} lies on {kind}: give --dir a folder on a real disk")


def fsync_seconds(folder: Path, times: int) -> list[float]:
    """Seconds for each of `times` appends of 4 KB followed by fdatasync."""
    path, block, took = folder / "fsync.probe", os.urandom(4096), []
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        for _ in range(times):
            began = time.perf_counter()
            os.write(handle, block)
            os.fdatasync(handle)
            took.append(time.perf_counter() - began)
    finally:
        os.close(handle)
        path.unlink()
    return took


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def facts(binary: Path, folder: Path) -> dict[str, str]:
    """Processor, kernel, disk and versions, for the head of the report."""
    cpu = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    kind, device = file_system(folder)
    return {
        "processor": f"{cpu}, {len(os.sched_getaffinity(0))} cores",
        "kernel": f"{os.uname().sysname} {os.uname().release} {os.uname().machine}",
        "store": f"{kind} on {device}",
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "consentry": output_of(str(binary), "--version").removeprefix("consentry "),
        "postfix": output_of(program("postconf"), "-d", "-h", "mail_version"),
        "haproxy": output_of(program("haproxy"), "-v").splitlines()[0].split()[2],
    }
