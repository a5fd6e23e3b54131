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
SHARES = 2
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
    pages: dict[str, Page] = {}
    for state in STATES[share::SHARES]:
        who = state.who
        if who not in pages:
            # Without motion: colours in between two others are no colours of a theme.
            page = pages[who] = open_page(java_script_enabled=javascript, reduced_motion="reduce")
            page.add_init_script(NOTE_REPORTS)
            if who in people:
                enter(app, page.context, people[who], server.url)
        reach(pages[who], state, **ids)
        yield state, pages[who]


def too_wide(page: Page, width: int) -> list[str]:
    """Make the window so wide, and return whether the page then scrolls sideways."""
    page.set_viewport_size({"width": width, "height": 900})
    return [f"scrolls sideways at {width}"] if page.evaluate(OVERFLOW) > 0 else []


@ONE_DATABASE
@pytest.mark.parametrize("share", range(SHARES))
def test_with_javascript_axe_finds_nothing(app: Flask, server: Server, open_page: OpenPage, share: int) -> None:
    found = []
    for state, page in visits(app, server, open_page, share, javascript=True):
        wide = too_wide(page, NARROWEST)
        if state.ours:
            page.evaluate(AXE_SCRIPT)
        for scheme, width in LOOKS:
            page.emulate_media(color_scheme=scheme)
            wide += too_wide(page, width)
            # Swagger UI has faults of its own; the document it shows is there without it.
            faults = page.evaluate(AXE) if state.ours else ()
            found += [f"{state.name}, {scheme}, {width}: {each}" for each in faults]
        found += [f"{state.name}: {each}" for each in wide]
    assert found == [], "\n".join(found)


@ONE_DATABASE
@pytest.mark.parametrize("share", range(SHARES))
def test_without_javascript_the_markup_is_in_order(app: Flask, server: Server, open_page: OpenPage, share: int) -> None:
    found = []
    for state, page in visits(app, server, open_page, share, javascript=False):
        faults = page.evaluate(MARKUP) + too_wide(page, NARROWEST)
        found += [f"{state.name}: {each}" for each in faults]
    assert found == [], "\n".join(found)
