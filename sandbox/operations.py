"""Which operation and which step of it an address belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DOWNLOADS", "Phase", "Route", "route_of"]

Phase = Literal["submit", "poll", "upload", "read", "download", "deliver"]


@dataclass(frozen=True, slots=True)
class Route:
    """An operation's name, as charges and faults know it, and the step that a request takes."""

    vendor: str
    operation: str
    phase: Phase


_FASHION = "/v1/image/ai-fashion-models"
_EDIT = "/v1/image/ai-edit"
_SCENE = "/v1/scene/create"
_UPLOAD = "/v1/image/edit/upload"
_CLOTHING = "/api/v4/image/ai-fashion-model/clothing-tasks"
_REFINER = "/api/portrait/enhance/try-on-clothes-refiner"
_POLL = "/api/common/query-async-task-result"
_CREDITS = "/api/common/query-credits"
DOWNLOADS = "/results/"

_EXACT = {
    _FASHION: Route("claid", "claid.fashion_models", "submit"),
    _EDIT: Route("claid", "claid.edit", "submit"),
    _SCENE: Route("claid", "claid.scene", "submit"),
    _UPLOAD: Route("claid", "claid.upload", "upload"),
    _CLOTHING: Route("vmake", "vmake.fashion_model", "submit"),
    _REFINER: Route("ailabtools", "ailabtools.try_on_refiner", "submit"),
    _POLL: Route("ailabtools", "ailabtools.try_on_refiner", "poll"),
    _CREDITS: Route("ailabtools", "ailabtools.credits", "read"),
}
_BELOW = {
    _FASHION: Route("claid", "claid.fashion_models", "poll"),
    _EDIT: Route("claid", "claid.edit", "poll"),
    _CLOTHING: Route("vmake", "vmake.fashion_model", "poll"),
}


def route_of(path: str) -> Route | None:
    """The vendor call behind `path`; None for downloads, whose operation the stored file knows, and the rest."""
    return _EXACT.get(path) or _BELOW.get(path.rpartition("/")[0])
