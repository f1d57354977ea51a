"""Texts for people in which a catalog's addresses open nothing and no key can be read."""

from __future__ import annotations

import re

__all__ = ["masked_text"]

# An address up to its query, which may sign it; where a text was cut short, only the end of a query may be left.
_ADDRESS = re.compile(r"(https?:\\?/\\?/[^\s?#&='\"<>]*)[?#&=][^\s'\"<>]*", re.IGNORECASE)
_ACCOUNT = re.compile(r"(://)[^/\s@'\"<>]*@")
_SECRET = re.compile(
    r"(?<![\w-])([\w-]*?(?:signature|token|secret|credential|passw(?:or)?d|api[_-]?key|access[_-]?key|accesskeyid)[\w-]*"
    r"|sig|authorization)(['\"]?\s*[=:]\s*['\"]?(?:bearer\s+|basic\s+)?)[^\s&'\",;)}\]]+",
    re.IGNORECASE,
)


def masked_text(text: str) -> str:
    """The text without the queries and accounts of web addresses, and without the values of what is named like a key."""
    return _SECRET.sub(r"\1\2…", _ACCOUNT.sub(r"\1…@", _ADDRESS.sub(r"\1?…", text)))
