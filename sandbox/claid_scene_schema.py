"""Claid's request body for Background Generation (docs.claid.ai, AI Background API reference)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, ValidationInfo, model_validator

from sandbox.claid_schema import Uri, Wire

__all__ = ["SCENE_SIZES", "AbsoluteObject", "EffectScene", "PaddingObject", "SceneRequest", "TemplateScene"]

# The newer list; the older documentation page lists other ratios, which strict mode refuses.
CURRENT_RATIOS = frozenset({"21:9", "1:1", "4:3", "3:2", "2:3", "5:4", "4:5", "3:4", "16:9", "9:16"})
# 1024 x 1024 is published; the rest is assumed: about one megapixel, sides in steps of 16.
SCENE_SIZES = {
    "1:1": (1024, 1024),
    "21:9": (1568, 672),
    "4:3": (1184, 880),
    "3:2": (1248, 832),
    "2:3": (832, 1248),
    "5:4": (1152, 912),
    "4:5": (912, 1152),
    "3:4": (880, 1184),
    "16:9": (1360, 768),
    "9:16": (768, 1360),
    "4:7": (768, 1344),
    "7:9": (896, 1152),
    "9:7": (1152, 896),
    "19:13": (1232, 848),
    "7:4": (1344, 768),
    "12:5": (1584, 656),
}
Ratio = Literal[
    "21:9", "1:1", "4:3", "3:2", "2:3", "5:4", "4:5", "3:4", "16:9", "9:16", "4:7", "7:9", "9:7", "19:13", "7:4", "12:5"
]


def _current(value: str, info: ValidationInfo) -> str:
    if (info.context or {}).get("strict") and value not in CURRENT_RATIOS:
        raise ValueError(f"Input should be one of {sorted(CURRENT_RATIOS)}")
    return value


SceneRatio = Annotated[Ratio, AfterValidator(_current)]
Hex = Annotated[str, StringConstraints(pattern=r"^#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")]
Prose = Annotated[str, StringConstraints(min_length=3, max_length=2048)]
Guidelines = Annotated[str, StringConstraints(min_length=3, max_length=1000)]
Pads = Annotated[str, StringConstraints(pattern=r"^\d+(?:\.\d+)?(?:%|px)?(?:\s+\d+(?:\.\d+)?(?:%|px)?)?$")]


class Position(Wire):
    """The object's centre in shares of the scene; y counts upwards."""

    x: float = Field(default=0.5, ge=0, le=1)
    y: float = Field(default=0.5, ge=0, le=1)


class AbsoluteObject(Wire):
    """The object where and as large as asked for."""

    image_url: Uri
    placement_type: Literal["absolute"] = "absolute"
    rotation_degree: float = Field(default=0, ge=0, le=360)
    scale: float = Field(default=1, ge=0, le=1)
    position: Position = Field(default_factory=Position)


class OriginalObject(Wire):
    """The object where it stands in its own picture."""

    image_url: Uri
    placement_type: Literal["original"]


class PaddingObject(Wire):
    """The object as large as the padding around it leaves."""

    image_url: Uri
    placement_type: Literal["padding"]
    padding: Pads


def _object_shape(value: object) -> str:
    placement = value.get("placement_type", "absolute") if isinstance(value, dict) else "absolute"  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - raw JSON
    return placement if placement in ("original", "padding") else "absolute"  # pyright: ignore[reportUnknownVariableType] - raw JSON


SceneObject = Annotated[
    Annotated[AbsoluteObject, Tag("absolute")]
    | Annotated[OriginalObject, Tag("original")]
    | Annotated[PaddingObject, Tag("padding")],
    Discriminator(_object_shape),
]


class PromptObject(Wire):
    """A prompt written out, or one that Claid writes along guidelines."""

    text: Prose | None = None
    generate: bool = False
    guidelines: Guidelines | None = None

    @model_validator(mode="after")
    def _either(self) -> PromptObject:
        if self.generate and self.text is not None:
            raise ValueError("text is not allowed when generate is true")
        if not self.generate and self.guidelines is not None:
            raise ValueError("guidelines are allowed only when generate is true")
        if not self.generate and self.text is None:
            raise ValueError("text is required when generate is false")
        return self


Model = Literal["v1", "v2-beta", "v2"]


class EffectScene(Wire):
    """A plain background with a shadow."""

    model: Model = "v1"
    effect: Literal["shadows"]
    view: Literal["auto", "top", "front"] = "auto"
    color: Hex | Literal["transparent"] | None = None
    aspect_ratio: SceneRatio = "1:1"

    @property
    def words(self) -> str:
        """A plain studio."""
        return "plain studio, soft shadow"


class PromptScene(Wire):
    """A scene made from words."""

    model: Model = "v1"
    prompt: Prose | PromptObject
    negative_prompt: Prose | None = None
    view: Literal["auto", "top", "front"] = "auto"
    color: Hex | None = None
    steps: int | None = Field(default=None, ge=1, le=49)
    aspect_ratio: SceneRatio = "1:1"
    preference: Literal["fast", "optimal", "best"] = "optimal"

    @property
    def words(self) -> str:
        """What the scene shows."""
        return _words(self.prompt)


class TemplateScene(Wire):
    """A scene made from a picture."""

    model: Model = "v1"
    template_url: Uri
    template_mode: Literal["transform", "adjust", "lock"] = "transform"
    view: Literal["top", "front"]
    prompt: Prose | PromptObject | None = None
    negative_prompt: Prose | None = None
    color: Hex | None = None
    steps: int | None = Field(default=None, ge=1, le=49)

    @property
    def words(self) -> str:
        """What the scene shows, beside the template."""
        return _words(self.prompt)

    @property
    def aspect_ratio(self) -> str:
        """The ratio of a templated scene (assumed)."""
        return "1:1"


def _words(prompt: str | PromptObject | None) -> str:
    if prompt is None:
        return ""
    if isinstance(prompt, str):
        return prompt
    return prompt.text or prompt.guidelines or "a setting that suits the product"


def _scene_shape(value: object) -> str:
    if isinstance(value, dict):
        if "template_url" in value:
            return "template"
        if "effect" in value:
            return "effect"
    return "prompt"


Scene = Annotated[
    Annotated[EffectScene, Tag("effect")]
    | Annotated[PromptScene, Tag("prompt")]
    | Annotated[TemplateScene, Tag("template")],
    Discriminator(_scene_shape),
]


class JpegFormat(Wire):
    """JPEG with its own options."""

    type: Literal["jpeg"]
    quality: int = Field(default=85, ge=1, le=100)
    progressive: bool = True


class PngFormat(Wire):
    """PNG with its own options."""

    type: Literal["png"]
    compression: Literal["fast", "optimal", "best"] = "optimal"


class LossyCompression(Wire):
    """Smaller, with loss."""

    type: Literal["lossy"]
    quality: int | None = Field(default=None, ge=1, le=100)


class LosslessCompression(Wire):
    """Larger, without loss."""

    type: Literal["lossless"]


class WebFormat(Wire):
    """WebP or AVIF with their own options."""

    type: Literal["webp", "avif"]
    compression: Literal["lossy", "lossless"] | LossyCompression | LosslessCompression = "lossy"


FormatName = Literal["jpeg", "png", "webp", "avif"]


class SceneOutput(Wire):
    """How many pictures, in which format, and where to."""

    number_of_images: int = Field(default=4, ge=1, le=4)
    format: FormatName | JpegFormat | PngFormat | WebFormat = "png"
    destination: Uri | None = None

    @property
    def format_name(self) -> str:
        """The format without its options."""
        return self.format if isinstance(self.format, str) else self.format.type


class SceneRequest(Wire):
    """`POST /v1/scene/create`."""

    object: SceneObject
    scene: Scene
    output: SceneOutput | Uri = Field(default_factory=SceneOutput)

    @model_validator(mode="after")
    def _transparent_only_as_png(self) -> SceneRequest:
        transparent = isinstance(self.scene, EffectScene) and self.scene.color == "transparent"
        output = self.output
        if transparent and not isinstance(output, str) and output.format_name != "png":
            raise ValueError("a transparent background is supported in png format only")
        return self
