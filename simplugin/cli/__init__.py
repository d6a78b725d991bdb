"""The command line: one module a verb."""

from simplugin.cli.app import app, main

__all__ = ["app", "main"]
