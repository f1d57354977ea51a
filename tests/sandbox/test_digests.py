"""What tells files and requests from others."""

from __future__ import annotations

import hashlib

import pytest

from sandbox import digests
from sandbox.digests import digest_of, digest_of_bytes


def test_a_files_digest_is_its_contents(monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest is the SHA-256 of the content, also once it was forgotten."""
    monkeypatch.setattr(digests, "DIGESTS_KEPT", 2)
    files = [f"file {n % 4}".encode() for n in range(12)]

    assert [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in files] == [digest_of_bytes(data) for data in files]


def test_the_order_of_keys_does_not_matter() -> None:
    """Equal requests have equal digests."""
    assert digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
