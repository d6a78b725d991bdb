"""One ingest on the machines of a Ray cluster. Ray itself is loaded when such an ingest begins."""

from simplugin.ingestion.distributed.desk import Ask, Recipe
from simplugin.ingestion.distributed.driving import ingest_with_ray

__all__ = ["Ask", "Recipe", "ingest_with_ray"]
