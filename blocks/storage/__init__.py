"""Object storage: the one place that knows S3, the local disk and fsspec."""

from blocks.storage.block import ObjectStorage
from blocks.storage.store import MissingObject, ObjectStat

__all__ = ["MissingObject", "ObjectStat", "ObjectStorage"]
