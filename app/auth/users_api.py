"""JSON: one's own account, password, sessions and security events."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, request

from app.auth import schemas
from app.auth.activity import described
from app.services import accounts, audit, authentication, sign_ins
from app.web.access import owner_required, principal, require_step_up, step_up_required
from app.web.contract import documented
from app.web.payload import json_body, query_string

bp = Blueprint("users_api", __name__, url_prefix="/api/users/<uuid:user_id>")


@bp.get("")
@documented(response=schemas.Profile)
@owner_required("account")
def show(user_id: UUID) -> Any:
    """Show the profile."""
    return schemas.own_profile(principal())


@bp.patch("")
@documented(request=schemas.ProfileChanges, response=schemas.Profile)
@owner_required("account")
def update(user_id: UUID) -> Any:
    """Change name, time zone or theme (JSON merge patch)."""
    changes = json_body(schemas.ProfileChanges).model_dump(exclude_unset=True)
    return accounts.update_profile(user_id, changes)


@bp.delete("")
@documented(request=schemas.Deletion, status=204)
@owner_required("account")
def delete(user_id: UUID) -> Any:
    """Delete the account with everything in it; needs the password."""
    accounts.delete_own(principal(), json_body(schemas.Deletion).password)
    return "", 204


@bp.put("/password")
@documented(request=schemas.PasswordChange, status=204)
@owner_required("account")
def change_password(user_id: UUID) -> Any:
    """Change the password and end all other sessions."""
    body = json_body(schemas.PasswordChange)
    accounts.change_password(principal(), body.current_password, body.new_password)
    return "", 204


@bp.put("/email")
@documented(request=schemas.EmailChange, response=schemas.Profile, errors=[409])
@owner_required("account")
@step_up_required
def change_email(user_id: UUID) -> Any:
    """Change the e-mail address and end all other sessions."""
    return accounts.change_email(principal(), json_body(schemas.EmailChange).email)


@bp.post("/reauthenticate")
@documented(request=schemas.Reauthentication, response=schemas.TokenResponse)
@owner_required("account")
def reauthenticate(user_id: UUID) -> Any:
    """Give the password again, for what needs it to have been given lately; gives new tokens, the old ones are dead."""
    body = json_body(schemas.Reauthentication)
    return schemas.token_response(authentication.reauthenticate(principal(), body.password))


@bp.get("/sessions")
@documented(response=schemas.Sessions)
@owner_required("account")
def sessions(user_id: UUID) -> Any:
    """List the live sessions."""
    here = principal().sign_in_id
    return {"items": [dict(each, current=each["id"] == here) for each in sign_ins.live(user_id)]}


@bp.delete("/sessions")
@documented(status=204)
@owner_required("account")
@step_up_required
def end_other_sessions(user_id: UUID) -> Any:
    """End every session but this one."""
    sign_ins.end_others(user_id, keep=principal().sign_in_id)
    return "", 204


@bp.delete("/sessions/<uuid:sid>")
@documented(status=204)
@owner_required("account")
def end_session(user_id: UUID, sid: UUID) -> Any:
    """End one session; the present one without further ado."""
    here = sid == principal().sign_in_id
    if not here:
        require_step_up()
    sign_ins.end(user_id, sid, "signed out" if here else "signed out from another device")
    return "", 204


@bp.get("/events")
@documented(query=schemas.EventsQuery, response=schemas.SecurityEvents, sends=["Link"])
@owner_required("account")
def events(user_id: UUID) -> Any:
    """List security events, newest first, a page at a time."""
    query = query_string(schemas.EventsQuery)
    page = audit.events_of(user_id, query.cursor, query.limit)
    body = {"items": [described(each) for each in page.items], "next_cursor": page.next_cursor}
    if page.next_cursor is None:
        return body
    following = urlencode(request.args.to_dict() | {"cursor": str(page.next_cursor)})
    return body, {"Link": f'<{request.path}?{following}>; rel="next"'}
