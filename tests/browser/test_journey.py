"""The whole way of a person through the pages, with JavaScript and without."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.steps import add, fill_sign_in, in_each_way_on_each_database
from tests.people import PASSWORD, Person

NEW_PASSWORD = "another quite different phrase"


@in_each_way_on_each_database
def test_the_whole_journey(open_page: OpenPage, javascript: bool) -> None:
    page = open_page(java_script_enabled=javascript)

    # Somebody new is led to sign in, and from there to register.
    page.goto("/tasks?status=completed")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Name").fill("Erin")
    page.get_by_label("E-mail address").fill("erin@example.org")
    page.get_by_label("Password", exact=True).fill("short")
    page.locator("main").get_by_role("button").last.click()
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("There is a problem")
    expect(page).to_have_title(re.compile("^Error: Create an account"))
    expect(page.get_by_label("E-mail address")).to_have_value("erin@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button").last.click()

    # They arrive where they wanted to go.
    expect(page).to_have_url(re.compile(r"/tasks\?status=completed$"))
    page.get_by_role("link", name="Open").click()
    expect(page.get_by_role("heading", name="No tasks yet")).to_be_visible()

    # Add, complete, undo.
    add(page, "Buy milk")
    add(page, "Call the <b>dentist</b>")
    page.get_by_role("button", name="Complete: Buy milk").click()
    expect(page.get_by_role("link", name="Buy milk")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="Buy milk")).to_be_visible()

    # Edit: a due time without a date is refused and nothing is lost.
    page.get_by_role("link", name="Buy milk").click()
    edit = page.locator("#edit")  # over the list where there is JavaScript, so that its labels are there twice
    edit.get_by_label("Title").fill("Buy oat milk")
    edit.get_by_label("Due time").fill("14:30")
    edit.get_by_label("Tags").fill("Home food")
    edit.get_by_label("Notes").fill("Two bottles.\nNot the sweet one.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("A due time needs a due date.")
    expect(edit.get_by_label("Title")).to_have_value("Buy oat milk")
    expect(edit.get_by_label("Notes")).to_have_value("Two bottles.\nNot the sweet one.")
    edit.get_by_label("Due date").fill("2030-01-02")
    edit.get_by_label("Due time").fill("14:30")
    edit.get_by_label("Priority").select_option("High")
    page.get_by_role("button", name="Save").click()
    row = page.get_by_role("listitem").filter(has_text="Buy oat milk")
    expect(row).to_contain_text("2 Jan 2030, 14:30")
    expect(row).to_contain_text("High")

    # Tags and search narrow the list.
    row.get_by_role("link", name="food").click()
    expect(page.get_by_role("link", name="Call the <b>dentist</b>")).to_have_count(0)
    page.get_by_role("link", name="Show the whole list").click()
    expect(page.get_by_role("link", name="Call the <b>dentist</b>")).to_be_visible()
    page.get_by_label("Search open tasks").fill("dentist")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("link", name="Call the <b>dentist</b>")).to_be_visible()
    expect(page.get_by_role("link", name="Buy oat milk")).to_have_count(0)
    page.get_by_role("link", name="Show the whole list").click()

    # Delete, find it in the trash, restore it.
    page.get_by_role("button", name="Delete: Buy oat milk").click()
    page.get_by_role("link", name="Trash").click()
    page.get_by_role("button", name="Restore: Buy oat milk").click()
    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    page.get_by_role("link", name="Open", exact=False).first.click()
    expect(page.get_by_role("link", name="Buy oat milk")).to_be_visible()

    # The account: profile, password, activity.
    page.get_by_role("link", name="Account").click()
    page.get_by_label("Name").fill("Erin E.")
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    page.get_by_role("button", name="Save profile").click()
    expect(page.get_by_role("status")).to_contain_text("Profile saved.")
    expect(page.get_by_label("Name")).to_have_value("Erin E.")
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    page.get_by_label("Current password").fill("not my password")
    page.get_by_label("New password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert")).to_contain_text("The current password is wrong.")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status")).to_contain_text("Password changed.")
    expect(page.get_by_text("Current password given wrongly")).to_be_visible()

    # Sign out; the way back does not show what was there; sign in again and leave for good.
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Current password")).to_have_count(0)
    page.goto("/login")
    fill_sign_in(page, "erin@example.org", PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("The e-mail address or the password is wrong.")
    fill_sign_in(page, "erin@example.org", NEW_PASSWORD)
    page.get_by_role("link", name="Account").click()
    page.get_by_label("Your password").fill(NEW_PASSWORD)
    page.get_by_label("Delete my account and everything in it, for good").check()
    page.get_by_role("button", name="Delete account").click()
    expect(page.get_by_text("Your account and everything in it has been deleted.")).to_be_visible()
    fill_sign_in(page, "erin@example.org", NEW_PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("The e-mail address or the password is wrong.")


@in_each_way_on_each_database
def test_a_device_can_be_signed_out_from_another(open_page: OpenPage, alice: Person, javascript: bool) -> None:
    here, there = open_page(java_script_enabled=javascript), open_page(java_script_enabled=javascript)
    for page in (here, there):
        page.goto("/login?next=/account")
        fill_sign_in(page, alice.email, PASSWORD)
        expect(page.get_by_role("heading", name="Devices")).to_be_visible()
    here.reload()
    here.get_by_role("button", name="Sign out all others").click()
    expect(here.get_by_role("status")).to_contain_text("All other devices are signed out.")
    there.goto("/tasks")
    expect(there.get_by_role("heading", name="Sign in")).to_be_visible()
    assert alice.get("/api/me").status_code == 401
    here.goto("/tasks")
    expect(here.get_by_role("heading", name="Open tasks")).to_be_visible()
