"""OAuth clients that we did not write, against a real server: Authlib and requests-oauthlib."""

from collections.abc import Iterator
from typing import Any

import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from flask import Flask
from oauthlib.oauth2 import InvalidGrantError, InvalidScopeError, LegacyApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidClientError
from requests import Response
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from app.services.scopes import ALL_SCOPES
from tests.conftest import ONE_DATABASE
from tests.oauth_clients import Registered, register
from tests.people import Person
from tests.servers import Server

# What a library makes of an answer does not depend on the database; the same answers come from both in `test_oauth`.
pytestmark = ONE_DATABASE

METHODS = ["client_secret_basic", "client_secret_post", "none"]


@pytest.fixture(autouse=True)
def plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of the tests speaks http on the loopback interface, which oauthlib otherwise refuses."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    """How the client authenticates."""
    return str(request.param)


@pytest.fixture
def program(app: Flask, method: str) -> Registered:
    """A client that can authenticate that way."""
    return register(app, confidential=method != "none")


@pytest.fixture
def person(program: Registered, alice: Person) -> Person:
    """Alice, signed in through the client."""
    return program.signed_in(alice)


def profile(server: Server, session: Any, person: Person) -> int:
    response: Response = session.get(server.url + person.url())
    return response.status_code


# Authlib


@pytest.fixture
def authlib(program: Registered, person: Person, method: str) -> Iterator[AuthlibSession]:
    """An Authlib session that holds the person's tokens."""
    token = {"access_token": person.access_token, "refresh_token": person.refresh_token, "token_type": "Bearer"}
    with AuthlibSession(
        program.id,
        program.secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        token=token,
    ) as session:
        yield session


@pytest.mark.proves("T4", "T5", "T11", "T13", "RFC 6749 §6")
def test_authlib_refreshes_and_narrows(server: Server, authlib: AuthlibSession, person: Person) -> None:
    assert profile(server, authlib, person) == 200
    narrowed = authlib.refresh_token(f"{server.url}/oauth/token", scope="tasks:read")
    assert (narrowed["scope"], narrowed["token_type"]) == ("tasks:read", "Bearer")
    assert profile(server, authlib, person) == 403
    whole = authlib.refresh_token(f"{server.url}/oauth/token")
    assert whole["scope"] == "tasks:read tasks:write account"
    assert profile(server, authlib, person) == 200


@pytest.mark.proves("T7", "T8", "T14", "T16")
def test_authlib_understands_why_it_is_refused(server: Server, authlib: AuthlibSession, person: Person) -> None:
    url = f"{server.url}/oauth/token"
    with pytest.raises(OAuthError) as refused:
        authlib.refresh_token(url, scope="everything")
    assert refused.value.error == "invalid_scope"
    for _ in range(2):
        authlib.refresh_token(url)
    with pytest.raises(OAuthError) as refused:
        authlib.refresh_token(url, refresh_token=person.refresh_token)
    assert refused.value.error == "invalid_grant"
    assert profile(server, authlib, person) == 401


@pytest.mark.proves("V1", "V2", "V3")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_authlib_revokes(server: Server, authlib: AuthlibSession, person: Person, kind: str) -> None:
    response = authlib.revoke_token(
        f"{server.url}/oauth/revoke", token=getattr(person, kind), token_type_hint="access_token"
    )
    assert response.status_code == 200
    assert profile(server, authlib, person) == 401


@pytest.mark.proves("I1", "I2", "I3")
def test_authlib_introspects_if_it_can_authenticate(
    server: Server, authlib: AuthlibSession, person: Person, method: str
) -> None:
    url = f"{server.url}/oauth/introspect"
    response = authlib.introspect_token(url, token=person.access_token, token_type_hint="access_token")
    if method == "none":
        assert response.status_code == 401
        return
    assert (response.json()["active"], response.json()["sub"]) == (True, person.id)
    authlib.revoke_token(f"{server.url}/oauth/revoke", token=person.refresh_token)
    assert authlib.introspect_token(url, token=person.access_token).json() == {"active": False}


# requests-oauthlib


@pytest.fixture
def oauthlib(program: Registered, person: Person) -> Iterator[OAuth2Session]:
    """A requests-oauthlib session that holds the person's tokens."""
    token = {"access_token": person.access_token, "refresh_token": person.refresh_token, "token_type": "Bearer"}
    with OAuth2Session(client=LegacyApplicationClient(program.id), token=token) as session:
        yield session


def credentials(program: Registered, method: str) -> dict[str, Any]:
    """Return what requests-oauthlib is told about the client: a login for Basic, parameters for the rest."""
    if method == "client_secret_basic":
        assert program.secret
        return {"auth": HTTPBasicAuth(program.id, program.secret)}
    parameters = {"client_id": program.id, "client_secret": program.secret}
    return {name: value for name, value in parameters.items() if value}


@pytest.mark.proves("T4", "T5", "T11", "T14", "T16")
def test_requests_oauthlib_refreshes(
    server: Server, oauthlib: OAuth2Session, program: Registered, person: Person, method: str
) -> None:
    url, login = f"{server.url}/oauth/token", credentials(program, method)
    first = oauthlib.refresh_token(url, **login)
    assert first["refresh_token"] != person.refresh_token
    assert set(first["scope"]) == set(ALL_SCOPES.split())
    assert profile(server, oauthlib, person) == 200
    oauthlib.refresh_token(url, **login)
    with pytest.raises(InvalidGrantError):
        oauthlib.refresh_token(url, refresh_token=person.refresh_token, **login)
    assert profile(server, oauthlib, person) == 401


@pytest.mark.proves("T7", "T8", "T10", "T13")
def test_requests_oauthlib_understands_why_it_is_refused(
    server: Server, oauthlib: OAuth2Session, program: Registered, method: str
) -> None:
    url = f"{server.url}/oauth/token"
    oauthlib.scope = ["everything"]
    with pytest.raises(InvalidScopeError):
        oauthlib.refresh_token(url, **credentials(program, method))
    with pytest.raises(InvalidClientError):
        oauthlib.refresh_token(url, auth=HTTPBasicAuth(program.id, "wrong"))


@pytest.mark.proves("V1", "V2", "V3", "I1", "I2", "I3")
def test_requests_oauthlib_revokes_and_introspects(
    server: Server, oauthlib: OAuth2Session, program: Registered, person: Person, method: str
) -> None:
    login = credentials(program, method)
    auth = login.pop("auth", None)

    def post(path: str, form: dict[str, Any]) -> Response:
        response: Response = oauthlib.post(
            f"{server.url}/oauth/{path}", data=form | login, auth=auth, withhold_token=True
        )
        return response

    asked = post("introspect", {"token": person.access_token})
    if method == "none":
        assert asked.status_code == 401
    else:
        assert asked.json()["active"]
    _, headers, body = LegacyApplicationClient(program.id).prepare_token_revocation_request(
        f"{server.url}/oauth/revoke", person.refresh_token, "refresh_token"
    )
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    form = dict(pair.split("=") for pair in body.split("&"))
    assert post("revoke", form).status_code == 200
    assert profile(server, oauthlib, person) == 401
    if method != "none":
        assert post("introspect", {"token": person.access_token}).json() == {"active": False}
