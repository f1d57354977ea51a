"""
AILabTools: a coarse try-on made sharp by its Try-on Clothes Refiner.

Sources: www.ailabtools.com/docs/ai-portrait/enhance/try-on-clothes-refiner/api, .../docs/ai-common/async-task-results/api,
.../doc/response-description, and the vendor's SDK (github.com/ailabtools/ailabtools-sdk).
"""

from blocks.ailabtools.credentials import AILabToolsCredentials
from blocks.ailabtools.try_on_refiner import TryOnRefiner, TryOnRefinerOptions

__all__ = ["AILabToolsCredentials", "TryOnRefiner", "TryOnRefinerOptions"]
