"""What Background Generation hands back: `output` in docs.claid.ai/ai-background-api/ai-background-i-o."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from blocks.claid.options import Output
from blocks.operation import Options

__all__ = ["AvifFormat", "JpegFormat", "PngFormat", "SceneOutput", "WebpFormat"]

FormatName = Literal["jpeg", "png", "webp", "avif"]


class JpegFormat(Options):
    """A JPEG with its settings."""

    type: Literal["jpeg"] = Field(description="JPEG.")
    quality: int = Field(default=85, ge=1, le=100, description="Quality, 1 to 100.")
    progressive: bool = Field(default=True, description="Whether it shows coarsely first while it loads.")


class PngFormat(Options):
    """A PNG with its settings."""

    type: Literal["png"] = Field(description="PNG.")
    compression: Literal["fast", "optimal", "best"] = Field(default="optimal", description="Effort spent on its size.")


class Lossless(Options):
    """Compression that loses nothing."""

    type: Literal["lossless"] = Field(description="Nothing is lost.")


class WebpLossy(Options):
    """WEBP's lossy compression."""

    type: Literal["lossy"] = Field(description="Smaller, with loss.")
    quality: int = Field(default=75, ge=1, le=100, description="Quality, 1 to 100.")


class AvifLossy(Options):
    """AVIF's lossy compression."""

    type: Literal["lossy"] = Field(description="Smaller, with loss.")
    quality: int = Field(default=50, ge=1, le=100, description="Quality, 1 to 100.")


class WebpFormat(Options):
    """A WEBP with its settings."""

    type: Literal["webp"] = Field(description="WEBP.")
    compression: Literal["lossy", "lossless"] | Annotated[WebpLossy | Lossless, Field(discriminator="type")] = Field(
        default_factory=lambda: WebpLossy(type="lossy"), description="Lossy, with a quality, or lossless."
    )


class AvifFormat(Options):
    """An AVIF with its settings."""

    type: Literal["avif"] = Field(description="AVIF.")
    compression: Literal["lossy", "lossless"] | Annotated[AvifLossy | Lossless, Field(discriminator="type")] = Field(
        default_factory=lambda: AvifLossy(type="lossy"), description="Lossy, with a quality, or lossless."
    )


FormatSettings = Annotated[JpegFormat | PngFormat | WebpFormat | AvifFormat, Field(discriminator="type")]


class SceneOutput(Output):
    """
    What Background Generation hands back.

    One picture unless asked for more, where the vendor's own default is four, each of them charged.
    """

    format: FormatName | FormatSettings = Field(
        default="png", description="File format of the result, by its name or with its settings."
    )

    def type(self) -> FormatName:
        """The format's name, however it was written."""
        return self.format if isinstance(self.format, str) else self.format.type
