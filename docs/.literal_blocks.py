"""Lets the literal blocks of docstrings, which two colons announce, be announced by one in the reference.

A hook of MkDocs: https://www.mkdocs.org/user-guide/configuration/#hooks
"""

from typing import Any


def on_page_content(html: str, **_: Any) -> str:
    """Return the page with one colon where a paragraph ends with two."""
    return html.replace("::</p>", ":</p>")
