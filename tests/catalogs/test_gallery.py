"""The gallery as HTML, and in a browser."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from catalogs.gallery import Exhibit, GallerySummary, StagePicture, render_gallery, write_gallery
from tests.chromium import missing_chromium, running_chromium


def a_stage(**changes: object) -> StagePicture:
    """A finished stage with one picture."""
    stage = StagePicture(
        stage="scene",
        operation="claid.scene",
        status="done",
        pictures=("pictures/A/scene.png",),
        width=800,
        height=1200,
        options='{"scene": {"prompt": "marble terrace"}, "seeds": [1, 2], "upscale": false, "guide": null}',
        credits=5.5,
        seconds=71.4,
        reason="new",
        error=None,
        job_id="job-1",
    )
    return replace(stage, **changes)  # type: ignore[arg-type] - a test's shorthand


def an_exhibit(**changes: object) -> Exhibit:
    """A delivered SKU with one garment and one stage."""
    exhibit = Exhibit(
        sku="CW-1",
        title="Linen dress",
        recipe="on-model",
        status="done",
        garments=("garments/dress.png",),
        stages=(a_stage(),),
    )
    return replace(exhibit, **changes)  # type: ignore[arg-type] - a test's shorthand


def a_summary(delivered: int = 1, **changes: object) -> GallerySummary:
    """A run that delivered every SKU."""
    summary = GallerySummary(
        recipe="on-model",
        made_at=datetime(2026, 3, 1, 2, 30, tzinfo=UTC),
        delivered=delivered,
        partial=0,
        failed=0,
        pictures=delivered,
        credits={"claid": 12.5, "vmake": 3.0},
    )
    return replace(summary, **changes)  # type: ignore[arg-type] - a test's shorthand


def one_page(*exhibits: Exhibit) -> str:
    """The only page of a small gallery."""
    ((_, html),) = render_gallery(exhibits, a_summary(len(exhibits)))
    return html


class Tags(HTMLParser):
    """Every start tag of a page with its attributes, and the set of its texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.words.add(" ".join(data.split()))

    def named(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of every tag of that name."""
        return [attributes for tag, attributes in self.tags if tag == name]


def test_garment_and_stages_stand_in_order() -> None:
    """The final picture comes first and large, then the garment, then each stage's picture."""
    stages = (a_stage(stage="model", pictures=("1.png",)), a_stage(pictures=("2.png",)))
    sources = [image.get("src") for image in Tags(one_page(an_exhibit(stages=stages))).named("img")]

    assert sources == ["2.png", "garments/dress.png", "1.png", "2.png", None]


def test_a_stage_tells_what_it_did_and_cost() -> None:
    """Operation, options, credits and seconds are readable."""
    words = Tags(one_page(an_exhibit())).words

    assert {"claid.scene", "5.5 credits", "1 min 11 s"} <= words
    assert {"scene.prompt", "marble terrace", "seeds", "1, 2", "upscale", "no"} <= words
    assert "guide" not in words


def test_options_that_are_not_json_are_shown_as_they_are() -> None:
    """A gallery is never lost to an odd option."""
    assert "{oops" in Tags(one_page(an_exhibit(stages=(a_stage(options="{oops"),)))).words


def test_the_run_is_summed_up() -> None:
    """Date, SKUs and each vendor's credits head the page."""
    ((_, html),) = render_gallery([], a_summary(8, partial=3, failed=1, pictures=1204))
    words = Tags(html).words

    assert {"1 March 2026, 02:30 UTC", "Delivered", "8", "Partial", "3", "Failed", "1", "Pictures", "1,204"} <= words
    assert {"claid credits", "12.5", "vmake credits", "3"} <= words


def test_a_failure_shows_its_error_and_the_last_good_picture() -> None:
    """The reader sees what went wrong, what to do next, and how far the SKU came."""
    failed = a_stage(status="failed", pictures=(), error="The vendor says: 'no body found'. Use a full-body photo.")
    look = an_exhibit(status="failed", stages=(a_stage(stage="model"), failed))
    page = Tags(one_page(look))

    assert {"The vendor says: 'no body found'. Use a full-body photo.", "Job", "job-1"} <= page.words
    assert "Stops after model" in page.words
    assert page.named("img")[0]["src"] == "pictures/A/scene.png"


def test_a_quarantined_row_without_pictures_is_shown() -> None:
    """A row that never reached a stage still has its place and its reason."""
    row = a_stage(stage="catalog", status="quarantined", pictures=(), error="Row 8: no such file.", options="")
    page = Tags(one_page(an_exhibit(title=None, status="quarantined", garments=(), stages=(row,))))

    assert "Row 8: no such file." in page.words
    assert "Quarantined" in page.words


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}"])
def test_whatever_a_catalog_says_stays_text(hostile: str) -> None:
    """Markup in any field is shown, never obeyed."""
    stage = a_stage(stage=hostile, operation=hostile, options=hostile, error=hostile, job_id=hostile)
    look = an_exhibit(sku=hostile, title=hostile, recipe=hostile, garments=(hostile,), stages=(stage,))
    page = Tags(one_page(look))

    assert len(page.named("script")) == 1
    assert not [tag for tag, attributes in page.tags if "onerror" in attributes]
    assert hostile in page.words


@pytest.mark.parametrize("address", ["javascript:alert(1)", "s3://bucket/a.png", "data:text/html,x", "http://[broken"])
def test_an_address_no_picture_can_have_is_not_linked(address: str) -> None:
    """Only relative and http(s) addresses become links and pictures."""
    html = one_page(an_exhibit(garments=(address,)))

    assert not [tag for tag in Tags(html).tags if address in (tag[1].get("href"), tag[1].get("src"))]
    assert "be shown here" in html


def test_the_policy_allows_only_our_own_script_and_style() -> None:
    """The content policy names the hashes of the inline script and style."""
    html = one_page(an_exhibit())
    for element in ("script", "style"):
        (inline,) = re.findall(rf"<{element}>(.*?)</{element}>", html, re.DOTALL)
        digest = b64encode(sha256(inline.encode()).digest()).decode()

        assert f"{element}-src 'sha256-{digest}'" in html


def test_the_page_needs_no_other_host() -> None:
    """Nothing in the page points off the disk it lies on."""
    assert not re.search(r"https?://|url\(|@import", one_page(an_exhibit()))


def test_pictures_are_described_sized_and_lazy() -> None:
    """No picture shifts the page, is loaded early, or lacks an alternative text."""
    *pictures, lightbox = Tags(one_page(an_exhibit())).named("img")

    assert lightbox == {"alt": ""}
    assert all(image["alt"] and image["width"] and image["height"] for image in pictures)
    assert {"lazy"} == {image["loading"] for image in pictures}


def test_five_hundred_skus_are_one_page() -> None:
    """A small gallery is one file."""
    looks = (an_exhibit(sku=f"CW-{number}") for number in range(500))

    assert [name for name, _ in render_gallery(looks, a_summary(500))] == ["gallery.html"]


def test_a_large_gallery_streams_in_pages_of_two_hundred() -> None:
    """A thousand SKUs make five linked pages, written while the source is still being read."""
    taken: list[int] = []

    def looks() -> Iterator[Exhibit]:
        for number in range(1000):
            taken.append(number)
            yield an_exhibit(sku=f"CW-{number}")

    pages = render_gallery(looks(), a_summary(1000))
    name, first = next(pages)

    assert name == "gallery.html"
    assert len(taken) == 502
    assert first.count("<article") == 200
    assert "gallery-2.html" in links(first)

    rest = dict(pages)

    assert [f"gallery-{number}.html" for number in range(2, 6)] == list(rest)
    assert {"gallery.html", "gallery-4.html"} <= links(rest["gallery-5.html"])
    assert "gallery-6.html" not in links(rest["gallery-5.html"])


def looks_of(sku: str, *names: str, **changes: object) -> list[Exhibit]:
    """A SKU in several looks."""
    return [an_exhibit(sku=sku, title=sku.title(), look=name, **changes) for name in names]


def test_the_looks_of_a_sku_stand_side_by_side() -> None:
    """Under one title, with the garments that all of them show once, and what it cost in all."""
    looks = looks_of("tee", "studio", "beach", garments=("tee.png", "jeans.png"))
    looks.append(replace(looks[0], look="skirt", garments=("tee.png", "skirt.png")))
    page = Tags(one_page(*looks, an_exhibit()))
    sources = [image.get("src") for image in page.named("img")]

    assert ["Tee, studio", "Tee, beach", "Tee, skirt", "Linen dress"] == [
        each["data-name"] for each in page.named("article")
    ]
    assert 1 == len(page.named("section"))
    assert [1, 2, 1] == [sources.count(name) for name in ("tee.png", "jeans.png", "skirt.png")]
    assert {"3 looks", "16.5 credits", "studio", "beach", "skirt"} <= page.words


def test_a_skus_looks_stay_on_one_page() -> None:
    """A page is full when its looks are two hundred, and the last SKU is whole."""
    looks = (look for number in range(200) for look in looks_of(f"tee {number}", "a", "b", "c"))
    pages = [html for _, html in render_gallery(looks, a_summary(600))]

    assert [201, 201, 198] == [html.count("<article") for html in pages]


def links(html: str) -> set[str | None]:
    """Where the page's links lead."""
    return {link["href"] for link in Tags(html).named("a")}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    if reason := missing_chromium():
        pytest.skip(reason)
    with running_chromium() as chromium:
        yield chromium


@pytest.fixture
def gallery(tmp_path: Path) -> str:
    """A gallery of three SKUs on disk, the second failed after its first stage."""
    for name in ("garment.png", "model.png", "scene.png"):
        Image.new("RGB", (60, 90), "teal").save(tmp_path / name)
    model, scene = a_stage(stage="model", pictures=("model.png",)), a_stage(pictures=("scene.png",))
    failed = a_stage(status="failed", pictures=(), error="no body found")
    looks = [
        an_exhibit(sku=f"CW-{number}", title=title, garments=("garment.png",), stages=(model, scene))
        for number, title in ((1, "Tea dress"), (2, "Chinos"), (3, "Slip dress"))
    ]
    looks[1] = replace(looks[1], status="failed", stages=(model, failed))
    return write_gallery(looks, a_summary(2, failed=1), tmp_path).as_uri()


def focused(page: Page) -> str:
    """The title of the look that has the keyboard's focus."""
    return page.evaluate("document.activeElement.querySelector('h2')?.textContent ?? ''")


@pytest.mark.browser
def test_the_keyboard_reaches_every_look_and_picture(browser: Browser, gallery: str) -> None:
    """Arrows move between looks, Enter opens the lightbox, arrows turn, Escape returns the focus."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(gallery)
    caption = page.locator(".lightbox figcaption span")

    for key in ("Tab", "Enter", "Tab"):
        page.keyboard.press(key)
    assert focused(page) == "Tea dress"
    page.keyboard.press("ArrowRight")
    assert focused(page) == "Chinos"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    assert (caption.text_content() or "").endswith("(3 of 3)")
    page.keyboard.press("ArrowLeft")
    assert (caption.text_content() or "").startswith("CW-1 · model · claid.scene")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert caption.text_content() == "CW-2 · garment (1 of 2)"
    page.keyboard.press("Escape")
    assert not page.locator(".lightbox").is_visible()
    # The browser gives the focus back a moment after the dialog has closed.
    page.wait_for_function("document.activeElement.querySelector('h2')?.textContent === 'Chinos'", timeout=5000)
    page.close()


@pytest.mark.browser
def test_looks_are_found_by_words_and_status(browser: Browser, gallery: str) -> None:
    """The search takes SKU and title, the status buttons narrow it, and nothing found is said."""
    page = browser.new_page()
    page.goto(gallery)
    titles = page.locator(".look:visible h2")

    page.get_by_placeholder("SKU or title").fill("DRESS cw-3")
    assert titles.all_text_contents() == ["Slip dress"]
    assert page.locator(".found").text_content() == "1 of 3 looks"
    page.get_by_text("Failed 1").click()
    assert page.get_by_text("Nothing matches").is_visible()
    page.get_by_placeholder("SKU or title").fill("")
    assert titles.all_text_contents() == ["Chinos"]
    page.close()


@pytest.mark.browser
def test_looks_side_by_side_are_turned_through_and_found(browser: Browser, tmp_path: Path) -> None:
    """The lightbox shows what they share once; a SKU none of whose looks is found goes."""
    for name in ("garment.png", "scene.png"):
        Image.new("RGB", (60, 90), "teal").save(tmp_path / name)
    stage = a_stage(pictures=("scene.png",), width=None)
    more = {"garments": ("garment.png",), "stages": (stage,)}
    looks = [*looks_of("tee", "studio", "beach", **more), *looks_of("dress", "studio", "street", **more)]
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto(write_gallery(looks, a_summary(4), tmp_path).as_uri())
    page.locator(".shared a").first.click()
    caption = page.locator(".lightbox figcaption")
    said: list[str] = []
    for _ in range(6):
        said.append(" | ".join(caption.locator("strong, span").all_text_contents()))
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    page.get_by_placeholder("SKU, title or look").fill("beach")

    assert [
        "Tee, studio | tee · garment (1 of 2)",
        "Tee, studio | tee · studio · scene · claid.scene (2 of 2)",
        "Tee, beach | tee · beach · scene · claid.scene (1 of 1)",
        "Dress, studio | dress · garment (1 of 2)",
        "Dress, studio | dress · studio · scene · claid.scene (2 of 2)",
        "Dress, street | dress · street · scene · claid.scene (1 of 1)",
    ] == said
    assert ["Tee"] == page.locator(".rail:visible h2").all_text_contents()
    assert ["beach"] == page.locator(".look:visible h3.name").all_text_contents()
    assert [] == messages
    page.close()


@pytest.mark.browser
def test_the_gallery_stands_still_and_is_quiet(browser: Browser, gallery: str) -> None:
    """Pictures load from disk without a layout shift, a console message or a request elsewhere."""
    page = browser.new_page(viewport={"width": 420, "height": 4000})
    messages: list[str] = []
    requested: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("request", lambda request: requested.append(request.url))
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries())"
        " window.shift += entry.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    page.goto(gallery, wait_until="networkidle")
    scrolled = page.evaluate("document.documentElement.scrollWidth")

    assert messages == []
    assert scrolled == 420
    assert all(url.startswith("file://") for url in requested)
    assert page.evaluate("[...document.images].slice(0, -1).every((image) => image.naturalWidth > 0)")
    assert page.evaluate("window.shift") < 0.1
    page.close()


@pytest.mark.browser
def test_the_gallery_works_without_scripts(browser: Browser, gallery: str) -> None:
    """With scripts off, pictures are plain links and the search that can't work is not shown."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(gallery)

    assert page.locator(".look").count() == 3
    assert not page.locator(".finder").is_visible()
    page.locator(".cover a.frame").first.click()
    assert page.url.endswith("scene.png")
    context.close()
