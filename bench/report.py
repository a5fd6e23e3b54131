"""What the measurement says: results.json, the table, and the chart."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from bench import charts, installation
from bench.actions import GOALS, TITLES, UNCHANGED_GOAL, WITH_WHEEL
from bench.load import Measured
from bench.programs import LIMITED, OURS, RIVALS, ROOT, WHEEL, WORKERS

#: By action, then by program: what each round measured.
Figures = dict[str, dict[str, list[Measured]]]
RESULTS = ROOT / "bench" / "results.json"
CHART = ROOT / "docs" / "performance" / "ratios.svg"


def results(figures: Figures, failed: dict[str, str], rounds: int, seconds: int, database: str) -> dict[str, Any]:
    """Return everything as JSON values; a ratio above 1 means that Taskward answers more requests a second."""
    found: dict[str, Any] = {
        "measured": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine() | {"postgresql": database},
        "rounds": rounds,
        "seconds": seconds,
        "ratios": {},
        "quartiles": {},
        "rate_limit_costs": {},
        "programs": {},
        "failed": failed,
        "versions": {each.key: installation.versions(each) for each in (OURS, *RIVALS)},
    }
    for action, by_program in figures.items():
        for key, did in by_program.items():
            found["programs"].setdefault(key, {})[action] = _summary(did)
        _compare(found, action, by_program[OURS.key], by_program)
        if WHEEL.key in by_program:
            _compare(found, WITH_WHEEL, by_program[WHEEL.key], by_program)
        if LIMITED.key in by_program and (ratios := _ratios(by_program[LIMITED.key], by_program[OURS.key])):
            found["rate_limit_costs"][action] = _rounded(1 - statistics.median(ratios))
    if {"list", "unchanged"} <= figures.keys():
        ratios = _ratios(figures["unchanged"][OURS.key], figures["list"][OURS.key]) or [0.0]
        found["unchanged_to_list"] = _rounded(statistics.median(ratios))
    return found


def _compare(found: dict[str, Any], action: str, ours: Sequence[Measured], others: dict[str, list[Measured]]) -> None:
    for key in (each.key for each in RIVALS if each.key in others):
        if ratios := _ratios(ours, others[key]):
            found["ratios"].setdefault(action, {})[key] = _rounded(statistics.median(ratios))
            found["quartiles"].setdefault(action, {})[key] = _quartiles(ratios)


def goals(found: dict[str, Any]) -> list[tuple[str, str, float, float]]:
    """Return action, program, ratio and goal of everything that has a goal and was measured."""
    ratios = found["ratios"]
    return [
        (action, key, ratios[action][key], goal)
        for action, by_program in GOALS.items()
        for key, goal in by_program.items()
        if key in ratios.get(action, {})
    ]


def table(found: dict[str, Any]) -> str:
    """Return the tables for people: ratios with their quartiles and goals, and what each program did."""
    titles = {each.key: each.title for each in (OURS, LIMITED, WHEEL, *RIVALS)}
    wanted = {(action, key): (goal, ratio >= goal) for action, key, ratio, goal in goals(found)}
    lines = ["", "Requests a second, Taskward ÷ the other (quartiles)"]
    for action, by_program in found["ratios"].items():
        lines.append(f"\n{TITLES[action]}")
        for key, ratio in by_program.items():
            low, high = found["quartiles"][action][key]
            goal, met = wanted.get((action, key), (None, True))
            verdict = f"goal {goal:g}: {'met' if met else 'MISSED'}" if goal else ""
            lines.append(f"  {titles[key]:34}{ratio:6.2f}  ({low:.2f} to {high:.2f})  {verdict}".rstrip())
    if "unchanged_to_list" in found:
        ratio = found["unchanged_to_list"]
        verdict = "met" if ratio >= UNCHANGED_GOAL else "MISSED"
        lines.append(f"\nUnchanged list ÷ our own list: {ratio:.2f}  goal {UNCHANGED_GOAL}: {verdict}")
    for action, cost in found["rate_limit_costs"].items():
        lines.append(f"The rate limit takes {cost:.0%} of: {TITLES[action]}")
    lines.append(f"\n{'':36}{'req/s':>8}{'CPU ms':>9}{'p50 ms':>9}{'p99 ms':>9}  errors")
    for action in TITLES:
        for key, by_action in found["programs"].items():
            if action in by_action:
                did = by_action[action]
                figures = f"{did['rate']:8.0f}{did['cpu_ms']:9.2f}{did['p50_ms']:9.1f}{did['p99_ms']:9.1f}"
                lines.append(f"{TITLES[action][:18]:20}{key[:24]:24}{figures}  {did['errors'] or ''}".rstrip())
    lines += [f"{titles[key]} was not measured: {reason}" for key, reason in found["failed"].items()]
    return "\n".join(lines) + "\n"


def write(found: dict[str, Any]) -> None:
    """Keep the results, beside the curves that there are, and draw the chart."""
    curves = {key: kept for key, kept in json.loads(RESULTS.read_text()).items() if key == "curves"}
    RESULTS.write_text(json.dumps(found | curves, indent=1, ensure_ascii=False) + "\n")
    CHART.parent.mkdir(exist_ok=True)
    series = [(each.title, {a: r[each.key] for a, r in found["ratios"].items() if each.key in r}) for each in RIVALS]
    CHART.write_text(charts.bars("Requests a second: Taskward ÷ the other", TITLES, [s for s in series if s[1]]))


def machine() -> dict[str, Any]:
    """Return what a figure depends on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "model": models[0].partition(": ")[2] if models else platform.machine(),
        "memory_gib": round(memory / 2**30),
        "python": platform.python_version(),
        "workers": WORKERS,
    }


def database_version(url: str) -> str:
    """Return the version of the PostgreSQL server."""
    engine = create_engine(url)
    with engine.connect() as connection:
        version = connection.exec_driver_sql("SHOW server_version").scalar_one()
    engine.dispose()
    return str(version).split()[0]


def _summary(rounds: Sequence[Measured]) -> dict[str, float]:
    def middle(name: str) -> float:
        return statistics.median(getattr(each, name) for each in rounds)

    return {
        "rate": round(middle("rate"), 1),
        "p50_ms": round(middle("p50"), 2),
        "p99_ms": round(middle("p99"), 2),
        "cpu_ms": round(middle("cpu"), 3),
        "errors": sum(each.errors for each in rounds),
    }


def _ratios(first: Sequence[Measured], second: Sequence[Measured]) -> list[float]:
    """Return the ratios round by round: what slows the machine down slows both of a pair.

    A round in which one of them finished nothing at all, on a machine that is busy with other things, says nothing.
    """
    return [a.rate / b.rate for a, b in zip(first, second, strict=True) if a.rate and b.rate]


def _quartiles(values: Sequence[float]) -> tuple[float, float]:
    low, _, high = statistics.quantiles([*values, *values], n=4, method="inclusive")
    return _rounded(low), _rounded(high)


def _rounded(value: float) -> float:
    return round(value, 3)
