"""Where an account signed in before: browsers are known by a cookie, programs, which have none, by their network."""

import hmac
import re
import secrets
from ipaddress import ip_address, ip_network
from uuid import UUID

from sqlalchemy import bindparam, select
from structlog.contextvars import get_contextvars

from app.database import UnitOfWork
from app.models import SignIn
from app.services import keys

_ADDRESSES = select(SignIn.ip).where(SignIn.user_id == bindparam("user")).distinct()
_AT_MOST = 5
_NAT64 = ip_network("64:ff9b::/96")
_SHAPE = re.compile(r"[A-Za-z0-9_-]{22}(\.[A-Za-z0-9_-]{43}){1,5}")


def cookie(user_id: UUID, former: str | None) -> str:
    """Return the device cookie of a browser in which this account has just signed in.

    It is a random id and, for each of the accounts that signed in there last, a code that binds it to that id; it says
    nothing about anybody. ``former`` is the cookie the browser sent, if any.
    """
    device_id, codes = _parse(former)
    device_id = device_id or secrets.token_urlsafe(16)
    newest = _code(device_id, user_id)
    others = [code for code in codes if code != newest]
    return ".".join((device_id, newest, *others[: _AT_MOST - 1]))


def by_cookie(sent: str | None, user_id: UUID) -> str | None:
    """Return the id of the device if its cookie proves that this account signed in there before."""
    device_id, codes = _parse(sent)
    expected = _code(device_id, user_id)
    return device_id if any(hmac.compare_digest(code, expected) for code in codes) else None


def by_network(user_id: UUID, work: UnitOfWork) -> bool:
    """Tell whether a sign-in of this account was last seen in the network of the present request."""
    return network() in {network_of(ip) for (ip,) in work.execute(_ADDRESSES, {"user": user_id}) if ip}


def network() -> str:
    """Return the network of the present request; empty where no address is known."""
    return network_of(get_contextvars().get("ip", ""))


def network_of(ip: str) -> str:
    """Return the network that one subscriber has all addresses of: /24 of IPv4, /64 of IPv6; empty for no address."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ""
    if address.version == 6:
        if address.ipv4_mapped:
            address = address.ipv4_mapped
        elif address in _NAT64:
            # All of IPv4 in one /64: the last four bytes are the address that was translated (RFC 6052).
            address = ip_address(address.packed[-4:])
    return str(ip_network((address.packed, 24 if address.version == 4 else 64), strict=False))


def _code(device_id: str, user_id: UUID) -> str:
    return keys.mac(f"device {device_id} {user_id}")


def _parse(sent: str | None) -> tuple[str, list[str]]:
    """Return the id and the codes of a cookie; nothing of one that is not shaped like ours."""
    if not sent or not _SHAPE.fullmatch(sent):
        return "", []
    device_id, *codes = sent.split(".")
    return device_id, codes
