"""Which client is asking at an OAuth endpoint (RFC 6749 §2.3, §3.2.1)."""

import base64
from urllib.parse import unquote_plus

from flask import request

from app.services import audit, clients
from app.services.clients import Client
from app.services.errors import InvalidClient, InvalidInput


def any_client(form: dict[str, str]) -> Client:
    """Return the client behind this request: by HTTP Basic, by ``client_secret``, or, if public, by name alone.

    Raises:
        InvalidInput: two ways at once.
        InvalidClient: it is not known or fails to authenticate.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return clients.authenticate(form.get("client_id"), form.get("client_secret"))
    if "client_secret" in form:
        raise InvalidInput(parameter="Authenticate in one way: by the Authorization header or by client_secret.")
    client_id, secret = _basic(header)
    if form.get("client_id", client_id) != client_id:
        raise InvalidInput(parameter="The Authorization header names another client than client_id.")
    return clients.authenticate(client_id, secret or None)


def confidential_client(form: dict[str, str]) -> Client:
    """Return the client behind this request, which must have proved itself by a secret.

    Raises:
        InvalidInput: as `any_client`.
        InvalidClient: as `any_client`, and for every public client.
    """
    client = any_client(form)
    if not client.confidential:
        audit.note(audit.Event.CLIENT_FAIL)
        raise InvalidClient("This needs a client that authenticates with its secret.")
    return client


def _basic(header: str) -> tuple[str, str]:
    """Return id and secret, each of which is form-encoded inside the header (§2.3.1)."""
    # Not request.authorization: Werkzeug raises for a header like "Basic é".
    scheme, _, encoded = header.partition(" ")
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        client_id = colon = secret = ""
    if scheme.lower() != "basic" or not colon:
        audit.note(audit.Event.CLIENT_FAIL)
        raise InvalidClient
    return unquote_plus(client_id), unquote_plus(secret)
