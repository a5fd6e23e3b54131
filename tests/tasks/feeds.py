"""The calendar feed for tests: made by a person, read by a calendar program."""

from urllib.parse import urlsplit

from werkzeug.test import TestResponse

from tests.leaks import keep_secret
from tests.people import Person


def make(person: Person) -> str:
    """Make a feed and return its path."""
    response = person.post("/feed")
    assert response.status_code == 201, response.text
    url = str(response.get_json()["url"])
    assert url.startswith(person.app.config["PUBLIC_URL"] + "/feeds/")
    path = urlsplit(url).path
    keep_secret(path[7:-4])
    return path


def read(person: Person, path: str, **headers: str) -> TestResponse:
    """Ask for a feed as a calendar program does: without any sign-in."""
    return person.app.test_client().get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})
