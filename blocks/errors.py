"""
Everything that can go wrong, as one tree.

* CatwalkError
  x CatalogError         the catalog, a row of it or a picture it names can't be used
  x RecipeError          the recipe can't work, or doesn't fit the catalog
  x StorageError         the object storage refused, or lost, what we asked of it
  x VendorError          a vendor's API
    + RateLimited        refused for rate (429): nothing was accepted, wait and repeat
    + Unavailable        provably not accepted (503 among them), or a free call failed: repeat
    + Rejected           the vendor refused this request
      - ContentRefused   ... for what its pictures or words show
    + AuthFailed         the key is missing, wrong, or lacks a permission: closes the account's lane
    + QuotaExhausted     no credits left: closes the account's lane
    + JobFailed          the vendor accepted the job and then failed it
    + ResultExpired      the vendor no longer holds the result
    + OutcomeUnknown     the vendor may have accepted, and charged: never repeated unasked
    + ContractDrift      the reply no longer fits the vendor's documented contract: closes the account's lane
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

__all__ = [
    "AuthFailed",
    "CatalogError",
    "CatwalkError",
    "ContentRefused",
    "ContractDrift",
    "JobFailed",
    "OutcomeUnknown",
    "QuotaExhausted",
    "RateLimited",
    "RecipeError",
    "Rejected",
    "ResultExpired",
    "StorageError",
    "Unavailable",
    "VendorError",
]

WORDS_LIMIT = 300

# Vendors quote the addresses they were given, and a signed one opens the bucket to whoever reads the log.
_QUERY = re.compile(r"(https?://[^\s?'\"<>]+\?)[^\s'\"<>]+")


def _rebuild(cls: type[CatwalkError], what: str, fields: dict[str, Any]) -> CatwalkError:
    error = cls(what)
    error.__dict__.update(fields)
    return error


class CatwalkError(Exception):
    """
    What happened, to which row, in whose words, and what to do next.

    `words` are the vendor's own, cut at 300 characters and without the query strings of the addresses in them;
    `next_step` is an instruction to the reader.
    """

    retryable: ClassVar[bool] = False

    def __init__(
        self,
        what: str,
        *,
        words: str | None = None,
        next_step: str | None = None,
        sku: str | None = None,
        stage: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.words = _cut(words)
        self.next_step = next_step
        self.sku = sku
        self.look: str | None = None
        self.stage = stage

    @classmethod
    def kind(cls) -> str:
        """The class's name as manifests write it: `rate_limited`, `job_failed`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def at(self, *, sku: str, look: str | None = None, stage: str | None = None) -> Self:
        """Name the row, where the raising code could not know it."""
        self.sku = self.sku or sku
        self.look = self.look or look
        self.stage = self.stage or stage
        return self

    def __str__(self) -> str:
        places = (("SKU", self.sku), ("look", self.look), ("stage", self.stage))
        row = " ".join(f"{name} {value!r}" for name, value in places if value)
        parts = [
            f"{row}: {self.what}" if row else self.what,
            f"The vendor says: {self.words!r}" if self.words else "",
            self.next_step or "",
        ]
        return " ".join(_sentence(part) for part in parts if part)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.what, dict(self.__dict__))


class CatalogError(CatwalkError):
    """
    The catalog, one of its rows, or a picture that it names can't be used.

    Costs: nothing.
    Next: mend the row, picture or mapping that the message names, and run again.
    """


class RecipeError(CatwalkError):
    """
    The recipe can't work, or does not fit the catalog.

    Costs: nothing.
    Next: correct the recipe at the place that the message names.
    """


class StorageError(CatwalkError):
    """
    The object storage refused, or lost, what was asked of it.

    Costs: nothing by itself: a picture that was paid for is still at its vendor, for 24 hours.
    Next: `catwalk doctor --output OUTPUT` says what is wrong with the storage; mend it and run again.
    """


class VendorError(CatwalkError):
    """
    A vendor's API did not do what was asked; `request_id` is what its support asks for.

    `closes_lane`: nothing further on the account can go well. `outcome_unknown`: the vendor may have accepted,
    and charged for, a job whose id or result was lost, so its unit is repeated only when a person asks.

    Costs: as its kind says.
    Next: as its kind says.
    """

    closes_lane: ClassVar[bool] = False
    outcome_unknown: bool = False

    def __init__(
        self,
        what: str,
        *,
        vendor: str = "",
        status: int | None = None,
        request_id: str | None = None,
        job_id: str | None = None,
        retry_after: float | None = None,
        words: str | None = None,
        next_step: str | None = None,
        sku: str | None = None,
        stage: str | None = None,
    ) -> None:
        super().__init__(what, words=words, next_step=next_step, sku=sku, stage=stage)
        self.vendor = vendor
        self.status = status
        self.request_id = request_id
        self.job_id = job_id
        self.retry_after = retry_after


class RateLimited(VendorError):
    """
    Refused for rate: nothing was accepted; wait `retry_after` seconds (if given) and repeat.

    Costs: nothing.
    Next: none, Catwalk waits and repeats; lower the account's limits if it comes often.
    """

    retryable = True


class Unavailable(VendorError):
    """
    The request provably was not accepted, or a free call failed: it may be repeated.

    Costs: nothing by itself; a job whose end could not be fetched is paid once, and is still at the vendor.
    Next: run again; check network, `base_url` and the vendor's status page if it stays.
    """

    retryable = True


class Rejected(VendorError):
    """
    The vendor refused this request; repeating it unchanged will not help.

    Costs: nothing for a paid call that was refused.
    Next: change what the vendor objects to, which makes a new unit; or repeat with `--retry failed`.
    """


class ContentRefused(Rejected):
    """
    The vendor refused what the pictures or the words show.

    Costs: nothing if refused at once; perhaps if the vendor refused after it had looked.
    Next: change the picture or the words; or repeat with `--retry failed`.
    """


class AuthFailed(VendorError):
    """
    The key is missing, wrong, or lacks a permission; no other row on this account can go on.

    Costs: nothing.
    Next: correct the key or its permissions, see that `catwalk doctor` is content, and run again.
    """

    closes_lane = True


class QuotaExhausted(VendorError):
    """
    The account has no credits left; no other row on this account can go on.

    Costs: nothing.
    Next: buy credits and run again: what was held goes on by itself.
    """

    closes_lane = True


class JobFailed(VendorError):
    """
    The vendor accepted the job and then failed it.

    Costs: perhaps: `credits_at_risk` has the price; the vendor's own list says.
    Next: look at picture and options, then `catwalk retry OUTPUT failed`.
    """


class ResultExpired(VendorError):
    """
    The vendor no longer holds the result: it keeps results for 24 hours.

    Costs: yes, if the job had ended well.
    Next: `catwalk retry OUTPUT failed` makes and pays it again; run `catwalk rescue` hourly so that it does not come to that.
    """


class OutcomeUnknown(VendorError):
    """
    The vendor may have accepted, and charged; never repeated unless a person asks.

    Costs: perhaps: `credits_at_risk` has the price.
    Next: look at the vendor's own list of jobs, then `catwalk retry OUTPUT unknown`, which may pay a second time.
    """

    outcome_unknown = True


class ContractDrift(VendorError):
    """
    The reply no longer fits the vendor's documented contract; no other row on this account can go on.

    On a paid call `outcome_unknown` is set: the vendor accepted, but its reply can't be read.

    Costs: nothing, unless the row is `unknown`: then most likely.
    Next: check `base_url`, compare the vendor's changelog, and update Catwalk before you run again.
    """

    closes_lane = True


def _cut(words: str | None) -> str | None:
    if words is None:
        return None
    flat = _QUERY.sub(r"\1…", " ".join(words.split()))
    return flat if len(flat) <= WORDS_LIMIT else flat[: WORDS_LIMIT - 1] + "…"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else text + "."
