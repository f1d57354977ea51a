"""Every fault, met over a real socket."""

from __future__ import annotations

import io
import time
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.sandbox.caller import CLAID, Caller, garment_png

SUBMITS = ["fashion", "clothing", "refine", "scene"]


@pytest.mark.parametrize("submit", SUBMITS)
def test_rate_limited(caller: Caller, submit: str) -> None:
    """A refusal for rate may say when to come back; nothing is accepted."""
    reply = getattr(caller, submit)(headers={"x-sandbox-fault": "rate_limited; retry_after=3"})
    caller.fault("rate_limited", times=1, phase="submit")
    without = getattr(caller, submit)()

    assert (429, "3") == (reply.status_code, reply.headers["retry-after"])
    assert 429 == without.status_code
    assert "retry-after" not in without.headers
    assert [] == caller.charges()


@pytest.mark.parametrize(
    ("fault", "status", "mime"),
    [
        ("error_500", 500, "application/json"),
        ("error_502_html", 502, "text/html; charset=utf-8"),
        ("error_503", 503, "text/plain; charset=utf-8"),
    ],
)
@pytest.mark.parametrize(("after", "accepted"), [(False, 0), (True, 1)])
def test_server_errors(caller: Caller, fault: str, status: int, mime: str, after: bool, accepted: int) -> None:
    """A server error comes before the request is carried out or, if asked for, after it."""
    caller.fault(fault, after=after, phase="submit")
    reply = caller.fashion()

    assert (status, mime) == (reply.status_code, reply.headers["content-type"])
    assert accepted == len(caller.charges())


@pytest.mark.parametrize("fault", ["slow_headers", "slow_body"])
def test_slow_replies(caller: Caller, fault: str) -> None:
    """A slow reply arrives whole in the end, and not before its time."""
    caller.fault(fault, seconds=0.3, phase="submit")
    url = caller.upload()
    started = time.monotonic()
    reply = caller.fashion(url)

    assert time.monotonic() - started >= 0.3
    assert "ACCEPTED" == reply.json()["data"]["status"]


def test_a_slow_body_begins_at_once(caller: Caller) -> None:
    """With a slow body the headers are there at once."""
    caller.fault("slow_body", seconds=1, operation="claid.upload", phase="download")
    url = caller.upload()
    with caller.http.stream("GET", url) as reply:
        headers_came = time.monotonic()
        reply.read()

    assert time.monotonic() - headers_came > 0.5


@pytest.mark.parametrize("submit", SUBMITS)
@pytest.mark.parametrize(("fault", "accepted"), [("cut_before", 0), ("cut_after", 1)])
def test_cut_connections(caller: Caller, submit: str, fault: str, accepted: int) -> None:
    """The connection is cut without a reply, before or after the job was accepted and charged."""
    caller.fault(fault, phase="submit", times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected"):
        getattr(caller, submit)()

    assert accepted == len(caller.charges())
    assert getattr(caller, submit)().is_success


def test_a_cut_job_goes_on(caller: Caller) -> None:
    """A job accepted before the cut runs to its end, and can be found."""
    caller.fault("cut_after", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        caller.fashion()
    job_id = caller.charges()[0]["job_id"]
    path = f"/v1/image/ai-fashion-models/{job_id}"
    ended = caller.until(
        lambda body: body["data"]["status"] == "DONE", lambda: caller.http.get(path, headers=CLAID)
    )  # fmt: skip

    assert ended["data"]["result"]["output_objects"]


def test_job_error(caller: Caller) -> None:
    """A job fails in each vendor's own way."""
    caller.fault("job_error")
    fashion = caller.claid_job(caller.fashion())
    clothing = caller.vmake_job(caller.clothing())
    refined = caller.ailab_job(caller.refine())
    scene = caller.scene()

    assert ("ERROR", "error", 3, 400) == (
        fashion["status"],
        clothing["status"],
        refined["task_status"],
        scene.status_code,
    )
    assert fashion["errors"]
    assert clothing["message"]


def test_job_never_ends(caller: Caller) -> None:
    """A job stays as it is, a week later still, until the vendor forgets it."""
    caller.fault("job_never_ends")
    job_id = caller.fashion().json()["data"]["id"]
    caller.http.post("/sandbox/clock", json={"seconds": 3600})

    reply = caller.http.get(f"/v1/image/ai-fashion-models/{job_id}", headers=CLAID)

    assert "PROCESSING" == reply.json()["data"]["status"]


@pytest.mark.parametrize(("submit", "status"), [("fashion", 402), ("scene", 402), ("clothing", 402), ("refine", 429)])
def test_out_of_credits(caller: Caller, submit: str, status: int) -> None:
    """The account is empty, whatever the key."""
    caller.fault("out_of_credits")

    assert status == getattr(caller, submit)().status_code


@pytest.mark.parametrize(("rule", "status"), [({}, 413), ({"status": 422}, 422), ({"status": 500}, 500)])
def test_poll_error(caller: Caller, rule: dict[str, Any], status: int) -> None:
    """AILabTools reports a failure as an error reply to the poll itself, again and again."""
    caller.fault("poll_error", **rule)
    reply = caller.refine()
    body = caller.ailab_job(reply)
    again = caller.ailab_poll(reply.json()["task_id"])

    assert status == body["error_code"] == again.status_code
    assert body["error_detail"]["code"]


def download(caller: Caller) -> httpx.Response:
    """Make a picture and download it."""
    done = caller.claid_job(caller.fashion())
    return caller.http.get(done["result"]["output_objects"][0]["tmp_url"])


def test_result_expired(caller: Caller) -> None:
    """The address is gone before its time."""
    caller.fault("result_expired")

    assert 404 == download(caller).status_code


@pytest.mark.parametrize("fault", ["truncated_picture", "corrupted_picture"])
def test_spoilt_pictures(caller: Caller, fault: str) -> None:
    """The picture arrives with a success and can't be decoded, once."""
    caller.fault(fault, times=1, operation="claid.*")
    spoilt = download(caller)

    assert 200 == spoilt.status_code
    with pytest.raises((OSError, SyntaxError)):
        Image.open(io.BytesIO(spoilt.content)).load()
    assert 160 == Image.open(io.BytesIO(download(caller).content)).height


def test_wrong_content_type(caller: Caller) -> None:
    """The picture is announced as something else."""
    caller.fault("wrong_content_type")

    assert download(caller).headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("submit", SUBMITS)
def test_drifted_schema(caller: Caller, submit: str) -> None:
    """The fields that a client needs have other names."""
    reply = getattr(caller, submit)(headers={"x-sandbox-fault": "drifted_schema"})

    assert reply.is_success
    assert not {"id", "taskId", "task_id", "output"} & (reply.json().keys() | reply.json().get("data", {}).keys())


def test_empty_result(caller: Caller) -> None:
    """A job is done and has nothing to show."""
    caller.fault("empty_result")
    fashion = caller.claid_job(caller.fashion())
    clothing = caller.vmake_job(caller.clothing())
    refined = caller.ailab_job(caller.refine())
    scene = caller.scene().json()

    assert [] == fashion["result"]["output_objects"] == clothing["results"] == scene["data"]["output"]
    assert "" == refined["output"]["image_url"]


def test_by_query(caller: Caller) -> None:
    """A fault may be asked for in the address."""
    reply = caller.http.get("/v1/image/ai-fashion-models/1?sandbox_fault=error_503", headers=CLAID)

    assert 503 == reply.status_code


def test_unknown_faults_are_refused(caller: Caller) -> None:
    """A fault that does not exist is a 400, or a 422 as a rule."""
    asked = caller.fashion(headers={"x-sandbox-fault": "earthquake"})
    rule = caller.http.post("/sandbox/faults", json={"fault": "earthquake"})

    assert (400, 422) == (asked.status_code, rule.status_code)


def test_rules_pick_requests(caller: Caller) -> None:
    """A rule can skip, stop, and mean one operation only."""
    caller.fault("error_500", operation="claid.fashion_models", skip=1, times=2, phase="submit")
    url = caller.upload()
    codes = [caller.fashion(url).status_code for _ in range(4)]
    other = caller.edit().status_code

    assert ([200, 500, 500, 200], 200) == (codes, other)


def test_rates(caller: Caller) -> None:
    """A rate hits about that share of requests."""
    caller.fault("error_503", rate=0.3, phase="poll")
    codes = [caller.http.get("/v1/image/ai-edit/1", headers=CLAID).status_code for _ in range(300)]

    assert 50 < codes.count(503) < 130


def test_rules_can_be_lifted(caller: Caller) -> None:
    """Rules are listed with what they did, and lifted one by one or all at once."""
    caller.fault("error_500")
    caller.fault("error_503")
    assert 500 == caller.http.get("/v1/image/ai-edit/1", headers=CLAID).status_code
    rules = caller.http.get("/sandbox/faults").json()
    caller.http.delete(f"/sandbox/faults/{rules[0]['id']}")
    assert 503 == caller.http.get("/v1/image/ai-edit/1", headers=CLAID).status_code
    lifted = caller.http.delete("/sandbox/faults").json()

    assert [1, 0] == [rule["fired"] for rule in rules]
    assert {"lifted": 1} == lifted
    assert 404 == caller.http.delete("/sandbox/faults/99").status_code
    assert 404 == caller.http.get("/v1/image/ai-edit/1", headers=CLAID).status_code


def test_faults_are_counted(caller: Caller) -> None:
    """The state tells which faults happened how often."""
    caller.http.post("/v1/image/edit/upload?sandbox_fault=error_500", files={"file": garment_png()}, headers=CLAID)

    assert {"error_500": 1} == caller.http.get("/sandbox/state").json()["faults_met"]
