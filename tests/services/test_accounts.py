"""Accounts that are deleted while something else is done to them."""

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from app.services import accounts
from app.services.errors import UserNotFound


@pytest.mark.parametrize("changes", [{}, {"name": "Ann"}, {"timezone": "Europe/Berlin"}, {"theme": "dark"}])
def test_the_profile_of_an_account_that_has_just_been_deleted_is_not_found_whatever_is_changed(
    app: Flask, changes: dict[str, Any]
) -> None:
    with app.app_context(), pytest.raises(UserNotFound):
        accounts.update_profile(uuid4(), changes)
