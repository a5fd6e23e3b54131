"""What is counted, for Prometheus. Every label has few values, and none of them names a person or a row."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

_requests = Counter("taskward_http_requests", "Requests answered.", ["method", "route", "status"])
_seconds = Histogram("taskward_http_request_duration_seconds", "Time to an answer.", ["route"], buckets=_BUCKETS)
_events = Counter("taskward_security_events", "Security events by name.", ["event"])
_sign_ins = Counter("taskward_sign_ins", "Attempts to sign in whose password was looked at.", ["outcome"])
_refreshes = Counter("taskward_refreshes", "Refresh tokens presented.", ["outcome"])
_throttled = Counter("taskward_throttled", "Requests and attempts refused because there were too many.", ["limit"])

#: Password hashes that wait for a core, and those that have one.
hashes_waiting = Gauge("taskward_password_hashes_waiting", "Password hashes in line.", multiprocess_mode="livesum")
hashes_running = Gauge("taskward_password_hashes_running", "Password hashes being made.", multiprocess_mode="livesum")
#: By ``pool``: read or write.
connections_in_use = Gauge(
    "taskward_database_connections_in_use", "Connections out of the pool.", ["pool"], multiprocess_mode="livesum"
)
connections_limit = Gauge(
    "taskward_database_connections_limit", "Most connections there can be.", ["pool"], multiprocess_mode="livesum"
)


# Looking a child up takes a lock and builds a key; how many there can be is bounded by what is passed in.
event = cache(_events.labels)
sign_in = cache(_sign_ins.labels)
refresh = cache(_refreshes.labels)
throttled = cache(_throttled.labels)
_request = cache(_requests.labels)
_duration = cache(_seconds.labels)


def request(method: str, route: str | None, status: int, seconds: float) -> None:
    """Count an answer; ``route`` is the rule that matched, never the path."""
    route = route or "none"
    _request(method if method in _METHODS else "other", route, status).inc()
    _duration(route).observe(seconds)


# From the start at zero, so that the first one of a kind shows as an increase.
for _outcome in ("succeeded", "refused"):
    sign_in(_outcome)
for _outcome in ("rotated", "grace", "reuse", "refused"):
    refresh(_outcome)
