"""Every reply has the fields, and their kinds, that the vendor's own page shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.caller import AILAB, CLAID, VMAKE, Caller

CONTRACTS = Path(__file__).parent / "contracts"


def kind(value: object) -> str:
    """JSON's name for a value's kind; whole and broken numbers are one."""
    kinds = {dict: "object", list: "list", str: "string", bool: "boolean", int: "number", float: "number"}
    return next((name for kind_, name in kinds.items() if isinstance(value, kind_)), "null")


def missing(sample: Any, reply: Any, path: str = "$") -> list[str]:
    """Where the reply lacks what the sample has, or has another kind of value."""
    if kind(sample) != kind(reply):
        return [f"{path}: {kind(reply)} instead of {kind(sample)}"]
    if isinstance(sample, dict):
        absent = [f"{path}.{key} is missing" for key in sample if key not in reply]
        shared = [key for key in sample if key in reply and key not in ("request", "error_details")]
        return absent + [line for key in shared for line in missing(sample[key], reply[key], f"{path}.{key}")]
    if isinstance(sample, list) and sample:
        return [f"{path} is empty"] if not reply else missing(sample[0], reply[0], f"{path}[0]")
    return []


def check(name: str, reply: Any) -> None:
    """Compare a reply with the contract of that name."""
    contract = json.loads((CONTRACTS / f"{name}.json").read_text("utf-8"))

    assert [] == missing(contract["sample"], reply), contract["source"]


def test_claid_fashion_models(caller: Caller) -> None:
    """Both replies of AI Fashion Models read as documented."""
    accepted = caller.fashion()
    check("claid_accepted", accepted.json())
    done = caller.claid_job(accepted)
    check("claid_fashion_done", {"data": done})

    assert "ACCEPTED" == accepted.json()["data"]["status"]
    assert accepted.json()["data"]["request"] == done["request"]


def test_claid_edit(caller: Caller) -> None:
    """Both replies of AI Edit read as documented, with one input object."""
    accepted = caller.edit()
    check("claid_accepted", accepted.json())
    done = caller.claid_job(accepted, "ai-edit")
    check("claid_edit_done", {"data": done})

    assert accepted.json()["data"]["result_url"].endswith(f"/v1/image/ai-edit/{done['id']}")


def test_claid_job_that_fails(caller: Caller) -> None:
    """A failed job says so with HTTP 200, a list of errors and an empty result."""
    done = caller.claid_job(caller.fashion("http://127.0.0.1:9/nothing.png"))
    check("claid_error_job", {"data": done})

    assert "ERROR" == done["status"]
    assert not done["result"]


def test_claid_scene(caller: Caller) -> None:
    """The scene's one reply holds its pictures."""
    check("claid_scene", caller.scene().json())


def test_claid_errors(caller: Caller) -> None:
    """The three shapes of Claid's errors are told apart as documented."""
    check("claid_error", caller.edit(prompt="x").json())
    check("claid_rate_limited", caller.fashion(headers={"x-sandbox-fault": "rate_limited"}).json())
    check("claid_path_error", caller.http.get("/v1/image/ai-fashion-models/abc", headers=CLAID).json())


@pytest.mark.parametrize("path", ["ai-fashion-models", "ai-edit"])
def test_claid_unknown_job(caller: Caller, path: str) -> None:
    """An unknown id is a 404 in the flat envelope, in the vendor's words."""
    reply = caller.http.get(f"/v1/image/{path}/999", headers=CLAID)
    check("claid_error", {**reply.json(), "error_details": {}})

    assert 404 == reply.status_code
    assert "Web image not found." == reply.json()["error_message"]


def test_vmake(caller: Caller) -> None:
    """The three replies of a Vmake task read as documented."""
    caller.fault("job_never_ends", times=1)
    pending = caller.clothing()
    check("vmake_accepted", pending.json())
    path = f"/api/v4/image/ai-fashion-model/clothing-tasks/{pending.json()['data']['taskId']}"
    check("vmake_pending", caller.http.get(path, headers=VMAKE).json())
    done = caller.vmake_job(caller.clothing())
    check("vmake_success", {"code": 0, "message": "Success", "data": done})
    check("vmake_error", caller.clothing(modelId=7).json())


def test_ailabtools(caller: Caller) -> None:
    """The replies of a refiner task read as documented, from queued to done."""
    accepted = caller.refine()
    check("ailabtools_accepted", accepted.json())
    check("ailabtools_result", caller.ailab_poll(accepted.json()["task_id"]).json())
    done = caller.ailab_job(accepted)
    check("ailabtools_result", done)
    check("ailabtools_error", caller.refine(gender=None).json())
    check("ailabtools_credits", caller.http.get("/api/common/query-credits", headers=AILAB).json())

    assert 2 == done["task_status"]
    assert 1 == done["usage"]["image_count"]
