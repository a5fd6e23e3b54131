"""What ``flask doctor`` finds, for tests: its report by name, and the faults in it."""

from typing import Any

Report = dict[str, dict[str, Any]]


def faults(found: Report) -> dict[str, str]:
    return {name: each["status"] for name, each in found.items() if each["status"] != "ok"}
