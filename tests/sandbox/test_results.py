"""Downloads: open to everybody, closed to those who bring a key."""

from __future__ import annotations

import pytest

from tests.sandbox.caller import AILAB, CLAID, VMAKE, Caller


@pytest.mark.parametrize("headers", [CLAID, VMAKE, AILAB])
def test_a_leaked_key_is_refused_and_recorded(caller: Caller, headers: dict[str, str]) -> None:
    """A download that carries a vendor key is a 400, and the leak is kept without the key."""
    url = caller.upload()
    status = caller.http.get(url, headers=headers).status_code
    leaks = caller.http.get("/sandbox/leaks").json()

    assert 400 == status
    assert list(headers) == [leak["header"] for leak in leaks]
    assert "test-key" not in str(leaks)


def test_no_leak_no_record(caller: Caller) -> None:
    """A plain download works and leaves no leak."""
    assert 200 == caller.http.get(caller.upload()).status_code
    assert [] == caller.http.get("/sandbox/leaks").json()


def test_nothing_there(caller: Caller) -> None:
    """An address that was never given out is a 404."""
    assert 404 == caller.http.get("/results/nowhere/nothing.png").status_code


def test_result_url_is_plain_http(caller: Caller) -> None:
    """Claid's `result_url` has http, as live replies have it."""
    assert caller.fashion().json()["data"]["result_url"].startswith("http://")
