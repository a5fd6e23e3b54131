"""Writes the figures of bench/results.json into docs/performance.md, between its markers: python -m bench.document"""

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from bench.actions import GOALS, TITLES, UNCHANGED_GOAL
from bench.programs import LIMITED, OURS, RIVALS, ROOT, WHEEL
from bench.report import RESULTS

PAGE = ROOT / "docs" / "performance.md"
_NAMES = {each.key: each.title for each in (OURS, LIMITED, WHEEL, *RIVALS)}


def machine(found: dict[str, Any]) -> str:
    """Return where and when it was measured."""
    on = found["machine"]
    peers = {name: version for of in found["versions"].values() for name, version in of.items()}
    return (
        f"{found['measured']}: {on['cores']} cores ({on['model']}), {on['memory_gib']} GiB, Python {on['python']},"
        f" PostgreSQL {on['postgresql']}; median of {found['rounds']} rounds of {found['seconds']} s.\n\n"
        + ", ".join(f"{name} {version}" for name, version in sorted(peers.items(), key=lambda each: each[0].lower()))
        + "."
    )


def ratios(found: dict[str, Any]) -> str:
    """Return the table of ratios, with quartiles and goals, and with what the floor reaches."""
    rows = []
    for action, by_program in found["ratios"].items():
        for key, ratio in by_program.items():
            low, high = found["quartiles"][action][key]
            goal = GOALS.get(action, {}).get(key)
            verdict = f"{goal:g}: {'met' if ratio >= goal else '**missed**'}" if goal else ""
            rows.append(
                (
                    TITLES[action],
                    _NAMES[key],
                    f"{ratio:.2f}",
                    f"{low:.2f} to {high:.2f}",
                    verdict,
                    _floor(found, action, key),
                )
            )
    if "unchanged_to_list" in found:
        ratio = found["unchanged_to_list"]
        verdict = f"{UNCHANGED_GOAL}: {'met' if ratio >= UNCHANGED_GOAL else '**missed**'}"
        rows.append((TITLES["unchanged"], "our own list", f"{ratio:.2f}", "", verdict, ""))
    return _table(("request", "other program", "ours ÷ theirs", "quartiles", "goal", "floor ÷ theirs"), rows)


def _floor(found: dict[str, Any], action: str, key: str) -> str:
    """Return how the floor fares, as the ratio of two medians: what is left to reach without a framework."""
    floor, theirs = (found["programs"].get(each, {}).get(action) for each in ("floor", key))
    return f"{floor['rate'] / theirs['rate']:.2f}" if floor and theirs and theirs["rate"] and key != "floor" else ""


def programs(found: dict[str, Any]) -> str:
    """Return the table of what each program did."""
    rows = [
        (
            TITLES[action],
            _NAMES[key],
            f"{d['rate']:.0f}",
            f"{d['cpu_ms']:.2f}",
            f"{d['p50_ms']:.1f}",
            f"{d['p99_ms']:.1f}",
        )
        for action in TITLES
        for key, by_action in found["programs"].items()
        if (d := by_action.get(action))
    ]
    text = _table(("request", "program", "requests/s", "CPU ms each", "p50 ms", "p99 ms"), rows)
    costs = "".join(f"\n- The rate limit costs {v:.0%} of: {TITLES[a]}" for a, v in found["rate_limit_costs"].items())
    failed = "".join(f"\n- {_NAMES[key]} was not measured: {why}" for key, why in found["failed"].items())
    return f"{text}\n{costs}{failed}".rstrip()


def storm(found: dict[str, Any]) -> str:
    """Return the table of lists while many people sign in."""
    rows = [
        (title, f"{d['calm']:.0f}", f"{d['storm']:.0f}", f"{d['p50_ms']:.1f}", f"{d['p99_ms']:.1f}")
        for title, d in found.get("curves", {}).get("storm", {}).items()
    ]
    return _table(("program", "calm, requests/s", "in the storm", "p50 ms", "p99 ms"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def main() -> None:
    """Rewrite what is between the markers."""
    found = json.loads(RESULTS.read_text())
    page = PAGE.read_text()
    for part in (machine, ratios, programs, storm):
        between = re.compile(f"(<!-- bench: {part.__name__} -->\n).*?(<!-- /bench -->)", re.DOTALL)
        page, replaced = between.subn(lambda match, part=part: f"{match[1]}\n{part(found)}\n\n{match[2]}", page)
        if replaced != 1:
            sys.exit(f"{PAGE.name} has no place for: {part.__name__}")
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
