"""
Claid's webhook deliveries: whether one is genuine, and which job it says has ended.

The header and what it signs are published; the digest's encoding is not, so hexadecimal, with or without a
`sha256=` before it, and base64 are taken for the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

__all__ = ["SIGNATURE_HEADER", "ended_job", "is_genuine"]

SIGNATURE_HEADER = "X-Claid-Hmac-SHA256"
LONGEST_SIGNATURE = 128
HEX_DIGITS = 64
ENDS = frozenset({"DONE", "ERROR", "CANCELLED"})


def is_genuine(secret: SecretStr, body: bytes, signature: str) -> bool:
    """Whether the signature is that of the raw body; compared in constant time."""
    digest = hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).digest()
    return hmac.compare_digest(digest, _decoded(signature))


def ended_job(body: bytes) -> str | None:
    """
    The id of the job that a genuine delivery says has ended; None when it says something else.

    Raises pydantic's ValidationError for a body that names no job.
    """
    delivery = Delivery.model_validate_json(body)
    return str(delivery.data.id) if delivery.data.status.upper() in ENDS else None


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Told(_Part):
    """What is taken from a delivery: the rest is asked for, so it is not read."""

    id: int = Field(ge=0, lt=2**63)
    status: str = Field(max_length=50)


class Delivery(_Part):
    """A delivery's body: what a job's query answers, whose wrapper one known receiver has seen left out."""

    data: Told

    @model_validator(mode="before")
    @classmethod
    def _wrapped(cls, body: Any) -> Any:
        told = body
        return {"data": told} if isinstance(body, dict) and "data" not in body else told


def _decoded(signature: str) -> bytes:
    """The digest in the header; empty for what is none."""
    text = signature.strip().removeprefix("sha256=")
    if len(text) > LONGEST_SIGNATURE:
        return b""
    try:
        if len(text) == HEX_DIGITS:
            return bytes.fromhex(text)
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
