"""A second process beside an ingest, which splits and embeds for it."""

from simplugin.ingestion.second.process import SecondProcess, SecondProcessError, may_have_second

__all__ = ["SecondProcess", "SecondProcessError", "may_have_second"]
