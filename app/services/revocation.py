"""Giving up a token before its time (RFC 7009)."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.dialects import postgresql, sqlite

from app.extensions import db
from app.models import BlockedToken, SignIn
from app.services import audit, liveness, sign_ins, tokens


def revoke(raw: str, client_id: str) -> bool:
    """Revoke a token whatever its type (RFC 7009 §2.1); commits. Returns False if it is another client's, and stays.

    A refresh token takes its whole sign-in along. An access token is blocked alone. One that is unknown, expired or
    revoked already is left without a word, as §2.2 asks.
    """
    found = tokens.verify_either(raw)
    if found is None:
        return True
    typ, claims = found
    if claims["client_id"] != client_id:
        return False
    user_id, sign_in_id = UUID(claims["sub"]), UUID(claims["sid"])
    if typ == tokens.REFRESH:
        sign_ins.mark_ended([SignIn.id == sign_in_id], "token revoked")
        db.session.commit()
    elif liveness.principal(claims) is not None:
        _block(claims["jti"], claims["exp"])
        audit.add(audit.Event.TOKEN_REVOKED, user_id, sign_in_id)
        db.session.commit()
    return True


def sign_out(raw: str, client_id: str) -> None:
    """End the sign-in of a token, whatever its type, if it was issued to this client and is good; commits."""
    found = tokens.verify_either(raw)
    if found is not None and found[1]["client_id"] == client_id:
        sign_ins.mark_ended([SignIn.id == UUID(found[1]["sid"])], "signed out")
        db.session.commit()


def _block(jti: str, exp: int) -> None:
    insert = postgresql.insert if db.on_postgresql else sqlite.insert
    expires_at = datetime.fromtimestamp(exp, tz=UTC)
    db.session.execute(insert(BlockedToken).values(jti=jti, expires_at=expires_at).on_conflict_do_nothing())
