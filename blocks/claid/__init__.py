"""Claid: on-model photos, edits in words, and generated scenes (docs.claid.ai)."""

from blocks.claid.credentials import ClaidCredentials
from blocks.claid.edit import Edit, EditOptions
from blocks.claid.fashion_models import FashionModels, FashionModelsOptions
from blocks.claid.scene import Scene, SceneOptions

__all__ = [
    "ClaidCredentials",
    "Edit",
    "EditOptions",
    "FashionModels",
    "FashionModelsOptions",
    "Scene",
    "SceneOptions",
]
