"""A person at Prefect's own pages, in a real browser: a run from the form, what the form refuses, why an SKU failed."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, expect

from tests.chromium import missing_chromium, running_chromium
from tests.deployments.conftest import Catwalk
from tests.deployments.prefect_pages import UI, Form, Pages
from tests.machines.postgres import missing_postgres, running_postgres
from tests.prefect_server import PrefectServer, eventually, running_server, running_worker
from tests.s3_servers import free_port

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.slow]

ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
PAGE_MILLISECONDS = 60_000
FIRST_LABELS = ["Catalog", "Catalog", "Recipe (Optional)", "Output", "SKUs (Optional)", "Limit (Optional)"]

Charges = Callable[[], list[dict[str, Any]]]


@dataclass(frozen=True)
class Shop:
    """A shop that has been set up, with a worker, and its twelve SKUs."""

    server: PrefectServer
    catalog: Path

    @property
    def deployment(self) -> str:
        """The deployment that people start."""
        return self.server.get("/deployments/name/process-catalog/catalog")["id"]

    def runs(self) -> list[dict[str, Any]]:
        """Every run of that deployment, whoever created it."""
        return self.server.find("flow_runs", deployments={"id": {"any_": [self.deployment]}})

    def ended(self, seen: set[str]) -> dict[str, Any] | None:
        """The run that was not there before, once it has ended."""
        new = [run for run in self.runs() if run["id"] not in seen]
        return next((run for run in new if run["state"]["type"] in ENDED), None)


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Debian's Chromium, without a window."""
    if reason := missing_chromium():
        pytest.skip(reason)
    with running_chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def shop(
    offline_catwalk: Catwalk, write_catalog: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Generator[Shop]:
    """PostgreSQL, Prefect's server with its pages, `catwalk setup`, and a worker."""
    if reason := missing_postgres() or missing_chromium():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("shop")
    broken = folder / "broken.png"
    broken.write_bytes(b"not a picture")
    catalog = write_catalog(folder, CW_T102={"top_garment": str(broken)})
    with ExitStack() as open_:
        database = open_.enter_context(running_postgres(free_port("127.0.0.1")))
        settings = {"PREFECT_API_DATABASE_CONNECTION_URL": database, "PREFECT_SERVER_UI_ENABLED": "true"}
        (folder / "prefect").mkdir()
        server = open_.enter_context(running_server(folder / "prefect", settings=settings))
        setup = Catwalk({**offline_catwalk.environment, **server.environment})
        said = setup("setup", "--catalog", "catalog.parquet", "--output", "out", folder=folder)
        assert 0 == said.code, said.err
        open_.enter_context(running_worker(server, "catwalk"))
        yield Shop(server, catalog)


@pytest.fixture(params=["v1", "v2"])
def pages(request: pytest.FixtureRequest, browser: Browser, shop: Shop, tmp_path: Path) -> Generator[Pages]:
    """A window at each of the UIs that Prefect ships; what it showed last is kept as `page.png`."""
    ui: UI = request.param
    opened = Pages.opened(browser, shop.server.api_url.removesuffix("/api"), ui)
    yield opened
    opened.page.screenshot(path=tmp_path / "page.png")
    opened.page.context.close()


def test_a_run_started_from_the_form_delivers_what_was_filled_in(
    pages: Pages, shop: Shop, charges: Charges, tmp_path: Path
) -> None:
    """Another recipe, another output, and one SKU instead of a number of them: that and nothing else is paid."""
    sku = {"v1": "CW-T103", "v2": "CW-T104"}[pages.ui]
    seen, before = {run["id"] for run in shop.runs()}, len(charges())
    form = pages.custom_run(shop.deployment)
    form.select("Recipe (Optional)", "preset-model")
    form.write("Output", str(tmp_path / "pictures"))
    form.choose("Limit (Optional)", "None")
    form.add("SKUs (Optional)", sku)
    pages.page.screenshot(path=tmp_path / "filled.png")
    form.submit()
    run = eventually(lambda: shop.ended(seen), "the run's end", seconds=200)
    pages.go(f"/runs/flow-run/{run['id']}")
    expect(pages.page.get_by_text("Completed", exact=True).first).to_be_visible(timeout=PAGE_MILLISECONDS)

    assert "1 of 1 items delivered" in run["state"]["message"]
    assert {"skus": [sku], "limit": None} == {
        name: run["parameters"]["run"]["selection"].get(name) for name in ("skus", "limit")
    }
    rows = pq.read_table(tmp_path / "pictures" / "manifest.parquet").to_pylist()
    assert {(sku, "preset-model", stage, "done") for stage in ("model", "style", "scene")} == {
        (row["sku"], row["recipe"], row["stage"], row["status"]) for row in rows
    }
    assert len(rows) == len(charges()) - before


def _no_items(form: Form) -> None:
    form.write("Limit (Optional)", "0")


def _unknown_recipe(form: Form) -> None:
    form.choose("Recipe (Optional)", "Recipe file")
    form.write("Recipe (Optional)", "autumn")


def _no_output(form: Form) -> None:
    form.write("Output", "")


@pytest.mark.parametrize(
    ("fill", "words"),
    [
        (_no_items, "0 is less than the minimum of 1"),
        (_unknown_recipe, "'autumn' does not match '^(on-model|preset-model|three-scenes|.+[.]ya?ml)$'"),
        (_no_output, "'output' is a required property"),
    ],
)
def test_the_form_refuses_what_no_run_could_use(
    pages: Pages, shop: Shop, fill: Callable[[Form], None], words: str
) -> None:
    """It stays open and says in words what is wrong; no run is created."""
    before = len(shop.runs())
    form = pages.custom_run(shop.deployment)
    fill(form)
    form.submit()

    expect(pages.page.get_by_text(words).first).to_be_visible(timeout=PAGE_MILLISECONDS)
    assert pages.page.url.endswith("/run") or "/run?" in pages.page.url
    assert before == len(shop.runs())


def test_the_fields_stand_in_the_order_of_their_weight(pages: Pages, shop: Shop) -> None:
    """What everybody fills in comes first, although PostgreSQL keeps no order of fields."""
    labels = pages.custom_run(shop.deployment).labels()

    assert FIRST_LABELS == [label for label in labels if label in FIRST_LABELS]


def test_three_clicks_tell_why_an_sku_failed(shop: Shop, browser: Browser, tmp_path: Path) -> None:
    """From the list of runs: the run, its artifacts, its troubles, where SKU, stage and cause stand in a line."""
    parameters = shop.server.get(f"/deployments/{shop.deployment}")["parameters"]
    selection = {"skus": ["CW-T101", "CW-T102"]}
    run = {**parameters["run"], "output": str(tmp_path / "pictures"), "selection": selection}
    body = {"parameters": {"run": run}, "state": {"type": "SCHEDULED"}}
    seen = {one["id"] for one in shop.runs()}
    created = shop.server.post(f"/deployments/{shop.deployment}/create_flow_run", body).raise_for_status().json()
    ended = eventually(lambda: shop.ended(seen), "the run's end", seconds=200)
    pages = Pages.opened(browser, shop.server.api_url.removesuffix("/api"), "v1")
    pages.go("/runs")
    pages.page.locator(f"a[href*='{created['id']}']").first.click()
    pages.page.get_by_text("Artifacts", exact=True).first.click()
    pages.page.get_by_text("catwalk-failures", exact=True).first.click()
    cause = pages.page.get_by_text("broken.png is text, not a picture. Replace it at its source.")
    expect(cause).to_be_visible(timeout=PAGE_MILLISECONDS)
    told = pages.page.get_by_role("row").last.inner_text().split()
    pages.page.screenshot(path=tmp_path / "troubles.png")
    pages.page.context.close()

    assert "Partial" == ended["state"]["name"]
    assert ["CW-T102", "model", "failed", "broken_picture"] == told[:4]
