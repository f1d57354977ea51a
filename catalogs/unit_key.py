"""Unit keys: a hash of all that decides a picture, known at planning without a call."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, cast

__all__ = [
    "SCHEME",
    "canonical_json",
    "key_ending",
    "key_of_json",
    "result_identity",
    "source_identity",
    "unit_key",
    "unsigned",
]

SCHEME = 1

# A link that is signed anew for every export leads to the same picture. Amazon S3, CloudFront, Google and Azure:
# docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, cloud.google.com/storage/docs/authentication/
# signatures, learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas.
_SIGNED = re.compile(r"[?&](x-(amz|goog)-signature|signature|sig)=", re.IGNORECASE)
_SIGNING = re.compile(
    r"(x-(amz|goog)-[a-z0-9-]+|signature|expires|policy|key-pair-id|hash-algorithm|awsaccesskeyid|googleaccessid"
    r"|sig|s[eprtv]|spr|sip|sdd|ses|sk(oid|tid|[tesv]))=",
    re.IGNORECASE,
)


def unit_key(operation: str, version: int, options: Mapping[str, Any], inputs: Mapping[str, Any]) -> str:
    """
    64 hex digits over canonical JSON: sorted keys, no spaces, UTF-8, whole numbers without a point.

    `inputs` maps each slot to an identity, a list of identities, or a plain fact such as the gender.
    """
    document = {"scheme": SCHEME, "operation": operation, "version": version, "options": options, "inputs": inputs}
    return hashlib.sha256(canonical_json(document).encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """The one way in which a unit key has a value."""
    return json.dumps(_canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def key_ending(operation: str, version: int, options: str) -> str:
    """What follows a unit's inputs in its key's document, from options in canonical JSON: `inputs` sorts first."""
    return f',"operation":{canonical_json(operation)},"options":{options},"scheme":{SCHEME},"version":{version}}}'


def key_of_json(inputs: str, ending: str) -> str:
    """The `unit_key` of inputs in canonical JSON and a `key_ending`, for those who make millions of them."""
    return hashlib.sha256(f'{{"inputs":{inputs}{ending}'.encode()).hexdigest()


def source_identity(uri: str, version: str | None) -> str:
    """A catalog's picture: its address without a signature, and its version where the catalog tells one."""
    # No address holds a line break, so no two pairs read alike.
    return f"{unsigned(uri)}\n{version}" if version else unsigned(uri)


def result_identity(upstream_key: str, pick: int) -> str:
    """An upstream stage's picture: which unit made it, and which of its candidates goes on."""
    return f"unit:{upstream_key}#{pick}"


def _canonical(value: Any) -> Any:
    """JavaScript and YAML write 1.0 as 1 and read it back as another kind of number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {name: _canonical(inner) for name, inner in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [_canonical(inner) for inner in cast("list[Any]", value)]
    return value


def unsigned(uri: str) -> str:
    """The address without what signs it, if it is signed: it names the picture and opens nothing."""
    if "=" not in uri or not uri.startswith(("http://", "https://")) or not _SIGNED.search(uri):
        return uri
    address, _, query = uri.partition("?")
    kept = "&".join(pair for pair in query.split("&") if not _SIGNING.match(pair))
    return f"{address}?{kept}" if kept else address
