"""The pages of Prefect's two UIs as a person uses them: what is written there, and what can be clicked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Browser, Locator, Page

__all__ = ["UI", "Form", "Pages"]

UI = Literal["v1", "v2"]

# What surrounds one field with its label, in each UI.
FIELD = {"v1": ".schema-form-property", "v2": "div.group"}
PREFIX = {"v1": "", "v2": "/v2"}
PAGE_MILLISECONDS = 60_000


@dataclass(frozen=True)
class Form:
    """The page on which a deployment's run is filled in."""

    ui: UI
    page: Page

    def field(self, label: str) -> Locator:
        """One field with its label, at any depth; the label names it on the whole page."""
        told = self.page.get_by_text(label, exact=True)
        return self.page.locator(FIELD[self.ui], has=told).last

    def labels(self) -> list[str]:
        """The labels of all fields, from top to bottom."""
        label = ".schema-form-property__label" if self.ui == "v1" else f"{FIELD['v2']} label[data-slot=label]"
        return self.page.locator(label).all_inner_texts()

    def choose(self, label: str, word: str) -> None:
        """Switch a field to another of its types."""
        self.field(label).get_by_text(word, exact=True).first.click()

    def write(self, label: str, text: str) -> None:
        """Fill in a text or a number."""
        self.field(label).locator("textarea, input").first.fill(text)

    def add(self, label: str, text: str) -> None:
        """Add an item to a list."""
        self.field(label).get_by_role("button", name="Add item").click()
        self.field(label).locator("textarea, input").last.fill(text)

    def select(self, label: str, word: str) -> None:
        """Choose from the words that a field allows."""
        shown = self.field(label).locator("fieldset").last.get_by_role("button").first
        # The older UI closes its list again at once where a click is quick; the keyboard opens it for good.
        if self.ui == "v1":
            shown.press("ArrowDown")
        else:
            shown.click()
        self.page.get_by_text(word, exact=True).last.click()

    def submit(self) -> None:
        """Ask for the run."""
        self.page.get_by_role("button", name="Submit", exact=True).click()


@dataclass(frozen=True)
class Pages:
    """A browser at one of the UIs of the server at `address`."""

    ui: UI
    address: str
    page: Page

    @classmethod
    def opened(cls, browser: Browser, address: str, ui: UI) -> Pages:
        """A new window that has chosen this UI."""
        context = browser.new_context(viewport={"width": 1400, "height": 2600})
        context.set_default_timeout(PAGE_MILLISECONDS)
        context.add_cookies([{"name": "prefect_ui_version", "value": ui, "url": address}])
        return cls(ui, address, context.new_page())

    def go(self, path: str) -> None:
        """Open a page by its address."""
        self.page.goto(f"{self.address}{PREFIX[self.ui]}{path}", wait_until="domcontentloaded")

    def custom_run(self, deployment: str) -> Form:
        """From the deployment's page to its form, by its Run button."""
        self.go(f"/deployments/deployment/{deployment}")
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_text("Custom run", exact=True).click()
        form = Form(self.ui, self.page)
        form.field("Limit (Optional)").locator("input").wait_for()
        return form
