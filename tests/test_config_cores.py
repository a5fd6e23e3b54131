"""How many processors the process may use, by which workers and hashes are counted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import config
from tests.programs import ROOT


@pytest.mark.parametrize(
    ("quota", "around", "cores"),
    [
        ("50000 100000", "max 100000", 1),
        ("100001 100000", "max 100000", 2),
        ("6400000 100000", "max 100000", None),
        ("max 100000", "max 100000", None),
        ("max 100000", "100000 100000", 1),
    ],
)
def test_the_quotas_of_a_service_and_of_what_is_around_it_count(
    tmp_path: Path, quota: str, around: str, cores: int | None
) -> None:
    group = tmp_path / "sys" / "fs" / "cgroup" / "system.slice" / "taskward.service"
    group.mkdir(parents=True)
    (group / "cpu.max").write_text(f"{quota}\n")
    (group.parent / "cpu.max").write_text(f"{around}\n")
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text("1:name=systemd:/x\n0::/system.slice/taskward.service\n")
    allowed = len(os.sched_getaffinity(0))
    assert config.cores(tmp_path) == min(allowed, cores or allowed)


def test_the_processors_that_the_process_may_not_use_do_not_count() -> None:
    code = "import os, config; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(config.cores())"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True).stdout == b"1\n"
