"""What a run is configured with; `prefect block register -m blocks` registers every block named here."""

from blocks.ailabtools import AILabToolsCredentials
from blocks.claid import ClaidCredentials
from blocks.storage import ObjectStorage
from blocks.vmake import VmakeCredentials

__all__ = ["AILabToolsCredentials", "ClaidCredentials", "ObjectStorage", "VmakeCredentials"]
