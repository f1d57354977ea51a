"""Where Background Generation puts the product: `object` in docs.claid.ai/ai-background-api."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, Discriminator, Field, Tag, model_validator

from blocks.operation import Options

__all__ = ["AbsolutePlacement", "OriginalPlacement", "PaddingPlacement", "Placement"]

MOST_PADDING_PERCENT = 50.0

_length = r"\d+(\.\d+)?(%|px)"


def _at_most_half(padding: str) -> str:
    if any(float(percent) > MOST_PADDING_PERCENT for percent in re.findall(r"([\d.]+)%", padding)):
        raise ValueError(f"{padding!r} is more than half of a side: the most is 50%.")
    return padding


class _Placement(Options):
    @model_validator(mode="before")
    @classmethod
    def _no_image_url(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and "image_url" in value:
            raise ValueError("object.image_url is the row's own picture, or the previous stage's: leave it out.")
        return value  # pyright: ignore[reportUnknownVariableType] - narrowed from Any


class Position(Options):
    """The middle of the product, as shares of the scene's width and height."""

    x: float = Field(default=0.5, ge=0, le=1, description="From 0, the left edge, to 1, the right edge.")
    y: float = Field(default=0.5, ge=0, le=1, description="From 0, the bottom edge, to 1, the top edge.")


class AbsolutePlacement(_Placement):
    """The product turned, scaled and put where you say."""

    placement_type: Literal["absolute"] = Field(default="absolute", description="Placed as given here.")
    rotation_degree: float | None = Field(
        default=None, ge=0, le=360, description="Degrees to turn the product clockwise; Claid's own: 0."
    )
    scale: float | None = Field(
        default=None, ge=0.01, le=1, description="Size of the product in the scene; Claid's own: 1, up to the edges."
    )
    position: Position | None = Field(
        default=None, description="Where the product's middle stands; Claid's own: the scene's middle."
    )


class OriginalPlacement(_Placement):
    """The product where its own picture has it."""

    placement_type: Literal["original"] = Field(description="Placed as in its own picture.")


class PaddingPlacement(_Placement):
    """The product with space around it."""

    placement_type: Literal["padding"] = Field(description="Placed with space around.")
    padding: Annotated[str, Field(pattern=rf"^{_length}( {_length})?$"), AfterValidator(_at_most_half)] = Field(
        description="Space on all sides, or vertical and horizontal apart: '10%', '5% 25%', '40px'; at most half a side."
    )


def _tag(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return getattr(value, "placement_type", None)
    if not isinstance(value, Mapping):
        return None
    # The vendor's own default, which a plain discriminator would not allow.
    return cast("Mapping[str, Any]", value).get("placement_type", "absolute")


Placement = Annotated[
    Annotated[AbsolutePlacement, Tag("absolute")]
    | Annotated[OriginalPlacement, Tag("original")]
    | Annotated[PaddingPlacement, Tag("padding")],
    Discriminator(
        _tag,
        custom_error_type="placement_type",
        custom_error_message="placement_type is 'absolute', 'original' or 'padding'.",
    ),
]
