"""Runs that are woken by deliveries: real processes for vendor, receiver and run, and everything that can go wrong."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.server import running_sandbox
from sandbox.settings import SandboxSettings
from tests.deployments.conftest import Catwalk, Ended
from tests.deployments.receiving import SECRET, RunningReceiver, running_receiver
from tests.flows.bench import EDIT_ONLY, catalog
from tests.flows.vendors import Vendors
from tests.prefect_server import eventually

ITEMS = 8
DELIVERED = 0
# Longer than any command may take: a run that ends was woken.
NEVER_SECONDS = 3600
WAIT_SECONDS = 90.0
ALL_KINDS: list[dict[str, Any]] = [
    {"fault": "forged_delivery"},
    {"fault": "wrong_delivery"},
    {"fault": "missing_delivery"},
    {"fault": "late_delivery", "seconds": NEVER_SECONDS},
    {"fault": "slow_delivery", "seconds": 1},
    {"fault": "reordered_delivery"},
    {"fault": "duplicate_delivery"},
]


@pytest.fixture(scope="module")
def _sandbox() -> Generator[Vendors]:
    settings = SandboxSettings(job_seconds=NEVER_SECONDS, limits="off", picture_size=128, drawing="quick")
    with running_sandbox(settings) as sandbox:
        yield Vendors(sandbox.url)


@pytest.fixture
def vendors(_sandbox: Vendors) -> Vendors:
    """Vendors whose jobs end when the tests say so."""
    _sandbox.forget()
    return _sandbox


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a catalog and a recipe."""
    catalog(tmp_path, ITEMS)
    (tmp_path / "recipe.yaml").write_text(EDIT_ONLY)
    return tmp_path


@pytest.fixture
def receiver(tmp_path_factory: pytest.TempPathFactory, vendors: Vendors) -> Generator[RunningReceiver]:
    """A receiver that is set in the vendor's dashboard."""
    with running_receiver(tmp_path_factory.mktemp("receiver")) as running:
        deliver_to(vendors, running.url)
        yield running


def deliver_to(vendors: Vendors, url: str) -> None:
    """Fill in the vendor's Webhook Settings."""
    body = {"url": f"{url}/claid", "secret": SECRET, "retry_seconds": []}
    httpx.put(f"{vendors.url}/sandbox/webhook", json=body).raise_for_status()


def polls(vendors: Vendors) -> int:
    """How often jobs have been asked for."""
    return vendors.requests().get("claid.edit poll", 0)


@pytest.fixture
def run(catwalk: Catwalk, vendors: Vendors, shop: Path) -> Callable[..., Ended]:
    """Runs the catalog; `meanwhile` happens while all its jobs are at the vendor, who then ends them."""

    def running(receiver: str, poll: float, patience: float, meanwhile: Callable[[], Any] = lambda: None) -> Ended:
        process = catwalk.started(
            *("run", "catalog.parquet", "--recipe", "recipe.yaml", "--output", "out"),
            folder=shop,
            CLAID_BASE_URL=vendors.url,
            CLAID_LIMITS="{}",
            CLAID_POLL_SECONDS=f"{poll:g}",
            CLAID_WEBHOOK_SECRET=SECRET,
            CLAID_WEBHOOK_RECEIVER=receiver,
            CLAID_WEBHOOK_PATIENCE=f"{patience:g}",
        )
        try:
            eventually(lambda: len(vendors.charges()) == ITEMS or None, "the jobs' acceptance", seconds=WAIT_SECONDS)
            meanwhile()
            vendors.pass_time(NEVER_SECONDS)
            out, err = process.communicate(timeout=WAIT_SECONDS)
        finally:
            process.kill()
        return Ended(process.returncode, out, err)

    return running


def check(ended: Ended, vendors: Vendors) -> None:
    """Every item is delivered and paid once, and the secret stayed where it was."""
    assert DELIVERED == ended.code, ended.out + ended.err
    assert f"{ITEMS} items" in ended.out or f"{ITEMS} of {ITEMS}" in ended.out
    charges = vendors.charges()
    assert ITEMS == len(charges) == len({charge["digest"] for charge in charges})
    assert "KEEPSECRET" not in ended.out + ended.err


def test_each_job_is_asked_for_once_when_its_delivery_has_come(
    run: Callable[..., Ended], vendors: Vendors, receiver: RunningReceiver
) -> None:
    """No poll before, one after: without deliveries this run would not end."""
    ended = run(receiver.url, NEVER_SECONDS, NEVER_SECONDS)

    check(ended, vendors)
    assert ITEMS == polls(vendors)
    assert ITEMS == receiver.health()["deliveries"]["taken"]


def test_bad_deliveries_cost_nothing_but_time(
    run: Callable[..., Ended], vendors: Vendors, receiver: RunningReceiver
) -> None:
    """Forged, of something else, missing, late, slow, reordered, doubled: each job is fetched all the same."""
    for rule in ALL_KINDS:
        vendors.misbehave(**rule, times=1)
    ended = run(receiver.url, 1, 2)

    check(ended, vendors)


@pytest.mark.slow
def test_a_run_goes_on_polling_when_the_receiver_dies(
    run: Callable[..., Ended], vendors: Vendors, receiver: RunningReceiver
) -> None:
    """At once: it does not wait for the patience that it had."""

    def die() -> None:
        eventually(lambda: receiver.health()["runs"] or None, "the run's question", seconds=WAIT_SECONDS)
        receiver.kill()

    ended = run(receiver.url, 1, NEVER_SECONDS, die)

    check(ended, vendors)


@pytest.mark.slow
def test_a_run_finds_a_receiver_that_was_started_anew(
    run: Callable[..., Ended], vendors: Vendors, receiver: RunningReceiver, tmp_path: Path
) -> None:
    """Which knows nothing of what was, and tells what comes."""
    with ExitStack() as stack:

        def start_anew() -> None:
            eventually(lambda: receiver.health()["runs"] or None, "the run's question", seconds=WAIT_SECONDS)
            receiver.kill()
            stack.enter_context(running_receiver(tmp_path, int(receiver.url.rpartition(":")[2])))

        ended = run(receiver.url, NEVER_SECONDS, NEVER_SECONDS, start_anew)

    check(ended, vendors)
    assert ITEMS == polls(vendors)


def test_a_run_needs_no_receiver(run: Callable[..., Ended], vendors: Vendors) -> None:
    """It says once that none answers, and polls."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    ended = run(nobody, 0.5, NEVER_SECONDS)

    check(ended, vendors)


@pytest.mark.slow
def test_a_run_does_without_deliveries_that_never_come(
    run: Callable[..., Ended], vendors: Vendors, receiver: RunningReceiver
) -> None:
    """The receiver answers, and the vendor's dashboard is empty: patience is lost once, not for each job."""
    httpx.delete(f"{vendors.url}/sandbox/webhook").raise_for_status()
    ended = run(receiver.url, 1, 3)

    check(ended, vendors)
    assert {} == receiver.health()["deliveries"]


def test_doctor_says_whether_the_receiver_answers(catwalk: Catwalk, receiver: RunningReceiver) -> None:
    """And whether it has the same secret."""
    settings = {"CLAID_WEBHOOK_RECEIVER": receiver.url}
    well = catwalk("doctor", CLAID_WEBHOOK_SECRET=SECRET, **settings)
    unwell = catwalk("doctor", CLAID_WEBHOOK_SECRET="KEEPSECRET-of-another-account", **settings)

    assert [0, 1] == [well.code, unwell.code]
    assert f"the webhook receiver at {receiver.url} answers" in well.out
    assert "can't be asked: HTTP 401" in unwell.out
    assert "KEEPSECRET" not in well.out + well.err + unwell.out + unwell.err
