"""The command with a Prefect server that answers first, and then no more."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from catalogs.manifest import read_rows
from tests.chaos.gate import Gate, Passage, running_gate
from tests.deployments.conftest import Catwalk
from tests.prefect_server import PrefectServer, eventually

DELIVERED, NOT_DONE = 0, 1
AWAY_SECONDS = 12.0
STAGES = 3


@pytest.fixture
def broken_server() -> Generator[str]:
    """The API address of a server that is well by its own account, and answers nothing but 500."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(data=True, status=200 if request.path == "/api/health" else 500)

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)
    loop.close()


@pytest.mark.parametrize("command", ["run", "retry"])
def test_a_server_that_fails_is_named_in_one_sentence(
    offline_catwalk: Catwalk,
    broken_server: str,
    write_catalog: Callable[..., Path],
    charges: Callable[[], list[Any]],
    tmp_path: Path,
    command: str,
) -> None:
    """What happened, what is safe and what to do next; no trace, no minutes of waiting, nothing paid."""
    write_catalog(tmp_path)
    before = len(charges())
    arguments = (
        ("run", "catalog.parquet", "--output", "pictures") if command == "run" else ("retry", "pictures", "failed")
    )
    said = offline_catwalk(*arguments, folder=tmp_path, PREFECT_API_URL=broken_server, PREFECT_CLIENT_MAX_RETRIES="0")

    assert NOT_DONE == said.code
    assert said.err.startswith(f"Error: the Prefect server at {broken_server} failed, and the run with it: ")
    assert "What was paid for is in the output's ledger." in said.err
    assert 1 == len(said.err.strip().splitlines())
    assert before == len(charges())


@pytest.fixture
def gate(prefect_server: PrefectServer) -> Generator[Gate]:
    """A gate in front of the session's server: shut, it is a server that is gone for good."""
    with running_gate(prefect_server.api_url.removesuffix("/api")) as gate:
        yield gate


@pytest.mark.server
@pytest.mark.parametrize("lost", ["before the paid work", "amid the paid work"])
def test_a_server_that_is_gone_costs_nothing_but_its_record(
    catwalk: Catwalk,
    gate: Gate,
    write_catalog: Callable[..., Path],
    charges: Callable[[], list[Any]],
    tmp_path: Path,
    lost: str,
) -> None:
    """All is paid once, delivered and published; a sentence says what is missing, and the exit code what was done."""
    write_catalog(tmp_path)
    before = len(charges())

    with gate.turnstile.stopping(_makes_an_artifact, "before") as stop:
        if lost != "before the paid work":
            gate.turnstile.stop = None
        process = catwalk.started(
            *("run", "catalog.parquet", "--output", "pictures", "--limit", "2"),
            folder=tmp_path,
            PREFECT_API_URL=f"{gate.url}/api",
            PREFECT_CLIENT_MAX_RETRIES="0",
        )
        reached = stop.reached.is_set if lost == "before the paid work" else lambda: len(charges()) > before
        eventually(lambda: reached() or None, "the moment", seconds=200)
        gate.shut()
        out, err = process.communicate(timeout=200)

    assert DELIVERED == process.returncode, out + err
    assert out.startswith("2 of 2 items delivered; credits: 6 Claid, 60 AILabTools")
    assert f"the Prefect server at {gate.url}/api does not answer: its record of this run stays incomplete." in err
    assert [] == [word for word in ("Traceback", "Error logging") if word in err]
    assert 2 * STAGES == len(charges()) - before == len(list(read_rows(tmp_path / "pictures" / "manifest.parquet")))
    assert (tmp_path / "pictures" / "gallery.html").exists()


@pytest.mark.server
def test_a_server_that_comes_back_is_told_all(
    catwalk: Catwalk,
    gate: Gate,
    prefect_server: PrefectServer,
    write_catalog: Callable[..., Path],
    charges: Callable[[], list[Any]],
    tmp_path: Path,
) -> None:
    """A run waits for a server that is restarted under it, and ends as if it had never been away."""
    write_catalog(tmp_path)
    before = len(charges())

    process = catwalk.started(
        *("run", "catalog.parquet", "--output", "came-back", "--limit", "2"),
        folder=tmp_path,
        PREFECT_API_URL=f"{gate.url}/api",
    )
    eventually(lambda: len(charges()) > before or None, "a paid call", seconds=200)
    gate.shut()
    time.sleep(AWAY_SECONDS)
    gate.open()
    out, err = process.communicate(timeout=120)
    [run] = prefect_server.find("flow_runs", flow_runs={"name": {"any_": ["came-back"]}})

    assert DELIVERED == process.returncode, out + err
    assert [] == [word for word in ("Warning", "Traceback", "Error logging") if word in err]
    assert "COMPLETED" == run["state"]["type"]
    assert 2 * STAGES == len(charges()) - before


def _makes_an_artifact(passage: Passage) -> bool:
    """The quote's, which is told before anything is paid."""
    return passage.method == "POST" and passage.path == "/api/artifacts/"
