"""Claid's request bodies for AI Fashion Models and AI Edit (docs.claid.ai, the two API references)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

__all__ = ["EDIT_SIZES", "FASHION_SIZES", "EditRequest", "FashionRequest", "ImageOutput", "Uri", "Wire"]


class Wire(BaseModel):
    """A request body as documented: unknown fields are refused at every level, types are not guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _uri(value: object) -> object:
    if isinstance(value, str) and value and "://" not in value[:20]:
        raise ValueError("invalid or missing URL scheme")
    return value


Uri = Annotated[str, StringConstraints(min_length=1, max_length=4096), BeforeValidator(_uri)]
Words = Annotated[str, StringConstraints(min_length=3, max_length=5000)]

# Only 1:1 is published; the others are assumed, about one megapixel.
FASHION_SIZES = {
    "1:1": (1024, 1024),
    "2:3": (832, 1248),
    "3:2": (1248, 832),
    "3:4": (864, 1184),
    "4:3": (1184, 864),
    "4:5": (896, 1152),
    "5:4": (1152, 896),
    "9:16": (768, 1344),
    "16:9": (1344, 768),
    "21:9": (1536, 672),
}
EDIT_SIZES = {
    "1:1": (1024, 1024),
    "2:3": (832, 1248),
    "3:2": (1248, 832),
    "3:4": (880, 1168),
    "4:3": (1168, 880),
    "9:16": (768, 1360),
    "16:9": (1360, 768),
    "9:21": (656, 1552),
    "21:9": (1552, 656),
}


class ImageOutput(Wire):
    """How many pictures, in which format, and where to."""

    number_of_images: int = Field(default=1, ge=1, le=4)
    format: Literal["jpeg", "png"] = "png"
    destination: Uri | None = None


class FashionInput(Wire):
    """The garments, and who wears them."""

    clothing: list[Uri] = Field(min_length=1, max_length=5)
    model: Uri | None = None


class FashionOptions(Wire):
    """How the person stands, and where."""

    pose: Words | None = None
    background: Words | None = None
    aspect_ratio: Literal["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"] | None = None


class FashionRequest(Wire):
    """`POST /v1/image/ai-fashion-models`."""

    input: FashionInput
    options: FashionOptions
    output: ImageOutput | Uri = Field(default_factory=ImageOutput)


class EditOptions(Wire):
    """What to change; ratio, steps and guidance have an effect with model v1 only."""

    prompt: Words
    model: Literal["v1", "v2"] = "v2"
    aspect_ratio: Literal["1:1", "2:3", "3:2", "3:4", "4:3", "9:16", "16:9", "9:21", "21:9"] | None = None
    inference_steps: int | None = Field(default=None, ge=1, le=50)
    guidance_scale: float | None = Field(default=None, ge=1, le=10)


class EditRequest(Wire):
    """`POST /v1/image/ai-edit`."""

    input: Uri
    options: EditOptions
    output: ImageOutput | Uri = Field(default_factory=ImageOutput)
