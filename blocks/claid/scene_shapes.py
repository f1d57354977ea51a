"""What stands around the product: the three shapes of `scene` in docs.claid.ai/ai-background-api."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from blocks.claid.options import YamlRatio
from blocks.operation import Options

__all__ = ["EffectScene", "GuidedPrompt", "PromptScene", "SceneShape", "TemplateScene"]

SHAPES = (
    "a scene has one of three shapes: an effect (effect: shadows, with color, view, aspect_ratio), a prompt "
    "(prompt, with negative_prompt, color, steps, aspect_ratio, preference), or a template (template_url and view, "
    "with template_mode, prompt, negative_prompt, color, steps); each takes model"
)

Text = Annotated[str, Field(min_length=3, max_length=2048)]
HexColor = Annotated[str, Field(pattern=r"^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")]
Steps = Annotated[int, Field(ge=1, le=49)]
# The documentation's list of 2025 and the newer one of its schema, together.
AspectRatio = Annotated[
    Literal[
        "1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "4:7", "5:4", "7:4", "7:9", "9:7", "9:16", "12:5", "16:9", "19:13",
        "21:9",
    ],
    YamlRatio,
]  # fmt: skip


class GuidedPrompt(Options):
    """A prompt as given, or one that Claid writes from the picture, along guidelines if there are any."""

    text: Text | None = Field(default=None, description="The scene, in words.")
    generate: bool = Field(default=False, description="Whether Claid writes the prompt; charged half a credit.")
    guidelines: str | None = Field(
        default=None, min_length=3, max_length=1000, description="What a generated prompt keeps to."
    )

    @model_validator(mode="after")
    def _text_or_generate(self) -> Self:
        if self.generate and self.text is not None:
            raise ValueError("prompt.text and prompt.generate exclude each other: leave one out.")
        if not self.generate and self.text is None:
            raise ValueError("the prompt needs either text, or generate: true.")
        if not self.generate and self.guidelines is not None:
            raise ValueError("prompt.guidelines are for a generated prompt: set generate: true, or leave them out.")
        return self


class _Shape(Options):
    model: Literal["v1", "v2-beta", "v2"] = Field(default="v1", description="Claid's scene model.")


class EffectScene(_Shape):
    """A plain background with an effect."""

    effect: Literal["shadows"] = Field(description="The effect: shadows under the product.")
    color: HexColor | Literal["transparent"] | None = Field(
        default=None, description="Background as '#aece8c', or 'transparent' with PNG."
    )
    view: Literal["auto", "top", "front"] | None = Field(
        default=None, description="Where it is looked at from; Claid's own: auto."
    )
    aspect_ratio: AspectRatio | None = Field(default=None, description="Shape of the result; Claid's own: 1:1.")


class PromptScene(_Shape):
    """A scene made from words."""

    prompt: Text | GuidedPrompt = Field(description="The scene, in words, or how Claid writes them.")
    negative_prompt: Text | None = Field(default=None, description="What the scene shall not show.")
    color: HexColor | None = Field(default=None, description="Main colour of the scene, as '#aece8c'.")
    steps: Steps | None = Field(default=None, description="Steps of drawing, 1 to 49: more are slower and finer.")
    aspect_ratio: AspectRatio | None = Field(default=None, description="Shape of the result; Claid's own: 1:1.")
    preference: Literal["fast", "optimal", "best"] | None = Field(
        default=None, description="Speed against quality; Claid's own: optimal."
    )


class TemplateScene(_Shape):
    """A scene made after a picture of one; its shape is the template's."""

    template_url: str = Field(min_length=1, max_length=4096, description="Address of the scene to go by.")
    view: Literal["top", "front"] = Field(description="Where the template is looked at from.")
    template_mode: Literal["transform", "adjust", "lock"] | None = Field(
        default=None, description="How closely to keep to the template; Claid's own: transform."
    )
    prompt: Text | GuidedPrompt | None = Field(default=None, description="What to change, in words.")
    negative_prompt: Text | None = Field(default=None, description="What the scene shall not show.")
    color: HexColor | None = Field(default=None, description="Main colour of the scene, as '#aece8c'.")
    steps: Steps | None = Field(default=None, description="Steps of drawing, 1 to 49; Claid's own: by template_mode.")


_shapes: dict[str, type[_Shape]] = {"effect": EffectScene, "template": TemplateScene, "prompt": PromptScene}


def _shape(value: object) -> str | None:
    """The shape that a written scene has, by the key that the others lack; a template may have a prompt too."""
    if isinstance(value, _Shape):
        return next(name for name, shape in _shapes.items() if isinstance(value, shape))
    if not isinstance(value, Mapping):
        return None
    required = (("effect", "effect"), ("template_url", "template"), ("prompt", "prompt"))
    return next((shape for key, shape in required if key in value), None)


def _of_one_shape(value: Any) -> Any:
    shape = _shape(value)
    if shape is not None and isinstance(value, Mapping):
        own = set(_shapes[shape].model_fields)
        others = {key for other in _shapes.values() for key in other.model_fields} - own
        if strange := sorted(others & set(cast("Mapping[str, object]", value))):
            raise ValueError(f"{' and '.join(strange)} can't go with this scene's {shape}: {SHAPES}.")
    return value  # pyright: ignore[reportUnknownVariableType] - narrowed from Any


SceneShape = Annotated[
    Annotated[EffectScene, Tag("effect")]
    | Annotated[PromptScene, Tag("prompt")]
    | Annotated[TemplateScene, Tag("template")],
    Discriminator(_shape, custom_error_type="scene_shape", custom_error_message=f"{SHAPES}."),
    BeforeValidator(_of_one_shape),
]
