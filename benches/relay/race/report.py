"""The results as a table people read and as JSON programs read."""

from .gate import STAGES

_ROW = "{:<18}{:>10}{:>15}{:>12}{:>12}{:>12}{:>12}"


def headline(facts: dict[str, str]) -> str:
    """Where and with what the race was run."""
    return "\n".join(f"{name + ':':<14}{value}" for name, value in facts.items())


def lane_table(lane, medians: dict[str, dict], labels: dict[str, str]) -> str:
    """One lane: rates, CPU, and rates relative to Postfix and HAProxy."""
    lines = [
        f"{lane.name}: {lane.count} messages of {lane.wire_bytes:,} bytes "
        f"over {lane.connections} connections, medians",
        _ROW.format("", "msg/s", "(range)", "CPU us/msg", "x Postfix", "x HAProxy", "sink us/msg"),
    ]
    for name, median in medians.items():
        rate = median["messages_per_second"]
        ratios = [
            f"{rate / medians[rival]['messages_per_second']:.2f}" if rival in medians else "-"
            for rival in ("postfix", "haproxy")
        ]
        cpu = median.get("cpu_us")
        lines.append(_ROW.format(
            labels[name], f"{rate:.0f}", f"({median['slowest']:.0f}-{median['fastest']:.0f})",
            "-" if cpu is None else f"{cpu:.0f}", *ratios, f"{median['sink_cpu_us']:.0f}",
        ))
    return "\n".join(lines)


def stage_table(lanes: list, medians: dict[str, dict[str, dict]]) -> str:
    """How long a message of each lane spends in Consentry's stages, in microseconds."""
    row = "{:<12}" + "{:>10}" * (len(STAGES) + 2)
    lines = [
        "Consentry's stages, wall microseconds per message (all: connections / rate)",
        row.format("", *STAGES, "rest", "all"),
    ]
    for lane in lanes:
        median = medians[lane.name]["consentry"]
        stages = median["stages_us"]
        whole = lane.connections * 1e6 / median["messages_per_second"]
        cells = [f"{stages[stage]:.0f}" if stage in stages else "-" for stage in STAGES]
        rest = whole - sum(stages.values())
        lines.append(row.format(lane.name, *cells, f"{rest:.0f}", f"{whole:.0f}"))
    lines.append(
        "rest: the dialogue with the client, hand-overs between threads, a share of the other "
        "programs' CPU"
    )
    return "\n".join(lines)


def verdicts(medians: dict[str, dict[str, dict]], fsync_p50: float) -> list[dict]:
    """The goals, and whether they were reached."""
    found = []
    for lane, wanted in (("marketing", 1.0), ("service", 1.5)):
        row = medians[lane]
        if "consentry" not in row or "postfix" not in row:
            continue
        got = row["consentry"]["messages_per_second"] / row["postfix"]["messages_per_second"]
        # Marketing waits for the disk: the goal is set for disks that are not slow.
        is_bound = lane == "service" or fsync_p50 <= 0.002
        found.append({
            "lane": lane, "wanted": wanted, "got": got, "is_bound": is_bound,
            "is_reached": got >= wanted,
        })
    return found


def verdict_lines(found: list[dict]) -> str:
    """The goals in words."""
    lines = []
    for goal in found:
        word = "reached" if goal["is_reached"] else "missed"
        if not goal["is_bound"]:
            word += " (fsync p50 is above 2 ms: does not count)"
        lines.append(
            f"goal: {goal['lane']} at least {goal['wanted']:.1f} x the Postfix proxy: "
            f"{goal['got']:.2f} x, {word}"
        )
    return "\n".join(lines)
