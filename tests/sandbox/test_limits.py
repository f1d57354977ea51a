"""Rate limits as documented, per key, switchable, and told in headers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.clock import Clock
from sandbox.limits import RateLimits
from tests.sandbox.caller import AILAB, CLAID, VMAKE, sandbox_in_process

FASHION = "/v1/image/ai-fashion-models"
BODY = {"input": {"clothing": ["http://127.0.0.1:9/a.png"]}, "options": {}}


async def statuses(http: httpx.AsyncClient, count: int, path: str, **request: Any) -> list[int]:
    """The statuses of several GETs in a row."""
    return [(await http.get(path, **request)).status_code for _ in range(count)]


async def test_claid_four_a_second() -> None:
    """The fifth call of any kind within a second is refused, polls included, and the headers say so."""
    async with sandbox_in_process() as http:
        codes = await statuses(http, 5, f"{FASHION}/1", headers=CLAID)
        refused = await http.get(f"{FASHION}/1", headers=CLAID)
        await http.post("/sandbox/clock", json={"seconds": 1})
        again = await http.get(f"{FASHION}/1", headers=CLAID)

    assert [404, 404, 404, 404, 429] == codes
    assert "4, 120;w=60, 4;w=1" == refused.headers["ratelimit-limit"]
    assert ("-1", "1") == (refused.headers["ratelimit-remaining"], refused.headers["ratelimit-reset"])
    assert (404, "3") == (again.status_code, again.headers["ratelimit-remaining"])


async def test_claid_one_generation_a_second() -> None:
    """A second generation within a second is refused although calls are left, and nothing is accepted."""
    async with sandbox_in_process() as http:
        codes = [(await http.post(FASHION, json=BODY, headers=CLAID)).status_code for _ in range(2)]
        charges = (await http.get("/sandbox/charges")).json()
        state = (await http.get("/sandbox/state")).json()

    assert [200, 429] == codes
    assert 1 == len(charges)
    assert {"claid": 1} == state["refused_for_rate"]


async def test_scenes_are_no_generations() -> None:
    """Scenes count as calls only."""
    scene = {"object": {"image_url": "http://127.0.0.1:9/a.png"}, "scene": {"prompt": "a loft"}}
    async with sandbox_in_process() as http:
        codes = [(await http.post("/v1/scene/create", json=scene, headers=CLAID)).status_code for _ in range(3)]

    assert [400, 400, 400] == codes


@pytest.mark.parametrize(("generation", "every", "allowed"), [(True, 0.99, 60), (False, 0.26, 120)])
def test_minutes(generation: bool, every: float, allowed: int) -> None:
    """The longer windows bind too: 60 generations and 120 calls in any minute."""
    clock = Clock()
    limits = RateLimits(1.0, clock)
    granted: list[float] = []
    for _ in range(600):
        clock.advance(every)
        if limits.take("claid", "key", generation=generation).allowed:
            granted.append(clock.now())
    busiest = max(sum(1 for other in granted if start <= other < start + 60) for start in granted)

    assert allowed >= busiest > allowed * 0.5


@pytest.mark.parametrize(
    ("path", "headers", "count"),
    [
        ("/api/v4/image/ai-fashion-model/clothing-tasks/1", VMAKE, 10),
        ("/api/common/query-async-task-result?task_id=1", AILAB, 5),
    ],
)
async def test_the_others_by_the_second(path: str, headers: dict[str, str], count: int) -> None:
    """Vmake allows 10 calls a second and AILabTools 5; keys do not share them."""
    async with sandbox_in_process() as http:
        codes = await statuses(http, count + 1, path, headers=headers)
        other = dict.fromkeys(headers, "another-key")
        others = await statuses(http, 1, path, headers=other)

    assert [404] * count + [429] == codes
    assert [404] == others


@pytest.mark.parametrize(("limits", "refused"), [("off", 0), (2, 2), (0.5, 8)])
async def test_switches(limits: str | float, refused: int) -> None:
    """Limits can be lifted, or multiplied by a factor."""
    async with sandbox_in_process(limits=limits) as http:
        codes = await statuses(http, 10, f"{FASHION}/1", headers=CLAID)

    assert refused == codes.count(429)


async def test_headers_are_always_there() -> None:
    """Every reply of Claid tells the limits, also where there are none."""
    async with sandbox_in_process(limits="off") as http:
        reply = await http.get(f"{FASHION}/1", headers=CLAID)

    assert {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"} <= reply.headers.keys()
