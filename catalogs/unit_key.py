"""Unit keys: a hash of all that decides a picture, known at planning without a call."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["result_identity", "source_identity", "unit_key"]

SCHEME = 1


def unit_key(operation: str, version: int, options: Mapping[str, Any], inputs: Mapping[str, Any]) -> str:
    """
    64 hex digits over canonical JSON: sorted keys, no spaces, UTF-8.

    `inputs` maps each slot to an identity, a list of identities, or a plain fact such as the gender.
    """
    document = {"scheme": SCHEME, "operation": operation, "version": version, "options": options, "inputs": inputs}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def source_identity(uri: str, version: str | None) -> str:
    """A catalog's picture: its address, and its version where the catalog tells one."""
    return f"{uri}@{version}" if version else uri


def result_identity(upstream_key: str, pick: int) -> str:
    """An upstream stage's picture: which unit made it, and which of its candidates goes on."""
    return f"unit:{upstream_key}#{pick}"
