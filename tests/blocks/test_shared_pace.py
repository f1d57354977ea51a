"""Turns that several processes share through a Prefect server, and what becomes of them when it is gone."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr, ValidationError

from blocks import shared_pace
from blocks.account import Limits, VendorAccount
from blocks.claid import ClaidCredentials
from blocks.pace import Pace, Window
from blocks.shared_pace import SharedLimit, SharedPace
from sandbox.server import running_sandbox
from sandbox.settings import SandboxSettings
from tests.prefect_server import REPOSITORY, PrefectServer, running_server

CLOSED = "http://127.0.0.1:9/api"
PROCESSES = 3
SECONDS = 15
# Asks the vendor something free, in turn, for as long as it is told to.
CALLER = """
import asyncio, sys, time
from blocks.checkup import check_account
from blocks.claid import ClaidCredentials

async def call(url, seconds):
    account = ClaidCredentials(api_key="sandbox", base_url=url, shared_limit="test-calls")
    print("ready", flush=True)
    sys.stdin.readline()
    calls, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        await check_account(account)
        calls += 1
    print(calls)

asyncio.run(call(sys.argv[1], float(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[PrefectServer]:
    """A Prefect server of this module's own."""
    with running_server(tmp_path_factory.mktemp("prefect")) as running:
        yield running


@pytest.fixture
def api(server: PrefectServer) -> Iterator[PrefectServer]:
    """The server, as the one that this process's clients talk to."""
    with temporary_settings({PREFECT_API_URL: server.api_url}):
        yield server


@pytest.fixture
def no_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No server answers this process's clients."""
    monkeypatch.setattr(shared_pace, "ANSWER_SECONDS", 0.5)
    with temporary_settings({PREFECT_API_URL: CLOSED}):
        yield


def claid(**fields: Any) -> VendorAccount:
    """An account at nobody's."""
    return ClaidCredentials.model_validate({"api_key": SecretStr("key"), **fields})


def limits_of(server: PrefectServer, name: str) -> dict[str, tuple[int, float]]:
    """What the server holds under names that begin so."""
    found = server.post("/v2/concurrency_limits/filter", {}).raise_for_status().json()
    return {one["name"]: (one["limit"], one["slot_decay_per_second"]) for one in found if one["name"].startswith(name)}


@pytest.mark.parametrize(
    ("windows", "most"),
    [
        ([Window(4, 1.0), Window(120, 60.0)], 2.0),
        ([Window(1, 1.0), Window(60, 60.0)], 1.0),
        ([Window(10, 1.0)], 10.0),
    ],
)
def test_evenly_spaced_turns_fit_every_window(windows: list[Window], most: float) -> None:
    """No sliding window of the vendor's sees more turns than it counts, and nine tenths of them are used."""
    rate = SharedLimit("any", windows).per_second

    assert all(window.count + 1 > 1 + rate * window.seconds for window in windows)
    assert 0.9 * most <= rate < most


def test_an_account_shares_only_when_it_says_so() -> None:
    """Without a name the pace is this process's own, also when the form sent an empty text."""
    assert isinstance(claid(shared_limit="ours")._new_pace(), SharedPace)
    assert [Pace, Pace] == [type(claid(shared_limit=name)._new_pace()) for name in (None, "")]


def test_a_name_that_prefect_refuses_is_refused_at_once() -> None:
    """The form says so, rather than the first turn."""
    with pytest.raises(ValidationError, match="shared_limit"):
        claid(shared_limit="a/b")


@pytest.mark.server
async def test_limits_are_made_once_and_set_right_when_the_account_changes(api: PrefectServer) -> None:
    """Making them again changes nothing; raised limits reach the server."""
    await claid(shared_limit="test-made").ensure_shared_limits()
    first = limits_of(api, "test-made")
    await claid(shared_limit="test-made").ensure_shared_limits()
    again = limits_of(api, "test-made")
    await claid(shared_limit="test-made", limits=Limits(requests_per_second=8)).ensure_shared_limits()
    raised = limits_of(api, "test-made")

    assert {"test-made-requests", "test-made-generations"} == first.keys()
    assert first == again
    assert raised["test-made-requests"][1] > 3 * first["test-made-requests"][1]
    assert raised["test-made-generations"] == first["test-made-generations"]


@pytest.mark.server
async def test_limits_are_nobodys_business_without_a_name(no_api: None) -> None:
    """An account of one process asks no server."""
    await claid().ensure_shared_limits()

    with pytest.raises(httpx.TransportError):
        await claid(shared_limit="test-asked").ensure_shared_limits()


@pytest.mark.server
async def test_turns_of_all_who_share_are_never_faster_than_one_alone_may_be(api: PrefectServer) -> None:
    """Four who share a limit wait for each other."""
    windows = [Window(10, 1.0)]
    sharing = [SharedLimit("test-turns", windows) for _ in range(4)]
    await sharing[0].ensure()

    async def take(limit: SharedLimit) -> None:
        for _ in range(5):
            await limit.turn()

    started = time.monotonic()
    await asyncio.gather(*(take(limit) for limit in sharing))

    assert time.monotonic() - started > 19 / 10


@pytest.mark.server
async def test_a_deleted_limit_is_made_again(api: PrefectServer) -> None:
    """Whoever tidies the server up does not unleash the processes for longer than a turn."""
    limit = SharedLimit("test-deleted", [Window(100, 1.0)])
    await limit.turn()
    httpx.delete(f"{api.api_url}/v2/concurrency_limits/test-deleted", trust_env=False).raise_for_status()
    await limit.turn()
    await limit.turn()

    assert {"test-deleted"} == limits_of(api, "test-deleted").keys()


async def test_without_a_server_turns_go_on_at_a_safe_share(no_api: None, caplog: pytest.LogCaptureFixture) -> None:
    """No call fails for it; the log says so once, with what happens instead."""
    pace = SharedPace([Window(100, 1.0)], [Window(50, 1.0)], "test-lost")
    started = time.monotonic()
    with caplog.at_level(logging.WARNING):
        for _ in range(4):
            await pace.request()
        await pace.generation()
    lost = [record.getMessage() for record in caplog.records if record.name == "blocks.shared_pace"]

    # The first turn comes at any time; from then on each is an eighth of a hundred a second.
    assert time.monotonic() - started > 4 * 8 / 100
    assert ["'test-lost-requests'", "'test-lost-generations'"] == [message.split()[9] for message in lost]
    assert all("8th of what all processes may do together" in message for message in lost)


@pytest.mark.server
async def test_turns_come_from_the_server_again_once_it_is_back(
    api: PrefectServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An outage ends by itself."""
    monkeypatch.setattr(shared_pace, "SILENCE_SECONDS", 0.0)
    limit = SharedLimit("test-back", [Window(100, 1.0)])
    with temporary_settings({PREFECT_API_URL: CLOSED}):
        await limit.turn()
    made_in_the_outage = limits_of(api, "test-back")
    caplog.clear()
    with caplog.at_level(logging.INFO):
        await limit.turn()

    assert {} == made_in_the_outage
    assert {"test-back"} == limits_of(api, "test-back").keys()
    assert ["The Prefect server gives turns at 'test-back' again."] == [
        record.getMessage() for record in caplog.records if record.name == "blocks.shared_pace"
    ]


def calls_at_once(server: PrefectServer, url: str) -> tuple[list[int], float]:
    """What processes that begin at one time each get through, and the seconds from then to the last one's end."""
    command = [sys.executable, "-c", CALLER, url, str(SECONDS)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    callers = [
        subprocess.Popen[str](command, cwd=REPOSITORY, env=server.environment, **pipes) for _ in range(PROCESSES)
    ]
    assert ["ready\n"] * PROCESSES == [caller.stdout.readline() for caller in callers if caller.stdout]
    started = time.monotonic()
    for caller in callers:
        assert caller.stdin
        caller.stdin.write("go\n")
        caller.stdin.flush()
    calls = [int(caller.communicate(timeout=100)[0]) for caller in callers]
    return calls, time.monotonic() - started


@pytest.mark.server
def test_processes_on_one_account_keep_the_vendors_limit_together(server: PrefectServer) -> None:
    """Three that call as fast as they may use two calls a second together, as the vendor counts them."""
    with running_sandbox(SandboxSettings(draw_processes=0)) as sandbox:
        calls, took = calls_at_once(server, sandbox.url)
        state = httpx.get(f"{sandbox.url}/sandbox/state", trust_env=False).raise_for_status().json()

    refused = state["refused_for_rate"].get("claid", 0)
    assert sum(calls) == sum(state["requests"].values()) - refused
    # Alone each would make some 33 calls: 4 at once, then within 120 a minute.
    assert SECONDS / 2 < sum(calls) <= 2 * took + PROCESSES
    assert refused <= 2
    assert min(calls) >= 1
