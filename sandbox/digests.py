"""Digests: what tells files and requests from others, reckoned once however often the same file comes."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import orjson

__all__ = ["digest_of", "digest_of_bytes"]

# Some 200 bytes each.
DIGESTS_KEPT = 16_384

# By length and Python's hash, which costs a third of SHA-256 and which each bytes object remembers.
_known: OrderedDict[tuple[int, int], str] = OrderedDict()


def digest_of(essence: object) -> str:
    """A digest that is equal for equal requests, whatever the order of their keys."""
    return hashlib.sha256(orjson.dumps(essence, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def digest_of_bytes(data: bytes) -> str:
    """A digest that tells a file from others, wherever it lies."""
    key = (len(data), hash(data))
    digest = _known.get(key)
    if digest is None:
        digest = _known[key] = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if len(_known) > DIGESTS_KEPT:
            _known.popitem(last=False)
    return digest
