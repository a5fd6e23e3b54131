"""The routes of the application for tests: which of them are public, of what kind they are, and their addresses."""

from collections.abc import Callable, Iterator

from flask import Flask
from werkzeug.routing import Rule

#: What anybody may ask for, and why.
PUBLIC = {
    "static",
    "auth_api.register",
    "auth_api.login",
    "auth_api.refresh",  # the refresh token is the credential
    "oauth.token",
    "oauth.revoke",
    "metadata.authorization_server",
    "metadata.jwks",  # public keys
    "feeds.read",  # the secret address is the credential
    "health.healthz",
    "health.readyz",
    "metrics.show",  # 404, or asks for a token of its own
    "docs.openapi",  # what it describes asks for tokens itself
    "docs.page",
    "auth.home",  # only leads to one of the others
    "auth.login",
    "auth.register",
    "auth.logout",  # without a sign-in there is nothing to end
    "session.show",  # says to each browser what is its own
    "session.renew",  # the refresh token is the credential
}
NOWHERE = "00000000-0000-4000-8000-000000000000"
#: Values of what in an address is no id.
WORDS: dict[str, object] = {"action": "complete", "rev": 1}

Call = tuple[str, Rule]


def calls(app: Flask, *, kind: Callable[[Rule], bool]) -> Iterator[Call]:
    """Yield method and rule of every route of a kind that is not public."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in PUBLIC and kind(rule):
            for method in sorted((rule.methods or set()) - {"OPTIONS"}):
                yield method, rule


def address(app: Flask, rule: Rule, user_id: str) -> str:
    values = {name: user_id if name == "user_id" else WORDS.get(name, NOWHERE) for name in rule.arguments}
    with app.test_request_context():
        return app.url_map.bind("").build(rule.endpoint, values)


def is_api(rule: Rule) -> bool:
    return rule.rule.startswith("/api")


def is_owned(rule: Rule) -> bool:
    return "user_id" in rule.arguments


def is_oauth(rule: Rule) -> bool:
    return rule.rule.startswith("/oauth/")


def is_page(rule: Rule) -> bool:
    return not is_api(rule) and not is_oauth(rule)
