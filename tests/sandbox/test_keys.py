"""Who may enter: each vendor's header, and how each refuses a key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.caller import Caller, sandbox_in_process

CLAID_PATH = "/v1/image/ai-fashion-models"
VMAKE_PATH = "/api/v4/image/ai-fashion-model/clothing-tasks"
AILAB_PATH = "/api/portrait/enhance/try-on-clothes-refiner"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"authorization": "Basic key"}, 401),
        ({"x-api-key": "key"}, 401),
        ({"authorization": "Bearer wrong-key"}, 401),
        ({"authorization": "Bearer noscope-key"}, 403),
        ({"authorization": "Bearer broke-key"}, 402),
        ({"authorization": "Bearer some-key"}, 422),
    ],
)
def test_claid(caller: Caller, header: dict[str, str], status: int) -> None:
    """Claid takes a bearer token and says which way it is no good, before it looks at the body."""
    reply = caller.http.post(CLAID_PATH, json={}, headers=header)

    assert status == reply.status_code
    assert "x-request-id" in reply.headers
    assert (status == 401) == (reply.json()["error_code"] == "111")


@pytest.mark.parametrize(("key", "status"), [("", 401), ("wrong", 401), ("noscope", 403), ("broke", 402), ("key", 400)])
def test_vmake(caller: Caller, key: str, status: int) -> None:
    """Vmake takes X-Api-Key, and its envelope repeats the status."""
    reply = caller.http.post(VMAKE_PATH, json={}, headers={"x-api-key": key})

    assert (status, status) == (reply.status_code, reply.json()["code"])
    assert "data" not in reply.json()


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("", 401, "ERROR_USER_NOT_EXISTS"),
        ("wrong", 401, "ERROR_USER_NOT_EXISTS"),
        ("noscope", 403, "ERROR_USER_LOCKED"),
        ("broke", 429, "ERROR_NOT_ENOUGH_CREDITS"),
        ("key", 400, "UNSUPPORTED_PARAMETER_VALUES"),
    ],
)
def test_ailabtools(caller: Caller, key: str, status: int, code: str) -> None:
    """AILabTools tells its refusals apart by code: no credits is a 429 too."""
    reply = caller.http.post(AILAB_PATH, headers={"ailabapi-api-key": key})

    assert (status, status) == (reply.status_code, reply.json()["error_code"])
    assert code == reply.json()["error_detail"]["code"]


@pytest.mark.parametrize(
    ("path", "header"),
    [(CLAID_PATH, "authorization"), (VMAKE_PATH, "x-api-key"), (AILAB_PATH, "ailabapi-api-key")],
)
async def test_only_listed_keys(path: str, header: str) -> None:
    """With a list of keys, no other opens the door."""
    settings: dict[str, Any] = {"keys": {"accepted": ["the-key"]}}
    prefix = "Bearer " if header == "authorization" else ""
    async with sandbox_in_process(**settings) as http:
        known = await http.post(path, json={}, headers={header: f"{prefix}the-key"})
        other = await http.post(path, json={}, headers={header: f"{prefix}another"})

    assert 401 != known.status_code
    assert 401 == other.status_code


async def test_an_account_runs_out() -> None:
    """A key pays until its balance is used up; another key has its own."""
    body = {"input": {"clothing": ["http://127.0.0.1:9/a.png"]}, "options": {}}
    async with sandbox_in_process(limits="off", balances={"claid": 3}) as http:
        statuses = [
            (await http.post(CLAID_PATH, json=body, headers={"authorization": f"Bearer {key}"})).status_code
            for key in ("one", "one", "two")
        ]

    assert [200, 402, 200] == statuses
