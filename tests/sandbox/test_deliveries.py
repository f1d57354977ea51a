"""Claid's webhook: what is delivered, how it is signed, and how it goes wrong on request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.sandbox.caller import CLAID, Caller

SECRET = "a secret of the dashboard"
DEADLINE_SECONDS = 120


@dataclass
class Address:
    """Where deliveries go, and what came; `statuses` are answered in turn, then 200."""

    url: str = ""
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list[tuple[dict[str, str], bytes]])
    statuses: list[int] = field(default_factory=list[int])

    def jobs(self) -> list[int]:
        """The ids of the jobs that were announced, in order."""
        return [json.loads(body)["data"]["id"] for _, body in self.came]


@pytest.fixture
def address() -> Generator[Address]:
    """An address of this machine."""
    at = Address()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.headers.get("transfer-encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers["content-length"]))
            at.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(at.statuses.pop(0) if at.statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    at.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield at
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def announce(caller: Caller, address: Address) -> Callable[..., None]:
    """Fills in the webhook's settings."""

    def fill_in(**settings: Any) -> None:
        body = {"url": address.url, "secret": SECRET, "retry_seconds": [], **settings}
        caller.http.put("/sandbox/webhook", json=body).raise_for_status()

    return fill_in


def deliveries(caller: Caller, count: int) -> list[dict[str, Any]]:
    """What became of the deliveries, once there are so many."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if len(lines := caller.http.get("/sandbox/deliveries").json()) >= count:
            return lines
        time.sleep(0.01)
    raise TimeoutError(f"there were no {count} deliveries")


def digest(body: bytes, secret: str = SECRET) -> bytes:
    """The digest that a delivery is signed with."""
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def test_a_job_that_ends_is_announced_with_what_its_query_answers(
    caller: Caller, address: Address, announce: Callable[..., None]
) -> None:
    """The body is that of the GET, and the digest is of the raw body."""
    announce()
    reply = caller.fashion()
    lines = deliveries(caller, 1)
    asked = caller.http.get(f"/v1/image/ai-fashion-models/{reply.json()['data']['id']}", headers=CLAID)
    headers, body = address.came[0]

    assert asked.json() == json.loads(body)
    assert "DONE" == json.loads(body)["data"]["status"]
    assert digest(body).hex() == headers["x-claid-hmac-sha256"]
    assert [{"job_id": str(reply.json()["data"]["id"]), "fault": None, "status": 200, "tries": 1}] == lines


def prefixed(body: bytes) -> str:
    """As one known receiver expects it."""
    return "sha256=" + digest(body).hex()


def in_base64(body: bytes) -> str:
    """As other vendors have it."""
    return base64.b64encode(digest(body)).decode()


@pytest.mark.parametrize(("encoding", "written"), [("prefixed", prefixed), ("base64", in_base64)])
def test_a_digest_can_be_written_otherwise(
    caller: Caller, address: Address, announce: Callable[..., None], encoding: str, written: Callable[[bytes], str]
) -> None:
    """The vendor's pages leave its encoding open."""
    announce(encoding=encoding, wrapped=False)
    reply = caller.edit()
    deliveries(caller, 1)
    headers, body = address.came[0]

    assert written(body) == headers["x-claid-hmac-sha256"]
    assert reply.json()["data"]["id"] == json.loads(body)["id"]


def test_events_that_were_not_chosen_are_not_announced(
    caller: Caller, address: Address, announce: Callable[..., None]
) -> None:
    """A failed job is another event than a finished one; a job that never ends is none."""
    announce(events=["failed"])
    caller.fashion()
    caller.fashion(headers={"x-sandbox-fault": "job_never_ends"})
    failed = caller.fashion(headers={"x-sandbox-fault": "job_error"}).json()["data"]["id"]
    deliveries(caller, 1)

    assert [failed] == address.jobs()
    assert "ERROR" == json.loads(address.came[0][1])["data"]["status"]


def test_without_settings_nothing_is_delivered(caller: Caller, address: Address, announce: Callable[..., None]) -> None:
    """The settings can be emptied, and scenes are never announced."""
    announce()
    caller.http.delete("/sandbox/webhook").raise_for_status()
    caller.claid_job(caller.fashion())
    announce()
    caller.scene()
    last = caller.fashion().json()["data"]["id"]
    deliveries(caller, 1)

    assert [last] == address.jobs()


def test_a_delivery_that_is_not_accepted_is_repeated(
    caller: Caller, address: Address, announce: Callable[..., None]
) -> None:
    """It comes again until any success, as often as the settings say."""
    announce(retry_seconds=[0, 0, 0])
    address.statuses += [500, 404]
    caller.fashion()
    line = deliveries(caller, 1)[0]

    assert (200, 3) == (line["status"], line["tries"])
    assert 1 == len({body for _, body in address.came})


def test_a_forged_delivery_bears_another_secrets_digest(
    caller: Caller, address: Address, announce: Callable[..., None]
) -> None:
    """The body is as it should be."""
    announce()
    job = caller.fashion(headers={"x-sandbox-fault": "forged_delivery"}).json()["data"]["id"]
    deliveries(caller, 1)
    headers, body = address.came[0]

    assert [job] == address.jobs()
    assert digest(body).hex() != headers["x-claid-hmac-sha256"]
    assert 64 == len(headers["x-claid-hmac-sha256"])


def test_a_wrong_delivery_is_signed_and_names_no_job(
    caller: Caller, address: Address, announce: Callable[..., None]
) -> None:
    """Such as one of a product that is not known here."""
    announce()
    caller.fault("wrong_delivery", times=1)
    caller.fashion()
    deliveries(caller, 1)
    headers, body = address.came[0]

    assert digest(body).hex() == headers["x-claid-hmac-sha256"]
    assert "data" not in json.loads(body)


def test_a_duplicate_delivery_comes_twice_and_a_missing_one_never(
    caller: Caller, address: Address, announce: Callable[..., None]
) -> None:
    """Vendors promise neither exactly once nor at least once."""
    announce()
    missing = caller.fashion(headers={"x-sandbox-fault": "missing_delivery"}).json()["data"]["id"]
    deliveries(caller, 1)
    twice = caller.fashion(headers={"x-sandbox-fault": "duplicate_delivery"}).json()["data"]["id"]
    lines = deliveries(caller, 3)

    assert [twice, twice] == address.jobs()
    assert [(str(missing), None), (str(twice), 200), (str(twice), 200)] == [(x["job_id"], x["status"]) for x in lines]


def test_a_late_delivery_comes_when_its_time_is_over(
    caller: Caller, address: Address, announce: Callable[..., None]
) -> None:
    """By the sandbox's clock, which can be advanced."""
    announce()
    late = caller.fashion(headers={"x-sandbox-fault": "late_delivery; seconds=3600"})
    caller.claid_job(late)
    in_time = caller.fashion()
    deliveries(caller, 1)
    caller.http.post("/sandbox/clock", json={"seconds": 3600}).raise_for_status()
    deliveries(caller, 2)

    assert [in_time.json()["data"]["id"], late.json()["data"]["id"]] == address.jobs()


def test_a_reordered_delivery_comes_after_the_next(
    caller: Caller, address: Address, announce: Callable[..., None]
) -> None:
    """Vendors promise no order."""
    announce()
    first = caller.fashion(headers={"x-sandbox-fault": "reordered_delivery"})
    caller.claid_job(first)
    second = caller.fashion()
    deliveries(caller, 2)

    assert [second.json()["data"]["id"], first.json()["data"]["id"]] == address.jobs()


def test_a_slow_delivery_trickles_in(caller: Caller, address: Address, announce: Callable[..., None]) -> None:
    """It arrives whole in the end, and not before its time."""
    announce()
    started = time.monotonic()
    job = caller.fashion(headers={"x-sandbox-fault": "slow_delivery; seconds=0.3"}).json()["data"]["id"]
    deliveries(caller, 1)

    assert time.monotonic() - started >= 0.3
    assert [job] == address.jobs()


def test_faults_of_requests_do_not_happen_to_deliveries(
    caller: Caller, address: Address, announce: Callable[..., None]
) -> None:
    """A rule without a phase is for what clients send."""
    announce()
    caller.fault("error_503", operation="claid.fashion_models", skip=1)
    job = caller.fashion().json()["data"]["id"]
    deliveries(caller, 1)
    rules = caller.http.get("/sandbox/faults").json()

    assert [job] == address.jobs()
    assert [(1, 0)] == [(rule["seen"], rule["fired"]) for rule in rules]
