"""The error tree: what each error says, and that it survives the way between processes."""

import pickle

import pytest

from blocks import errors
from blocks.errors import (
    AuthFailed,
    CatalogError,
    CatwalkError,
    ContentRefused,
    ContractDrift,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    Rejected,
    Unavailable,
    VendorError,
)

EVERY_ERROR = [getattr(errors, name) for name in errors.__all__]
VENDOR_ERRORS = [error for error in EVERY_ERROR if issubclass(error, VendorError)]


@pytest.mark.parametrize("error_type", VENDOR_ERRORS)
def test_vendor_errors_pickle_with_all_they_carry(error_type: type[VendorError]) -> None:
    """An error that crosses a process boundary arrives with every field it left with."""
    error = error_type(
        "it broke",
        vendor="Claid",
        status=418,
        request_id="r-1",
        job_id="7",
        retry_after=2.5,
        words="no",
        next_step="Try tea.",
        sku="A1",
        stage="model",
    )
    error.outcome_unknown = True

    copy = pickle.loads(pickle.dumps(error))

    assert error_type is type(copy)
    assert vars(error) == vars(copy)
    assert str(error) == str(copy)


def test_a_message_names_the_row_the_cause_the_words_and_the_next_step() -> None:
    """The whole message reads as sentences, in that order."""
    error = Rejected(
        "Claid refused the request", words="pose: too short", next_step="Correct it", sku="A1", stage="model"
    )

    assert (
        str(error)
        == "SKU 'A1' stage 'model': Claid refused the request. The vendor says: 'pose: too short'. Correct it."
    )


def test_naming_the_row_later_keeps_what_was_known() -> None:
    """`at` fills what the raising code could not know, and overwrites nothing."""
    error = CatalogError("no garment", sku="A1").at(sku="B2", stage="model")

    assert (error.sku, error.stage) == ("A1", "model")


def test_long_words_are_cut_at_300_characters() -> None:
    """A vendor's essay does not fill the log."""
    error = CatwalkError("it broke", words="w " * 400)

    assert len(error.words or "") == 300
    assert (error.words or "").endswith("…")


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (
            "could not fetch https://b.s3.example.com/a.png?X-Amz-Signature=abc&x=1",
            "could not fetch https://b.s3.example.com/a.png?…",
        ),
        ('{"url":"http://h/p?token=abc"} is bad', '{"url":"http://h/p?…"} is bad'),
        ("what? https://h/p is fine?", "what? https://h/p is fine?"),
    ],
)
def test_signatures_in_addresses_are_left_out_of_the_words(words: str, kept: str) -> None:
    """A signed address opens the bucket to whoever reads the log, so its query goes."""
    assert kept == CatwalkError("it broke", words=words).words


def test_kinds_are_snake_case() -> None:
    """Manifests write an error's kind in the columns' own style."""
    assert [ContentRefused.kind(), OutcomeUnknown.kind()] == ["content_refused", "outcome_unknown"]


def test_only_refusals_that_accepted_nothing_are_retryable() -> None:
    """Retrying anything else could pay twice."""
    assert {RateLimited, Unavailable} == {error for error in EVERY_ERROR if error.retryable}


def test_the_errors_that_no_other_row_can_escape_close_the_lane() -> None:
    """A bad key, an empty account and a changed contract concern every row alike."""
    assert {AuthFailed, QuotaExhausted, ContractDrift} == {error for error in VENDOR_ERRORS if error.closes_lane}


def test_only_an_unknown_outcome_is_one_by_nature() -> None:
    """Drift becomes one on a paid call alone, where the exchange sets it."""
    assert {OutcomeUnknown} == {error for error in VENDOR_ERRORS if error.outcome_unknown}
