"""Every page in every state: nothing to complain about for axe, the browser, a narrow window, or a reader of markup."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Page

from tests.browser.cast import enter, make_cast
from tests.browser.conftest import OpenPage
from tests.browser.states import STATES, State, reach
from tests.conftest import ONE_DATABASE
from tests.servers import Server

#: So that several processes can share the work.
SHARES = 4
NARROWEST = 320  # a window of 1280 pixels at 400 % (WCAG 1.4.10)
#: Each theme and each width once: no rule of axe looks at both.
LOOKS = (("light", 1280), ("dark", 390))
#: What is wrong with the document as the server sent it: here Chromium is the parser, and no script has changed it.
MARKUP = (Path(__file__).with_name("markup.js")).read_text()
AXE = """async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const options = {runOnly: tags, rules: {"target-size": {enabled: true}}, resultTypes: ["violations"]};
    const {violations} = await axe.run(options);
    return violations.flatMap(({id, nodes}) => nodes.map((node) => `${id} at ${node.target}: ${node.failureSummary}`));
}"""
OVERFLOW = "document.documentElement.scrollWidth - innerWidth"
NOTE_REPORTS = "addEventListener('securitypolicyviolation', (event) => console.error(event.violatedDirective))"


def visits(
    app: Flask, server: Server, open_page: OpenPage, share: int, *, javascript: bool
) -> Iterator[tuple[State, Page]]:
    """Yield every state of a share with a page that is in it."""
    people, ids = make_cast(app)
    pages = {}
    for who in ("nobody", *people):
        # Without motion: colours in between two others are no colours of a theme.
        page = pages[who] = open_page(java_script_enabled=javascript, reduced_motion="reduce")
        page.add_init_script(NOTE_REPORTS)
        if who in people:
            enter(app, page.context, people[who], server.url)
    for state in STATES[share::SHARES]:
        reach(pages[state.who], state, **ids)
        yield state, pages[state.who]


def looks(page: Page) -> Iterator[str]:
    """Yield the name of each theme and width in which the page then is."""
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        yield f"{scheme}, {width}"


def too_wide(page: Page) -> list[str]:
    """Return at which widths the page scrolls sideways."""
    wide = []
    for width in (NARROWEST, *(width for _, width in LOOKS)):
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate(OVERFLOW) > 0:
            wide.append(f"scrolls sideways at {width}")
    return wide


@ONE_DATABASE
@pytest.mark.parametrize("share", range(SHARES))
def test_with_javascript_axe_finds_nothing(app: Flask, server: Server, open_page: OpenPage, share: int) -> None:
    found = []
    for state, page in visits(app, server, open_page, share, javascript=True):
        found += [f"{state.name}: {each}" for each in too_wide(page)]
        page.evaluate(AXE_SCRIPT)
        # Swagger UI has faults of its own; the document it shows is there without it.
        for look in looks(page) if state.ours else ():
            found += [f"{state.name}, {look}: {each}" for each in page.evaluate(AXE)]
    assert found == [], "\n".join(found)


@ONE_DATABASE
@pytest.mark.parametrize("share", range(SHARES))
def test_without_javascript_the_markup_is_in_order(app: Flask, server: Server, open_page: OpenPage, share: int) -> None:
    found = []
    for state, page in visits(app, server, open_page, share, javascript=False):
        found += [f"{state.name}: {each}" for each in too_wide(page) + page.evaluate(MARKUP)]
    assert found == [], "\n".join(found)
