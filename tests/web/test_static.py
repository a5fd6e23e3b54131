"""Static files: kept for ever under the address of their content, compressed, small; pages compressed with care."""

import gzip
import re
from urllib.robotparser import RobotFileParser

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import ONE_DATABASE
from tests.pages import Browser
from tests.people import Person
from tests.programs import ROOT

pytestmark = ONE_DATABASE

#: A page loaded for the first time, with everything that it needs.
FIRST_LOAD_AT_MOST = 40_000


def ask(app: Flask, path: str, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().get(path, headers=named)


def addresses(page: str) -> set[str]:
    """Return the addresses of the files that a page needs."""
    return {found.partition("#")[0] for found in re.findall(r'(?:href|src)="(/static/[^"]+)"', page)}


@pytest.mark.parametrize("page", ["/login", "/tasks", "/api/docs"])
def test_every_file_of_a_page_may_be_kept_for_ever(app: Flask, alice: Person, page: str) -> None:
    alice.make_task()
    found = addresses(Browser(app, alice if page == "/tasks" else None).get(page).text)
    assert len(found) >= 3
    for each in found:
        answer = ask(app, each)
        assert answer.status_code == 200, each
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable", each


@pytest.mark.parametrize("path", ["/static/app.css", "/static/app.css?v=of-another-version", "/service-worker.js"])
def test_what_does_not_name_its_content_is_asked_for_again_soon(app: Flask, path: str) -> None:
    assert ask(app, path).headers["Cache-Control"] == "public, max-age=300"


def test_files_are_compressed_for_whoever_takes_it(app: Flask) -> None:
    plain = ask(app, "/static/app.css", Accept_Encoding="gzip;q=0, identity")
    packed = ask(app, "/static/app.css", Accept_Encoding="br, gzip")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data == (ROOT / "app/static/app.css").read_bytes()
    assert len(packed.data) < len(plain.data) / 2
    for answer in (plain, packed):
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "Content-Encoding" not in ask(app, "/static/icon-192.png", Accept_Encoding="gzip").headers


def test_a_file_that_did_not_change_is_not_sent_again(app: Flask) -> None:
    packed, plain = ask(app, "/static/app.css", Accept_Encoding="gzip"), ask(app, "/static/app.css")
    assert packed.headers["ETag"] != plain.headers["ETag"]  # they are not the same bytes
    for encoding, tag in (("gzip", packed.headers["ETag"]), ("identity", plain.headers["ETag"])):
        answer = ask(app, "/static/app.css", Accept_Encoding=encoding, If_None_Match=tag)
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "path",
    ["", "nothing.css", "swagger", "swagger/", "../__init__.py", "%2e%2e/__init__.py", "app.css%00", "/etc/passwd"],
)
def test_what_is_no_file_is_404(app: Flask, path: str) -> None:
    assert ask(app, f"/static/{path}").status_code == 404


@pytest.mark.parametrize(
    ("site", "packed"),
    [("none", True), ("same-origin", True), ("same-site", False), ("cross-site", False), ("", False)],
)
def test_a_page_is_compressed_only_when_no_other_site_had_it_asked_for(app: Flask, site: str, packed: bool) -> None:
    answer = ask(app, "/login", Accept_Encoding="gzip", Sec_Fetch_Site=site)
    assert answer.headers.get("Content-Encoding") == ("gzip" if packed else None)
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    page = gzip.decompress(answer.data) if packed else answer.data
    assert page.decode().rstrip().endswith("</html>")


@pytest.mark.parametrize("page", ["/login", "/tasks"])
def test_a_first_load_is_at_most_40_kilobytes(app: Flask, alice: Person, page: str) -> None:
    for number in range(51):
        alice.make_task(title=f"Write to somebody about {number}", tags=["home", "mail"], notes="x", priority="high")
    client = Browser(app, alice if page == "/tasks" else None).client
    headers = {"Accept-Encoding": "gzip", "Sec-Fetch-Site": "none"}
    shown = client.get(page, base_url=app.config["PUBLIC_URL"], headers=headers)
    answers = [shown, *(client.get(each, headers=headers) for each in addresses(gzip.decompress(shown.data).decode()))]
    assert len(answers) >= 4
    assert sum(len(each.data) + len(str(each.headers)) for each in answers) <= FIRST_LOAD_AT_MOST


@pytest.mark.parametrize(("name", "at_most"), [("app.css", 15 * 1024), ("app.js", 8 * 1024)])
def test_what_every_page_loads_stays_small_without_a_build_step(app: Flask, name: str, at_most: int) -> None:
    assert len(ask(app, f"/static/{name}").data) <= at_most


def test_crawlers_are_kept_from_what_is_for_programs(app: Flask) -> None:
    robots = RobotFileParser()
    answer = ask(app, "/robots.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    robots.parse(answer.text.splitlines())
    assert all(robots.can_fetch("*", path) for path in ("/login", "/tasks", "/static/app.css"))
    assert not any(robots.can_fetch("*", path) for path in ("/api/docs", "/oauth/token", "/feeds/x"))


def test_the_service_worker_may_ask_this_server_and_serve_every_page(app: Flask) -> None:
    answer = ask(app, "/service-worker.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Content-Security-Policy"].endswith("; connect-src 'self'")


def test_the_icons_of_the_manifest_are_what_it_says(app: Flask) -> None:
    manifest = ask(app, "/static/manifest.webmanifest").get_json(force=True)
    sizes = set()
    for icon in manifest["icons"]:
        answer = ask(app, f"/static/{icon['src']}")
        assert answer.mimetype == icon["type"]
        if icon["type"] == "image/png":
            side = int.from_bytes(answer.data[16:20])
            assert icon["sizes"] == f"{side}x{side}"
            sizes.add((side, icon.get("purpose")))
    assert {(192, None), (512, None), (512, "maskable")} <= sizes
