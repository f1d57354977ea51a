"""What S3 libraries raise when a call comes to nothing, and the store's answer in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any, cast

import botocore.exceptions
from botocore.parsers import ResponseParserError
from obstore.exceptions import BaseError, GenericError

__all__ = ["S3_ERRORS", "Refusal", "is_distrust", "is_transient", "refusal_in", "words_in"]

_TRANSIENT_CODES = frozenset(
    {"ConditionalRequestConflict", "OperationAborted", "RequestTimeout", "SlowDown", "Throttling", "TooManyRequests"}
)
_TRANSIENT_ERRORS = (
    # With no answer in it, it is a connection that failed, before the call or within it.
    GenericError,
    botocore.exceptions.ConnectionError,
    botocore.exceptions.HTTPClientError,
    botocore.exceptions.IncompleteReadError,
    ResponseParserError,
    TimeoutError,
)
# obstore's missing objects are `FileNotFoundError`.
S3_ERRORS = (
    *_TRANSIENT_ERRORS,
    BaseError,
    OSError,
    botocore.exceptions.BotoCoreError,
    botocore.exceptions.ClientError,
)
SERVER_ERROR = 500
NOT_IMPLEMENTED = 501
TOO_MANY_REQUESTS = 429

# obstore tells its errors' parts only in their text: a sentence, then all that Rust knows of it.
_DETAILS = "\n\nDebug source:\n"
_ANSWER = re.compile(r"Server returned non-2xx status code: (\d{3}) ?([^:\n]*): (.*)", re.DOTALL)
_ERROR_IN_200 = re.compile(r"Server returned error response: (.*)", re.DOTALL)
_NO_LOCATION = "redirect without LOCATION"
_CODE = re.compile(r"<Code>(.*?)</Code>", re.DOTALL)
_MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)
_CAUSE = re.compile(
    r'(?:message|error): "([^"]+)"|(InvalidCertificate\(\s*\w+|IncompleteMessage|IncompleteBody|InvalidMessage)'
)
_CREDENTIALS = "External AWS credential provider: "


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a store answered instead of doing as asked."""

    status: int
    code: str
    words: str


def refusal_in(error: BaseException) -> Refusal | None:
    """The store's answer within an error; None when there was no answer."""
    if isinstance(error, botocore.exceptions.ClientError):
        return _botocores(error)
    if isinstance(error, BaseError | FileNotFoundError):
        return _obstores(_sentence(error))
    return None


def is_transient(error: Exception) -> bool:
    """Whether the same call may well succeed a little later."""
    refusal = refusal_in(error)
    if refusal is None:
        return isinstance(error, _TRANSIENT_ERRORS) and not is_distrust(error)
    if refusal.code in _TRANSIENT_CODES or refusal.status == TOO_MANY_REQUESTS:
        return True
    return refusal.status >= SERVER_ERROR and refusal.status != NOT_IMPLEMENTED


def is_distrust(error: BaseException) -> bool:
    """Whether the other end could not prove who it is, or does not speak TLS."""
    if isinstance(error, GenericError):
        return "InvalidCertificate" in str(error) or "InvalidMessage" in str(error)
    return isinstance(error, botocore.exceptions.SSLError)


def words_in(error: BaseException) -> str:
    """Why there was no answer, in the library's words."""
    if not isinstance(error, BaseError):
        return str(error) or type(error).__name__
    sentence = _sentence(error).rpartition(" - ")[2].rpartition(_CREDENTIALS)[2].removeprefix("Generic S3 error: ")
    causes = _CAUSE.findall(str(error).partition(_DETAILS)[2]) if isinstance(error, GenericError) else []
    return ": ".join([sentence, *("".join(re.sub(r"\(\s*", ": ", part) for part in cause) for cause in causes[-1:])])


def _sentence(error: BaseException) -> str:
    return str(error).partition(_DETAILS)[0]


def _botocores(error: botocore.exceptions.ClientError) -> Refusal:
    answer = cast("dict[str, Any]", error.response)
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    words = answer.get("Error", {})
    # Ceph sends a code without a message.
    return Refusal(status, words.get("Code", ""), words.get("Message") or "")


def _obstores(sentence: str) -> Refusal | None:
    if _NO_LOCATION in sentence:
        return Refusal(301, "PermanentRedirect", "the bucket is elsewhere")
    if found := _ERROR_IN_200.search(sentence):
        return _of_body(SERVER_ERROR, "", found[1])
    if found := _ANSWER.search(sentence):
        return _of_body(int(found[1]), found[2], found[3])
    return None


def _of_body(status: int, reason: str, body: str) -> Refusal:
    code, words = _CODE.search(body), _MESSAGE.search(body)
    return Refusal(status, unescape(code[1]) if code else reason, unescape(words[1]) if words else "")
