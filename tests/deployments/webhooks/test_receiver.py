"""The receiver as a process on a socket: what it believes, what it refuses, and what no caller can make it do."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from blocks.pace import Window
from blocks.webhook import Webhook, ended_jobs
from deployments.webhooks.receiver import LARGEST_BODY, Receiver
from deployments.webhooks.server import CONNECTIONS, LARGEST_HEAD
from tests.deployments.conftest import Catwalk
from tests.deployments.receiving import SECRET, RunningReceiver, delivery, running_receiver, signed

pytestmark = pytest.mark.usefixtures("closed_client")


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningReceiver]:
    """A receiver for all tests here, each of which delivers jobs of its own."""
    with running_receiver(tmp_path_factory.mktemp("receiver")) as running:
        yield running


@pytest.fixture
def own_receiver(tmp_path: Path) -> Generator[RunningReceiver]:
    """A receiver that can be ended."""
    with running_receiver(tmp_path) as running:
        yield running


async def news_from(receiver: RunningReceiver) -> str:
    """From where on a run asks for what comes next."""
    cursor = ""
    while (page := await ended_jobs(webhook(receiver), cursor, wait=0)).cursor != cursor:
        cursor = page.cursor
    return cursor


async def told(receiver: RunningReceiver, cursor: str = "", wait: float = 0) -> tuple[str, ...]:
    """The jobs that a run is told of."""
    return (await ended_jobs(webhook(receiver), cursor, wait=wait)).jobs


def webhook(receiver: RunningReceiver) -> Webhook:
    """The account's webhook."""
    return Webhook(SecretStr(SECRET), receiver.url, patience=30)


def send_on(connection: socket.socket) -> None:
    """Send without an end."""
    while True:
        connection.sendall(b"x" * LARGEST_HEAD)


def connected(receiver: RunningReceiver) -> socket.socket:
    """A bare connection."""
    host, _, port = receiver.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=30)


async def test_deliveries_good_and_bad(receiver: RunningReceiver) -> None:
    """A signed one that names an ended job is told to runs, once; no other is."""
    cursor, before = await news_from(receiver), Counter(receiver.health()["deliveries"])
    taken = receiver.deliver(delivery(1))
    again = receiver.deliver(delivery(1))
    statuses = {
        "forged": receiver.deliver(delivery(2), signed(delivery(2), "another secret")).status_code,
        "unsigned": receiver.deliver(delivery(3), "").status_code,
        "for another body": receiver.deliver(delivery(4), signed(delivery(1))).status_code,
        "of something else": receiver.deliver(b'{"event": "ping"}').status_code,
        "no JSON": receiver.deliver(b"<html>").status_code,
        "still running": receiver.deliver(delivery(5, "PROCESSING")).status_code,
        "read, not posted": httpx.get(f"{receiver.url}/claid").status_code,
        "put, not posted": httpx.put(f"{receiver.url}/claid", content=delivery(6)).status_code,
        "elsewhere": httpx.post(f"{receiver.url}/", content=delivery(6)).status_code,
        "failed": receiver.deliver(delivery(7, "ERROR")).status_code,
    }

    assert [200, 200] == [taken.status_code, again.status_code]
    assert {
        "forged": 401,
        "unsigned": 401,
        "for another body": 401,
        "of something else": 400,
        "no JSON": 400,
        "still running": 200,
        "read, not posted": 405,
        "put, not posted": 405,
        "elsewhere": 404,
        "failed": 200,
    } == statuses
    assert ("1", "7") == await told(receiver, cursor)
    assert {
        "taken": 2,
        "known already": 1,
        "not an end": 1,
        "no valid X-Claid-Hmac-SHA256": 3,
        "signed, but it names no job": 2,
    } == Counter(receiver.health()["deliveries"]) - before


async def test_a_run_that_waits_is_told_at_once(receiver: RunningReceiver) -> None:
    """One question is open at a time, and a delivery answers it."""
    waiting = asyncio.create_task(told(receiver, await news_from(receiver), 20))
    await asyncio.to_thread(receiver.deliver, delivery(8))

    assert ("8",) == await waiting


async def test_only_runs_of_the_account_are_told(receiver: RunningReceiver) -> None:
    """The question takes a token that only the secret gives; the secret itself is none."""
    receiver.deliver(delivery(11))
    answers = [
        httpx.get(f"{receiver.url}/ended", headers={} if token is None else {"authorization": f"Bearer {token}"})
        for token in (None, "-", "x", SECRET, Webhook(SecretStr("another secret"), "", 1).token())
    ]

    assert [401] * 5 == [answer.status_code for answer in answers]
    assert not any('"11"' in answer.text for answer in answers)


async def test_a_wait_that_makes_no_sense_is_refused_or_cut(receiver: RunningReceiver) -> None:
    """Nobody can hold an answer for ever."""
    headers = {"authorization": f"Bearer {webhook(receiver).token()}"}
    statuses = [
        httpx.get(f"{receiver.url}/ended?wait={wait}&after={after}", headers=headers).status_code
        for wait, after in (("x", ""), ("-5", ""), ("nan", ""), ("0", "y" * 5000))
    ]

    assert [400, 200, 400, 200] == statuses


async def test_a_huge_body_is_refused_before_it_has_come(receiver: RunningReceiver) -> None:
    """By its announced length, or as soon as more has come than any delivery has."""
    with connected(receiver) as announced:
        announced.sendall(
            f"POST /claid HTTP/1.1\r\nhost: x\r\ncontent-length: {10**12}\r\n\r\n".encode() + b"x" * 70_000
        )
        status = announced.recv(100)
    trickled = httpx.post(f"{receiver.url}/claid", content=iter([b"x" * LARGEST_BODY, b"x"]))

    assert b"HTTP/1.1 413" in status
    assert 413 == trickled.status_code
    assert 200 == receiver.deliver(delivery(12)).status_code


async def test_a_head_without_an_end_is_cut_off(receiver: RunningReceiver) -> None:
    """Its bytes are not kept."""
    with connected(receiver) as endless:
        endless.sendall(b"POST /claid HTTP/1.1\r\nx: ")
        with pytest.raises(ConnectionError):
            send_on(endless)

    assert 200 == receiver.deliver(delivery(1)).status_code


async def test_connections_are_counted(receiver: RunningReceiver) -> None:
    """Whoever opens more than anyone needs is dropped, and leaves the receiver as it was."""
    held = [connected(receiver) for _ in range(CONNECTIONS + 20)]
    dropped = 0
    for each in held[-20:]:
        try:
            dropped += each.recv(1) == b""
        except ConnectionError:
            dropped += 1
    for each in held:
        each.close()

    assert 20 == dropped
    assert 200 == receiver.deliver(delivery(1)).status_code


async def test_deliveries_have_a_rate() -> None:
    """What comes faster is refused without being read, and told to nobody: jobs are polled then."""
    receiver = Receiver(SecretStr(SECRET), lambda _: None)
    receiver._rate = Window(3, 3600)
    transport = httpx.ASGITransport(receiver.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://receiver.test") as client:
        statuses = [
            (await client.post("/claid", content=body, headers={"x-claid-hmac-sha256": signed(body)})).status_code
            for body in map(delivery, range(5))
        ]

    assert [200, 200, 200, 429, 429] == statuses
    assert ("0", "1", "2") == (await receiver.board.since("", 0)).jobs


async def test_it_says_what_comes_and_shows_no_secret(own_receiver: RunningReceiver) -> None:
    """A line for each job, one for each kind of refusal, and nothing of what was sent or of the secret."""
    own_receiver.deliver(delivery(1))
    for _ in range(3):
        own_receiver.deliver(b"KEEPSECRET-of-a-stranger", "KEEPSECRET-signature")
    own_receiver.process.send_signal(signal.SIGTERM)
    said, _ = own_receiver.process.communicate(timeout=200)

    assert 1 == said.count("job 1 has ended")
    assert 1 == said.count("refused (401)")
    assert "KEEPSECRET" not in said


async def test_it_stops_at_once_though_runs_wait(own_receiver: RunningReceiver) -> None:
    """They are answered first."""
    cursor = (await ended_jobs(webhook(own_receiver), "", wait=0)).cursor
    waiting = asyncio.create_task(ended_jobs(webhook(own_receiver), cursor, wait=25))
    while not (await asyncio.to_thread(own_receiver.health))["runs"]:
        await asyncio.sleep(0.01)
    own_receiver.process.send_signal(signal.SIGINT)

    assert () == (await waiting).jobs
    assert 0 == await asyncio.to_thread(own_receiver.process.wait, 20)


def test_without_a_secret_it_does_not_start(offline_catwalk: Catwalk) -> None:
    """Unsigned deliveries are nobody's."""
    without = offline_catwalk("webhooks", CLAID_API_KEY=None)
    short = offline_catwalk("webhooks", CLAID_API_KEY=None, CLAID_WEBHOOK_SECRET="KEEPSECRET")

    assert [1, 1] == [without.code, short.code]
    assert "CLAID_WEBHOOK_SECRET" in without.err
    assert "CLAID_WEBHOOK_SECRET can't be used" in short.err
    assert "KEEPSECRET" not in short.err


def test_a_port_that_is_taken_is_said(offline_catwalk: Catwalk, receiver: RunningReceiver) -> None:
    """With what to do."""
    said = offline_catwalk("webhooks", "--port", receiver.url.rpartition(":")[2], CLAID_WEBHOOK_SECRET=SECRET)

    assert 1 == said.code
    assert "can't be used" in said.err
    assert json.dumps(SECRET) not in said.err
