"""The requests that a unit's way consists of, as a gate sees them."""

from __future__ import annotations

from collections.abc import Callable

from catalogs.ledger import AttemptState
from tests.chaos.gate import Passage

__all__ = ["claiming", "downloading", "paying", "polling", "recording", "storing"]


def claiming(passage: Passage) -> bool:
    """The claim's exclusive PUT."""
    return "/ledger/" in passage.path and passage.method == "PUT" and "If-None-Match" in passage.headers


def recording(state: AttemptState) -> Callable[[Passage], bool]:
    """The PUT that writes a state down."""
    return lambda passage: (
        "/ledger/" in passage.path and passage.method == "PUT" and f'"state":"{state}"'.encode() in passage.body
    )


def paying(passage: Passage) -> bool:
    """The one paid call."""
    return passage.method == "POST" and passage.path.endswith(("/ai-edit", "/ai-fashion-models", "/scene/create"))


def polling(passage: Passage) -> bool:
    """A look at a job."""
    return passage.method == "GET" and ("/ai-edit/" in passage.path or "/ai-fashion-models/" in passage.path)


def downloading(passage: Passage) -> bool:
    """The result's download."""
    return passage.path.startswith("/results/")


def storing(passage: Passage) -> bool:
    """The picture's PUT."""
    return "/pictures/" in passage.path and passage.method == "PUT"
