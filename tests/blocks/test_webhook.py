"""Asking the receiver which jobs have ended, and what happens when it can't be asked."""

from __future__ import annotations

import pytest
from aiohttp import web
from pydantic import SecretStr

from blocks.webhook import LARGEST_ANSWER, EndedJobs, ReceiverSilent, Webhook, ended_jobs
from tests.blocks.vendor_server import said, serving

pytestmark = pytest.mark.usefixtures("closed_client")

SECRET = "KEEPSECRET-of-the-dashboard"


def webhook(receiver: str, secret: str = SECRET) -> Webhook:
    """An account's webhook."""
    return Webhook(SecretStr(secret), receiver, patience=30)


async def test_the_question_says_from_where_on_and_how_long_to_wait() -> None:
    """The answer lists jobs, and where the next question goes on."""
    asked: list[web.Request] = []

    async def receiver(request: web.Request) -> web.Response:
        asked.append(request)
        return web.json_response({"cursor": "b.2", "jobs": ["7", "8"]})

    async with serving(receiver) as url:
        answer = await ended_jobs(webhook(url), "b.1 &x=", wait=2.5)

    assert EndedJobs(cursor="b.2", jobs=("7", "8")) == answer
    assert ("GET", "/ended") == (asked[0].method, asked[0].path)
    assert {"after": "b.1 &x=", "wait": "2.5"} == dict(asked[0].query)


async def test_the_secret_is_not_sent() -> None:
    """What is sent in its place is the same each time, and another for another secret."""
    asked: list[str] = []

    async def receiver(request: web.Request) -> web.Response:
        asked.append(f"{request.raw_headers} {request.path_qs}")
        return web.json_response({"cursor": "b.2", "jobs": []})

    async with serving(receiver) as url:
        await ended_jobs(webhook(url), "", wait=0)

    assert SECRET not in asked[0]
    assert webhook("x").token() in asked[0]
    assert webhook("x", "another-secret-of-the-dashboard").token() not in asked[0]
    assert SECRET not in f"{webhook('x')!r}"


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (said(b"{}", 401), "HTTP 401"),
        (said(b"{}", 302, location="https://elsewhere.example"), "HTTP 302"),
        (said(b"<html>"), "can't be read"),
        (said(b'{"cursor": "b.1", "jobs": [{}]}'), "can't be read"),
        (said(b" " * (LARGEST_ANSWER + 1)), f"larger than {LARGEST_ANSWER} bytes"),
    ],
)
async def test_an_answer_that_is_none_is_silence(answer: object, cause: str) -> None:
    """It is raised as one error, which gives no token away."""
    async with serving(answer) as url:  # pyright: ignore[reportArgumentType] - the list holds handlers
        with pytest.raises(ReceiverSilent, match=cause) as silent:
            await ended_jobs(webhook(url), "", wait=0)

    assert webhook("x").token() not in f"{silent.value!r} {silent.value} {silent.value.__context__!r}"


@pytest.mark.parametrize("receiver", ["http://127.0.0.1:9", "http://127.0.0.1:99999", "http://no-such-host.invalid"])
async def test_a_receiver_that_is_not_there_is_silent(receiver: str) -> None:
    """Whatever the reason."""
    with pytest.raises(ReceiverSilent, match="Jobs are asked for at the vendor instead"):
        await ended_jobs(webhook(receiver), "", wait=0)
