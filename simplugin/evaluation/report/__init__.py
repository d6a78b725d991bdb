"""Results for people: Markdown, one self-contained page with plots, and the block of a Hub model card."""

from simplugin.evaluation.report.html import to_html, write_html
from simplugin.evaluation.report.markdown import to_markdown, write_markdown
from simplugin.evaluation.report.model_index import to_model_index

__all__ = ["to_html", "to_markdown", "to_model_index", "write_html", "write_markdown"]
