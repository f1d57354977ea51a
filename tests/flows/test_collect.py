"""From an accepted job to its pictures in storage, by whoever finds it, without paying again."""

from __future__ import annotations

import asyncio
import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from blocks import exchange
from blocks.claid import ClaidCredentials
from blocks.errors import AuthFailed, Unavailable
from blocks.operation import Finished
from blocks.operations import OPERATIONS
from blocks.storage import ObjectStorage
from catalogs import ledger
from catalogs.ledger import Attempt, AttemptState, now
from catalogs.plan import Unit
from catalogs.sources import PictureSources
from flows.collect import collect
from flows.desk import Desk
from flows.lane import Lane, LaneClosed
from flows.progress import RunProgress
from flows.unit import finish_unit
from tests.catalogs.made import a_unit, an_attempt
from tests.flows.bench import catalog, desk, planned
from tests.flows.recorder import picture_host
from tests.flows.vendors import Vendors

pytestmark = pytest.mark.usefixtures("closed_client")

PUBLIC = "https://8.8.8.8"


@pytest.fixture(scope="module")
def job_seconds() -> float:
    """Long enough for a run to die in the meantime."""
    return 0.3


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "FIRST_BACKOFF_SECONDS", 0.001)
    # Jobs are shorter here than a look at a journal stays fresh.
    monkeypatch.setattr(ledger, "FRESH_SECONDS", 0.0)


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    """An edit of one picture."""
    return planned(catalog(tmp_path / "catalog", 1))[0].units[0]


@pytest.fixture
async def submitted(vendors: Vendors, unit: Unit, tmp_path: Path) -> Attempt:
    """An attempt whose job runs at the vendor, left by a run that was killed."""
    at = desk(vendors, str(tmp_path))
    dying = asyncio.create_task(finish_unit(at, unit, None))
    while (attempt := await at.ledger.latest(unit.unit_key)) is None or attempt.state is not AttemptState.SUBMITTED:
        await asyncio.sleep(0.005)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    return attempt


async def test_a_job_ends_with_its_picture_in_storage(vendors: Vendors, submitted: Attempt, tmp_path: Path) -> None:
    """The ledger says done once the picture it names is there, whole."""
    at = desk(vendors, str(tmp_path), run_id="run-2")

    ended = await collect(at, submitted)

    picture = ended.pictures[0]
    stored = Path(picture.uri.removeprefix("file://")).read_bytes()
    assert (AttemptState.DONE, ended) == (ended.state, await at.ledger.latest(submitted.unit_key))
    assert (hashlib.sha256(stored).hexdigest(), len(stored)) == (picture.sha256, picture.bytes)
    assert 1 == len(vendors.charges())


async def test_a_job_that_outlives_its_deadline_stays_submitted(vendors: Vendors, unit: Unit, tmp_path: Path) -> None:
    """It is neither failed nor repeated: the next run asks for it again."""
    vendors.misbehave("job_never_ends", times=1)
    at = desk(vendors, str(tmp_path), job=0.1)

    with pytest.raises(Unavailable, match="the job is asked for, not repeated"):
        await finish_unit(at, unit, None)

    left = await at.ledger.latest(unit.unit_key)
    assert left is not None
    assert AttemptState.SUBMITTED == left.state


async def test_an_old_job_is_asked_for_at_least_once(vendors: Vendors, submitted: Attempt, tmp_path: Path) -> None:
    """Its time is long over when a later run finds it, and the vendor may hold its picture."""
    old = submitted.becomes(AttemptState.SUBMITTED, submitted_at=now() - timedelta(hours=20))
    at = desk(vendors, str(tmp_path), run_id="run-2")
    operation, account = OPERATIONS[old.operation], at.lane_of(old.operation).account
    while not isinstance(await operation.poll(account, str(old.job_id)), Finished):
        await asyncio.sleep(0.01)

    ended = await collect(at, old)

    assert AttemptState.DONE == ended.state


async def test_a_job_that_the_vendor_has_forgotten_is_failed(
    vendors: Vendors, submitted: Attempt, tmp_path: Path
) -> None:
    """After 24 hours it can't be had, and saying otherwise would ask for it every night."""
    vendors.forget()

    ended = await collect(desk(vendors, str(tmp_path), run_id="run-2"), submitted)

    assert (AttemptState.FAILED, "result_expired") == (ended.state, ended.error_kind)


async def test_a_picture_that_can_not_be_had_now_leaves_the_job_submitted(
    vendors: Vendors, submitted: Attempt, tmp_path: Path
) -> None:
    """It is paid, and will be fetched by the next run."""
    vendors.misbehave("error_503", phase="download")
    at = desk(vendors, str(tmp_path), run_id="run-2")

    with pytest.raises(Unavailable, match="will be fetched, not repeated"):
        await collect(at, submitted)

    vendors.behave()
    assert AttemptState.DONE == (await finish_unit(at, _same(submitted), None)).state
    assert 1 == len(vendors.charges())


async def test_a_key_that_is_refused_while_polling_closes_the_lane_and_loses_no_job(
    vendors: Vendors, submitted: Attempt, tmp_path: Path
) -> None:
    """Nothing further is bought, and the job waits for a run with a good key."""
    at = desk(vendors, str(tmp_path), run_id="run-2", key="wrong-key")

    with pytest.raises(AuthFailed):
        await collect(at, submitted)

    with pytest.raises(LaneClosed):
        at.lane_of(submitted.operation).check_open()
    assert AttemptState.DONE == (await collect(desk(vendors, str(tmp_path)), submitted)).state


@pytest.mark.parametrize(
    "address",
    ["{host}/secret.png", "http://[::1]:1/x.png", "file:///etc/passwd", "ftp://8.8.4.4/", "http://8.8.4.4:99999/"],
)
async def test_a_public_vendor_can_not_send_us_to_private_places(unit: Unit, tmp_path: Path, address: str) -> None:
    """Results at addresses of this machine or network, or of another kind, fail the row; nobody is asked."""
    storage = ObjectStorage.from_uri(str(tmp_path / "output"))
    lane = Lane(ClaidCredentials(api_key=SecretStr("key"), base_url=PUBLIC))
    at = Desk(storage, PictureSources("/"), {"Claid": lane}, RunProgress(0), run_id="run-2")
    with picture_host({"/secret.png": (200, b"secret")}) as host:
        attempt = _scene(unit, address.format(host=host.url))
        await at.ledger.claim(attempt)

        ended = await finish_unit(at, unit, None)

    assert (AttemptState.FAILED, "job_failed") == (ended.state, ended.error_kind)
    assert re.search(r"private address|no http\(s\) address|no valid address", ended.error_message or "")
    assert [] == host.requests


async def test_a_vendor_that_refuses_the_pictures_once_it_has_looked_ends_the_job(unit: Unit, tmp_path: Path) -> None:
    """Asking again every night would change nothing."""
    answer = b'{"error_code": 422, "error_detail": {"code": "ERROR_CONTENT_NON_COMPLIANCE", "message": "Not allowed."}}'
    with picture_host({"/api/common/query-async-task-result": (422, answer)}) as host:
        at = desk(Vendors(host.url), str(tmp_path / "output"))
        refine = _scene(unit, "").model_copy(update={"operation": "ailabtools.try_on_refiner", "job_id": "7"})

        ended = await collect(at, refine)

    assert (AttemptState.FAILED, "content_refused") == (ended.state, ended.error_kind)
    assert "Not allowed." in (ended.error_message or "")


async def test_a_scenes_results_are_fetched_from_the_ledger(
    vendors: Vendors, submitted: Attempt, tmp_path: Path
) -> None:
    """A synchronous call leaves no job to ask for, so its addresses are all that a dead run leaves."""
    at = desk(vendors, str(tmp_path), run_id="run-2")
    done = await collect(at, submitted)
    with picture_host({"/scene.png": (200, Path(done.pictures[0].uri.removeprefix("file://")).read_bytes())}) as host:
        ended = await collect(at, _scene(_same(submitted), f"{host.url}/scene.png?X-Amz-Signature=abc"))

    assert AttemptState.DONE == ended.state
    assert done.pictures[0].sha256 == ended.pictures[0].sha256


def _scene(unit: Unit, address: str) -> Attempt:
    told: dict[str, Any] = {"state": AttemptState.SUBMITTED, "submitted_at": now(), "results": (address,)}
    return an_attempt(unit, stage="scene", operation="claid.scene", credits=1, claimed_at=now(), **told)


def _same(attempt: Attempt) -> Unit:
    facts = {name: getattr(attempt, name) for name in ("recipe", "sku", "stage", "operation", "unit_key", "credits")}
    return a_unit(options="{}", inputs={}, **facts)
