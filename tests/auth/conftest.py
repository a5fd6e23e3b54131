"""Fixtures: OAuth clients."""

import pytest
from flask import Flask

from tests.oauth_clients import Registered, register


@pytest.fixture
def program(app: Flask) -> Registered:
    """A confidential client."""
    return register(app)


@pytest.fixture
def public(app: Flask) -> Registered:
    """A public client."""
    return register(app, confidential=False)
