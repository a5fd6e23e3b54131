"""What a scrape is answered with: what all processes counted, and what the database knows."""

import platform
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.values import ValueClass
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

import config
from app.services import sign_ins


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format; of processes that share a directory, all of them together."""
    counted = REGISTRY
    if ValueClass._multiprocess:
        counted = CollectorRegistry()
        _Counted(counted)
    asked = CollectorRegistry()
    asked.register(_Asked())
    return generate_latest(counted) + generate_latest(asked)


class _Counted(MultiProcessCollector):
    """What all processes counted; one that has only just made its file, which is empty then, has counted nothing."""

    def collect(self) -> Iterable[Metric]:
        yield from self.merge([str(file) for file in Path(self._path).glob("*.db") if _size(file)])


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # those of a process that ended are removed
        return 0


class _Asked(Collector):
    """What is not counted but asked for at the moment of the scrape."""

    def collect(self) -> Iterable[Metric]:
        try:
            live = sign_ins.count_live()
        except (DBAPIError, PoolTimeout):
            live = None
        else:
            yield GaugeMetricFamily("taskward_live_sign_ins", "Sign-ins that are alive.", live)
        yield GaugeMetricFamily("taskward_database_up", "1 if the database answers.", live is not None)
        build = {"version": config.VERSION, "python": platform.python_version()}
        yield InfoMetricFamily("taskward_build", "What runs here.", build)
