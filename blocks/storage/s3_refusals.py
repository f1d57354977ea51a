"""What an S3 store's refusal means, and what to do about it."""

from __future__ import annotations

from textwrap import shorten

from botocore.exceptions import NoCredentialsError, PartialCredentialsError
from obstore.exceptions import UnauthenticatedError

from blocks.errors import WORDS_LIMIT, StorageError
from blocks.storage.s3_answers import is_distrust, refusal_in, words_in
from blocks.storage.store import file_failed, missing

__all__ = ["refused"]

# Asking for what is not there is an answer; anywhere else a missing object is a failure.
_READS = frozenset({"read", "downloaded", "looked up"})
NOT_FOUND = 404
FORBIDDEN = 403

_FRESH_KEYS = "Correct the access key ID and secret access key of this storage."
_NEXT_STEPS = {
    "NoSuchBucket": "Create the bucket, or correct its name in the address.",
    "InvalidBucketName": "Correct the bucket's name in the address.",
    "InvalidAccessKeyId": _FRESH_KEYS,
    "SignatureDoesNotMatch": _FRESH_KEYS,
    "ExpiredToken": "Get new temporary credentials and run again.",
    "InvalidToken": "Get new temporary credentials and run again.",
    "RequestTimeTooSkewed": "Set this machine's clock.",
    "AuthorizationHeaderMalformed": "Set the region in which the bucket lives.",
    "PermanentRedirect": "Set the region in which the bucket lives.",
    "NotImplemented": "Use a store that knows conditional writes (Amazon S3, Ceph, MinIO), or a local folder.",
    "QuotaExceeded": "The bucket or its owner has used up its quota; free some space and run again.",
    "KeyTooLongError": "S3 allows 1,024 bytes per key; shorten the prefix or the name.",
}
_PERMISSIONS = "Allow these credentials s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket on the bucket."
_NO_CREDENTIALS = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile with AWS_PROFILE, or fill in the storage block."
)


def refused(uri: str, done: str, error: BaseException, endpoint: str) -> StorageError:
    """The error to raise when an object at `uri` could not be `done`."""
    refusal = refusal_in(error)
    if isinstance(error, OSError) and error.filename:
        return file_failed(uri, done, error)
    if refusal is None:
        return _no_answer(uri, done, error, endpoint)
    if refusal.status == NOT_FOUND and refusal.code != "NoSuchBucket" and done in _READS:
        return missing(uri)
    default = _PERMISSIONS if refusal.status == FORBIDDEN else "Check the store's health, then run again."
    words = f"{refusal.code}: {_cut(refusal.words)}" if refusal.words else refusal.code
    return StorageError(
        f"{uri} could not be {done}: the store at {endpoint} says {words!r} (HTTP {refusal.status})",
        next_step=_NEXT_STEPS.get(refusal.code, default),
    )


def _no_answer(uri: str, done: str, error: BaseException, endpoint: str) -> StorageError:
    if isinstance(error, NoCredentialsError | PartialCredentialsError | UnauthenticatedError):
        next_step = _NO_CREDENTIALS
    elif is_distrust(error):
        next_step = "Check the endpoint's certificate; AWS_CA_BUNDLE names a file of further authorities."
    else:
        next_step = "Check the endpoint's address and the network, then run again."
    cause = _cut(words_in(error))
    return StorageError(
        f"{uri} could not be {done}: no answer from the store at {endpoint}: {cause}", next_step=next_step
    )


def _cut(words: str) -> str:
    return shorten(words, WORDS_LIMIT, placeholder="…")
