"""Which device is asking, in plain words."""

from functools import lru_cache

from structlog.contextvars import get_contextvars
from ua_parser import parse_os, parse_user_agent


def current() -> str:
    """Return the device behind the present request, as in "Firefox on Linux"; empty outside a request."""
    return describe(get_contextvars().get("user_agent", ""))


@lru_cache(maxsize=1024)
def describe(agent: str) -> str:
    """Return a User-Agent in plain words; programs are called what they call themselves, as in "curl"."""
    if not agent:
        return ""
    browser, system = parse_user_agent(agent), parse_os(agent)
    name = browser.family if browser else agent.partition("/")[0][:40]
    return f"{name} on {system.family}"[:100] if system else name[:100]
