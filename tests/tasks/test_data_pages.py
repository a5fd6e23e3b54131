"""Pages: export, import with a look before, and the calendar's address; without JavaScript."""

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
import time_machine
from flask import Flask
from icalendar import Calendar
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from tests.conftest import Count
from tests.in_turn import in_turn
from tests.leaks import keep_secret
from tests.pages import Browser
from tests.people import PASSWORD, Person
from tests.tasks.files import document, export, record

PAGE = "/account/data"


@pytest.fixture
def browser(app: Flask, alice: Person) -> Browser:
    """Her browser, signed in."""
    return Browser(app, alice)


@pytest.fixture
def later(browser: Browser) -> Iterator[None]:
    """Eleven minutes after she signed in."""
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        yield


def multipart(browser: Browser, fields: dict[str, Any]) -> TestResponse:
    """Send a form with a file; the test client by itself leaves temporary files of large ones open."""
    boundary, body = encode_multipart(fields)
    kind, headers = f'multipart/form-data; boundary="{boundary}"', {"Referer": f"{browser.origin}/"}
    return browser.client.post(f"{PAGE}/import", data=body, content_type=kind, base_url=browser.origin, headers=headers)


def upload(browser: Browser, data: bytes | str, name: str = "taskward.json") -> TestResponse:
    """Choose a file and press the button."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(PAGE).text)
    assert token
    raw = data.encode() if isinstance(data, str) else data
    return multipart(browser, {"csrf_token": token[1], "file": FileStorage(BytesIO(raw), name)})


def hidden(page: str) -> dict[str, str]:
    """Return the hidden fields of the form that confirms."""
    form = page.partition(f'action="{PAGE}/import"')[2].partition("</form>")[0]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        found[attributes["name"]] = html.unescape(attributes["value"])
    return found


def confirm(browser: Browser, looked: TestResponse) -> TestResponse:
    """Press the button below what an import would do, as a browser does, which sends line breaks as CR LF."""
    return multipart(browser, {name: value.replace("\n", "\r\n") for name, value in hidden(looked.text).items()})


def test_the_account_leads_to_the_page(browser: Browser) -> None:
    assert f'href="{PAGE}"' in browser.get("/account").text
    assert browser.get(PAGE).status_code == 200


def test_the_button_downloads_what_the_api_exports(browser: Browser, alice: Person) -> None:
    alice.make_task(title="a")
    # Without download: what came would be the page that asks for the password, if that is due.
    assert f'<a class="button primary" href="{PAGE}/export">Export' in browser.get(PAGE).text
    response = browser.get(f"{PAGE}/export")
    assert response.headers["Content-Disposition"].startswith('attachment; filename="taskward-2')
    assert response.get_json()["tasks"] == export(alice)["tasks"]


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/export"])
def test_the_page_asks_for_the_password_and_leads_back(browser: Browser, path: str) -> None:
    response = browser.get(path)
    assert (response.status_code, response.location) == (303, f"/account/confirm?next={path}")
    done = browser.post("/account/confirm", response.location, password=PASSWORD, next=path)
    assert done.location == path
    assert browser.get(path).status_code == 200


def test_a_file_is_first_looked_at_and_imported_when_that_is_confirmed(
    browser: Browser, alice: Person, count: Count
) -> None:
    task = alice.make_task(title="before")
    file = document({"id": task["id"], "title": "after <b>&\"'", "notes": "a\nb"}, record(2))
    looked = upload(browser, json.dumps(file, indent=1))
    assert looked.status_code == 200
    assert "Nothing has been changed yet." in looked.text
    assert "<strong>1</strong> task to be added" in looked.text
    assert "<strong>1</strong> task to be changed" in looked.text
    assert "<strong>0</strong>" not in looked.text
    assert count("tasks") == 1
    done = confirm(browser, looked)
    assert (done.status_code, done.location) == (303, "/tasks")
    assert "Imported: 1 new, 1 changed." in browser.get("/tasks").text
    assert alice.get(f"/tasks/{task['id']}").get_json()["title"] == "after <b>&\"'"
    again = upload(browser, json.dumps(file))
    assert "<strong>2</strong> tasks the same as before" in again.text
    assert "<form" not in again.text.partition("<main")[2].partition("</main>")[0]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("list.CSV", 'title,notes\r\n"Buy milk","one\ntwo"\r\n'),
        ("todo.txt", "(A) Buy milk\n"),
        ("no suffix", json.dumps(document(record(1, title="Buy milk")))),
    ],
)
def test_what_a_file_is_its_name_says(browser: Browser, alice: Person, name: str, file: str) -> None:
    confirm(browser, upload(browser, file, name))
    [task] = alice.get("/tasks").get_json()["items"]
    assert task["title"] == "Buy milk"
    assert task["notes"] in ("", "one\ntwo")


def test_what_is_confirmed_twice_is_imported_once(browser: Browser, alice: Person) -> None:
    looked = upload(browser, "Buy milk\nBuy bread\n", "todo.txt")
    confirm(browser, looked)
    milk, bread = sorted(alice.get("/tasks").get_json()["items"], key=lambda task: str(task["id"]))
    alice.patch(f"/tasks/{milk['id']}", {"title": "Buy oat milk"})
    for path in (f"/tasks/{bread['id']}", f"/tasks/{bread['id']}?permanent=true"):
        alice.delete(path)
    confirm(browser, looked)
    assert [task["title"] for task in alice.get("/tasks?status=all").get_json()["items"]] == ["Buy oat milk"]
    confirm(browser, upload(browser, "Buy milk\nBuy bread\n", "todo.txt"))  # chosen once more it is another import
    assert len(alice.get("/tasks").get_json()["items"]) == 3


def test_a_large_file_passes_the_form(browser: Browser, count: Count) -> None:
    file = document(*(record(number, notes="ü<" * 5000) for number in range(100)))
    confirm(browser, upload(browser, json.dumps(file, ensure_ascii=False)))
    assert count("tasks") == 100


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"", "Choose a file."),
        (b"{", "The file is not valid JSON."),
        (json.dumps(document(record(1), record(2, due_date="soon"))), "Task 2, due date: Use a date like 2026-11-03."),
        (json.dumps(document(1)), "Task 1: "),
        (json.dumps(document(format_version=9)), "A newer Taskward made this export"),
    ],
)
def test_a_file_with_mistakes_is_refused_by_their_place(
    browser: Browser, count: Count, file: bytes | str, words: str
) -> None:
    response = upload(browser, file, "a.json" if file else "")
    assert response.status_code == 422
    assert words in html.unescape(response.text)
    assert "There is a problem" in response.text
    assert count("tasks") == 0


@in_turn(
    "fields",
    [
        {"confirmed": "1"},
        {"confirmed": "1", "text": "{", "kind": "json"},
        {"confirmed": "1", "text": "x", "kind": "exe"},
        {"confirmed": "1", "text": "title\r\n\x00", "kind": "csv"},
        {"file": "no file"},
        {},
    ],
)
def test_a_form_made_up_is_refused(browser: Browser, count: Count, fields: dict[str, str]) -> None:
    assert browser.post(f"{PAGE}/import", PAGE, **fields).status_code == 422
    assert count("tasks") == 0


def test_a_picture_and_semicolons_are_told_what_to_choose(browser: Browser) -> None:
    assert "ends in .json, .csv or .txt" in upload(browser, b"\x89PNG", "img.png").text
    assert "Separate columns with commas." in upload(browser, "title;notes\na;b\n", "a.csv").text


def test_too_large_a_file_is_413(browser: Browser) -> None:
    assert upload(browser, b" " * (9 * 1024 * 1024)).status_code == 413


@pytest.mark.parametrize("path", ["/account/profile", f"{PAGE}/feed", f"{PAGE}/feed/revoke", f"{PAGE}/import"])
def test_other_forms_stay_small(browser: Browser, path: str) -> None:
    assert browser.send(path, {"name": "x" * 600_000}).status_code == 413


def test_the_address_is_made_shown_once_replaced_and_revoked(app: Flask, browser: Browser, alice: Person) -> None:
    def made() -> str:
        page = browser.post(f"{PAGE}/feed", PAGE, **since(browser))
        assert page.status_code == 200
        assert page.headers["Cache-Control"] == "no-store"
        [url] = re.findall(r'value="([^"]+\.ics)"', page.text)
        keep_secret(url.rpartition("/")[2][:-4])
        return str(url.removeprefix(browser.origin))

    assert "Make an address" in browser.get(PAGE).text
    alice.make_task(title="Pay rent", due_date="2026-12-01")
    first, stranger = made(), app.test_client()
    [event] = Calendar.from_ical(stranger.get(first).data).events
    assert str(event["SUMMARY"]) == "Pay rent"
    page = browser.get(PAGE).text
    assert first not in page
    assert "Replace address" in page
    second = made()
    assert [stranger.get(each).status_code for each in (first, second)] == [404, 200]
    assert browser.post(f"{PAGE}/feed/revoke", PAGE).location == PAGE
    assert stranger.get(second).status_code == 404
    assert "Make an address" in browser.get(PAGE).text


def since(browser: Browser) -> dict[str, str]:
    """Return what the form on the page says about the address there is."""
    return dict(re.findall(r'name="(since)" value="([^"]+)"', browser.get(PAGE).text))


def test_the_page_with_the_address_loaded_anew_does_not_replace_it(app: Flask, browser: Browser, count: Count) -> None:
    for _ in range(2):
        sent = since(browser)
        [url] = re.findall(r'value="([^"]+\.ics)"', browser.post(f"{PAGE}/feed", PAGE, **sent).text)
        keep_secret(url.rpartition("/")[2][:-4])
        again = browser.post(f"{PAGE}/feed", PAGE, **sent)
        assert (again.status_code, again.location) == (303, PAGE)
        assert "Nothing was done: the address has changed" in browser.get(PAGE).text
        assert app.test_client().get(url.removeprefix(browser.origin)).status_code == 200
    assert count("calendar_feeds") == 1


def test_making_an_address_asks_for_the_password(browser: Browser, alice: Person, count: Count) -> None:
    token = browser.form_token(PAGE)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        response = browser.send(f"{PAGE}/feed", {"csrf_token": token}, PAGE)
        assert (response.status_code, response.location) == (303, f"/account/confirm?next={PAGE}")
        assert "Nothing was done yet. When you are back, press the button again." in browser.get(response.location).text
        assert browser.post("/account/confirm", response.location, password=PASSWORD, next=PAGE).location == PAGE
    assert count("calendar_feeds") == 0
