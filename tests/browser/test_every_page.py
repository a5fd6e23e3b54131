"""Every page in every state: nothing to complain about for axe, the browser, a narrow window, or a reader of markup."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Page

from tests.browser.cast import enter, make_cast
from tests.browser.conftest import OpenPage
from tests.browser.states import STATES, reach
from tests.conftest import ONE_DATABASE
from tests.servers import Server

#: So that several processes can share the work.
SHARES = 2
NARROWEST = 320  # a window of 1280 pixels at 400 % (WCAG 1.4.10)
#: Each theme and each width once: no rule of axe looks at both.
LOOKS = (("light", 1280), ("dark", 390))
#: What is wrong with a document as the server sent it: Chromium is the parser, and no script has changed it.
MARKUP = (Path(__file__).with_name("markup.js")).read_text()
#: Of hundreds of time zones, and of a page of fifty tasks, axe need not look at each.
ALIKE = "for (const more of document.querySelectorAll('option:nth-child(n+6), .task:nth-child(n+21)')) more.remove()"
AXE = """async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const options = {runOnly: tags, rules: {"target-size": {enabled: true}}, resultTypes: ["violations"]};
    const {violations} = await axe.run(options);
    return violations.flatMap(({id, nodes}) => nodes.map((node) => `${id} at ${node.target}: ${node.failureSummary}`));
}"""
NEXT_FRAME = "new Promise(requestAnimationFrame)"
OVERFLOW = "document.documentElement.scrollWidth - innerWidth"
NOTE_REPORTS = "addEventListener('securitypolicyviolation', (event) => console.error(event.violatedDirective))"


def people_in_browsers(
    app: Flask, server: Server, open_page: OpenPage, **options: object
) -> tuple[Callable[[str], Page], dict[str, str]]:
    """Return what gives everybody of the cast a page, where they are signed in, and the ids in the paths of states."""
    people, ids = make_cast(app)

    @cache
    def page_of(who: str) -> Page:
        page = open_page(**options)
        page.add_init_script(NOTE_REPORTS)
        if who in people:
            enter(app, page.context, people[who], server.url)
        return page

    return page_of, ids


def too_wide(page: Page, width: int) -> list[str]:
    """Make the window so wide, and return whether the page then scrolls sideways."""
    page.set_viewport_size({"width": width, "height": 900})
    return [f"scrolls sideways at {width}"] if page.evaluate(OVERFLOW) > 0 else []


@ONE_DATABASE
@pytest.mark.parametrize("share", range(SHARES))
def test_axe_finds_nothing_and_the_markup_is_in_order(
    app: Flask, server: Server, open_page: OpenPage, share: int
) -> None:
    # Without motion: colours in between two others are no colours of a theme.
    page_of, ids = people_in_browsers(app, server, open_page, reduced_motion="reduce")
    parser = open_page()  # an empty page, whose policy lets it parse
    found = []
    for state in STATES[share::SHARES]:
        page = page_of(state.who)
        response = reach(page, state, **ids)
        faults = parser.evaluate(MARKUP, response.text()) + too_wide(page, NARROWEST)
        page.evaluate(AXE_SCRIPT)
        page.evaluate(ALIKE)
        for scheme, width in LOOKS:
            page.emulate_media(color_scheme=scheme)
            page.evaluate(NEXT_FRAME)  # when scripts are told
            faults += too_wide(page, width)
            page.evaluate("scrollTo(0, 0)")  # elsewhere a message that stays in view covers half a button
            faults += [f"{scheme}, {width}: {each}" for each in page.evaluate(AXE)]
        found += [f"{state.name}: {each}" for each in faults]
    assert found == [], "\n".join(found)


@ONE_DATABASE
def test_without_javascript_no_page_scrolls_sideways(app: Flask, server: Server, open_page: OpenPage) -> None:
    page_of, ids = people_in_browsers(app, server, open_page, java_script_enabled=False)
    found = []
    for who, path in sorted({(state.who, state.path) for state in STATES}):
        page = page_of(who)
        page.goto(path.format(**ids))
        found += [f"{path}: {each}" for each in too_wide(page, NARROWEST)]
    assert found == [], "\n".join(found)
