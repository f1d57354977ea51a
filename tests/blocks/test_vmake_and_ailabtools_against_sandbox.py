"""Vmake's and AILabTools' operations from end to end over HTTP, against the sandbox's own reading of their pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from blocks import AILabToolsCredentials, VmakeCredentials, exchange
from blocks.account import VendorAccount
from blocks.ailabtools import TryOnRefiner
from blocks.checkup import balance_of, check_account
from blocks.download import download
from blocks.errors import (
    AuthFailed,
    ContractDrift,
    JobFailed,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    ResultExpired,
    Unavailable,
    VendorError,
)
from blocks.operation import Finished, Inputs, Operation, Picture, Result
from blocks.pictures import PictureInfo
from blocks.transport import close_client
from blocks.vmake import FashionModel
from sandbox.server import RunningSandbox, running_sandbox
from sandbox.settings import SandboxSettings
from tests.blocks.vendor_server import png

POLLS = 200

PICTURES = [Picture(name, png(200 + size), "image/png") for size, name in enumerate("ptbc")]
INPUTS = Inputs(
    person_image=PICTURES[0], top_garment=PICTURES[1], bottom_garment=PICTURES[2], picture=PICTURES[3], gender="woman"
)
CASES: list[tuple[Operation[Any, Any], dict[str, Any]]] = [
    (FashionModel(), {"model_id": "002", "scene_type": "preset", "scene_id": "035", "batch_size": 2}),
    (TryOnRefiner(), {}),
]
each_operation = pytest.mark.parametrize(("operation", "options"), CASES, ids=["vmake", "ailabtools"])


@pytest.fixture(scope="module")
def sandbox() -> Generator[RunningSandbox]:
    """A sandbox whose jobs take a moment."""
    settings = SandboxSettings(job_seconds=0.02, limits="off", picture_size=64, draw_processes=0)
    with running_sandbox(settings) as running:
        yield running


@pytest.fixture(autouse=True)
async def _clean(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[None]:
    monkeypatch.setattr(exchange, "FIRST_BACKOFF_SECONDS", 0.01)
    yield
    httpx.delete(f"{sandbox.url}/sandbox/faults", trust_env=False)
    await close_client()


def account(sandbox: RunningSandbox, operation: Operation[Any, Any], key: str = "some-key") -> Any:
    """The operation's account at the sandbox, without limits of its own."""
    settings = {"api_key": key, "base_url": sandbox.url, "limits": {}, "timeouts": {"connect": 2, "reply": 5}}
    return operation.account_type.model_validate(settings)


async def misbehave(sandbox: RunningSandbox, fault: str, **how: Any) -> None:
    """Put a fault in force."""
    httpx.post(f"{sandbox.url}/sandbox/faults", json={"fault": fault, **how}, trust_env=False).raise_for_status()


async def charges(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    """What the sandbox accepted so far."""
    return httpx.get(f"{sandbox.url}/sandbox/charges", trust_env=False).json()


async def submit(operation: Operation[Any, Any], options: dict[str, Any], account: VendorAccount) -> str:
    """Start a job and return its id."""
    call = await operation.prepare(account, INPUTS, operation.options_type.model_validate(options))
    accepted = await operation.submit(account, call)
    assert accepted.job_id
    return accepted.job_id


async def follow(operation: Operation[Any, Any], job_id: str, account: VendorAccount) -> tuple[Result, ...]:
    """Poll a job to its end."""
    for _ in range(POLLS):
        standing = await operation.poll(account, job_id)
        if isinstance(standing, Finished):
            return standing.results
        await asyncio.sleep(0.01)
    raise AssertionError("the job did not end")


async def run(
    operation: Operation[Any, Any], options: dict[str, Any], account: VendorAccount
) -> list[tuple[bytes, PictureInfo]]:
    """Go the whole way, from the pictures to the pictures."""
    results = await follow(operation, await submit(operation, options, account), account)
    return [await download(result.url, account) for result in results]


async def test_a_balance_falls_by_what_was_charged(sandbox: RunningSandbox) -> None:
    """AILabTools tells it; of a vendor that does not, nothing is known, and nothing is asked."""
    refiner = TryOnRefiner()
    at = account(sandbox, refiner, "balance-key")
    before = await balance_of(at)
    await run(refiner, {}, at)
    after = await balance_of(at)

    assert before is not None
    assert after is not None
    assert at.prices.try_on_refiner_picture == before - after
    assert await balance_of(account(sandbox, FashionModel())) is None


@each_operation
async def test_pictures_come_back_and_are_charged_once(
    sandbox: RunningSandbox, operation: Operation[Any, Any], options: dict[str, Any]
) -> None:
    """One unit is one job at the announced price, with as many whole pictures as were asked for."""
    before = len(await charges(sandbox))
    payer = account(sandbox, operation)
    pictures = await run(operation, options, payer)

    chosen = operation.options_type.model_validate(options)
    (charge,) = (await charges(sandbox))[before:]
    assert len(pictures) == operation.candidates(chosen)
    assert all(Image.open(BytesIO(data)).size == (info.width, info.height) for data, info in pictures)
    assert (charge["operation"], charge["credits"]) == (operation.name, operation.credits(chosen, payer))
    assert httpx.get(f"{sandbox.url}/sandbox/leaks", trust_env=False).json() == []


@each_operation
async def test_a_good_account_passes_its_checkup(
    sandbox: RunningSandbox, operation: Operation[Any, Any], options: dict[str, Any]
) -> None:
    """The free question costs nothing, and tells a wrong key."""
    before = len(await charges(sandbox))
    await check_account(account(sandbox, operation))

    assert len(await charges(sandbox)) == before
    with pytest.raises(AuthFailed):
        await check_account(account(sandbox, operation, "wrong-key"))


@each_operation
@pytest.mark.parametrize(
    ("key", "fault", "error"),
    [
        ("wrong-key", None, AuthFailed),
        ("noscope-key", None, AuthFailed),
        ("broke-key", None, QuotaExhausted),
        ("k", {"fault": "out_of_credits"}, QuotaExhausted),
        ("k", {"fault": "rate_limited", "phase": "submit", "retry_after": 1}, RateLimited),
        ("k", {"fault": "error_503", "phase": "submit"}, Unavailable),
        ("k", {"fault": "error_500", "phase": "submit"}, OutcomeUnknown),
        ("k", {"fault": "error_502_html", "phase": "submit"}, OutcomeUnknown),
        ("k", {"fault": "cut_after"}, OutcomeUnknown),
        ("k", {"fault": "drifted_schema", "phase": "submit"}, ContractDrift),
    ],
)
async def test_a_refused_or_broken_submission_is_told_apart(
    sandbox: RunningSandbox,
    operation: Operation[Any, Any],
    options: dict[str, Any],
    key: str,
    fault: dict[str, Any] | None,
    error: type[VendorError],
) -> None:
    """What may have been charged is unknown; what was refused was not charged; nothing is sent twice."""
    before = len(await charges(sandbox))
    if fault:
        await misbehave(sandbox, **fault)
    with pytest.raises(VendorError) as raised:
        await submit(operation, options, account(sandbox, operation, key))

    accepted = len(await charges(sandbox)) - before
    assert type(raised.value) is error
    assert raised.value.outcome_unknown == (error in {OutcomeUnknown, ContractDrift})
    assert accepted <= (1 if raised.value.outcome_unknown else 0)
    assert key not in str(raised.value) or key == "k"


@each_operation
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("job_error", JobFailed),
        ("empty_result", JobFailed),
    ],
)
async def test_a_failed_job_is_told_in_the_vendors_words(
    sandbox: RunningSandbox,
    operation: Operation[Any, Any],
    options: dict[str, Any],
    fault: str,
    error: type[VendorError],
) -> None:
    """A job that fails, or ends with nothing to show, is that row's outcome."""
    await misbehave(sandbox, fault)
    made = account(sandbox, operation)
    job_id = await submit(operation, options, made)
    with pytest.raises(error) as raised:
        await follow(operation, job_id, made)

    assert raised.value.job_id == job_id


@pytest.mark.parametrize("status", [413, 422])
async def test_a_poll_answered_with_an_error_ends_the_refiners_job(sandbox: RunningSandbox, status: int) -> None:
    """AILabTools tells of a failed task by the poll's own status."""
    operation, options = CASES[1]
    await misbehave(sandbox, "poll_error", status=status)
    made = account(sandbox, operation)
    job_id = await submit(operation, options, made)
    with pytest.raises(VendorError) as raised:
        await follow(operation, job_id, made)

    assert not raised.value.retryable
    assert raised.value.words


@each_operation
@pytest.mark.parametrize("fault", ["rate_limited", "error_500", "error_502_html", "error_503", "cut_before"])
async def test_a_bad_moment_while_polling_passes(
    sandbox: RunningSandbox, operation: Operation[Any, Any], options: dict[str, Any], fault: str
) -> None:
    """Polls are free, so they are asked again."""
    made = account(sandbox, operation)
    job_id = await submit(operation, options, made)
    await misbehave(sandbox, fault, phase="poll", times=2, retry_after=0)

    assert await follow(operation, job_id, made)


@each_operation
@pytest.mark.parametrize(
    "fault", ["truncated_picture", "corrupted_picture", "wrong_content_type", "error_500", "cut_before"]
)
async def test_a_damaged_download_is_fetched_again(
    sandbox: RunningSandbox, operation: Operation[Any, Any], options: dict[str, Any], fault: str
) -> None:
    """The picture that arrives in the end is whole, and the job was paid once."""
    before = len(await charges(sandbox))
    await misbehave(sandbox, fault, phase="download", times=2)
    payer = account(sandbox, operation)
    pictures = await run(operation, options, payer)

    assert all(info.format in {"PNG", "JPEG"} for _, info in pictures)
    assert len(await charges(sandbox)) == before + 1


@each_operation
async def test_an_expired_result_is_reported(
    sandbox: RunningSandbox, operation: Operation[Any, Any], options: dict[str, Any]
) -> None:
    """Results are gone after a day, and so is the job."""
    made = account(sandbox, operation)
    await misbehave(sandbox, "result_expired")
    with pytest.raises(ResultExpired):
        await run(operation, options, made)


@each_operation
async def test_a_job_nobody_knows_has_expired(
    sandbox: RunningSandbox, operation: Operation[Any, Any], options: dict[str, Any]
) -> None:
    """An id from long ago is told apart from a failed job."""
    with pytest.raises(ResultExpired):
        await operation.poll(account(sandbox, operation), "1788109088348.unknown")


async def test_a_picture_may_go_by_its_address(sandbox: RunningSandbox) -> None:
    """Vmake fetches a picture that it can reach itself."""
    operation, options = CASES[0]
    made = account(sandbox, operation)
    (first, *_) = await follow(operation, await submit(operation, options, made), made)
    inputs = Inputs(picture=Picture("photo", PICTURES[0].data, "image/png", url=first.url))
    accepted = await operation.submit(made, await operation.prepare(made, inputs, operation.options_type(**options)))

    assert await follow(operation, str(accepted.job_id), made)


def test_the_accounts_are_the_blocks() -> None:
    """The operations' accounts are what `blocks` exports for registration."""
    assert [operation.account_type for operation, _ in CASES] == [VmakeCredentials, AILabToolsCredentials]
